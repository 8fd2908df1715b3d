"""Deliver what the ledger holds: claim, hand over, record, until nothing is due.

One thread, the caller's, talks to the store: it records results and claims the next rows in one transaction, and
hands each claim to a connection when the pace allows. A connection writes no message's content before the claim
is committed and its start is in the journal. Whatever happens to this process, ``recover`` finds out later.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING

from publisher.errors import MailError, PublisherError, StoreError
from publisher.flows.connections import Connections, Rules
from publisher.flows.recovery import dead_engines, recover, settle_doubts
from publisher.mail.compose import Composer, compose_letter
from publisher.model.delivery import DeliveryState, Outcome
from publisher.rules.pace import Paces
from publisher.rules.retry import backoff, too_many_refusals
from publisher.store import home, issues, ledger, letters
from publisher.store.journal import Journal
from publisher.store.lease import LEASE, engine
from publisher.store.release import release_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.flows.connections import Heard, Make
    from publisher.mail.transports import Transport
    from publisher.model.delivery import Claim
    from publisher.model.issue import Issue
    from publisher.store.database import Store
    from publisher.store.lease import Lease
    from publisher.store.ledger import Gone, Open

    Clock = Callable[[], datetime]

_S = DeliveryState
GATHER = 0.02  # seconds that results are gathered for before they are committed together
LOOK = 0.1  # seconds between two looks for letters and for issues that were let go meanwhile
RETRIES = 1.0  # seconds between two looks for deferred rows while planned ones are left
HORIZON = 1.0  # seconds ahead that are claimed for where a rate is set
TROUBLED = 2  # faults of the relay in a row, beyond one for each connection, until it counts as out of reach
IDLE = 3  # rounds in a row that found nothing to do although something was due: others are at it
KEPT = 64  # variants whose encoded parts are kept


@dataclass(frozen=True, slots=True)
class Terms:
    """How to deliver; see [mail] and [engine] in config.toml. ``late`` is send_late_within by digest.

    ``lease`` is in seconds, and counts with PostgreSQL alone.
    """

    connections: int = 10
    window: int = 100
    rate: float = 0
    per_domain: float = 0
    retry_for: timedelta = timedelta(days=2)
    on_doubt: str = "resend"
    relay_log: str = ""
    late: Mapping[str, timedelta] = field(default_factory=dict)
    lease: float = LEASE


@dataclass(frozen=True, slots=True)
class Progress:
    """An issue that this run worked on, with its deliveries counted by state."""

    issue: Issue
    counts: dict[DeliveryState, int]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a run delivered. ``elsewhere``: another process holds the store's engine and goes on with it.

    ``letters`` counts the letters that were handed over; ``trouble`` is what the relay said when it could not be
    reached, and what was due is then put off; ``doubtful`` counts rows that were settled after a break.
    """

    worked_on: tuple[Progress, ...]
    elsewhere: bool = False
    letters: int = 0
    trouble: str = ""
    doubtful: int = 0
    stopped: bool = False


class _Stopped(Exception):
    """Somebody wants the run to end: what is under way is finished, the rest is planned again."""


def never() -> bool:
    """Nobody wants the run to end early."""
    return False


def deliver(
    store: Store,
    transport: Transport,
    name: str,
    clock: Clock,
    terms: Terms | None = None,
    stopping: Callable[[], bool] = never,
) -> Delivery:
    """Hand over everything that is due in the store: letters first, issues in turns, oldest first.

    ``name`` is this process's in the ledger, in letters and digits. Raises MailError when this machine's own
    outbox cannot go on, StoreError when the store is a copy; what was not handed over is then planned again.
    Once ``stopping`` says so, what is under way is finished, and the rest waits for another run.
    """
    terms = terms or Terms()
    done, idle = Delivery(()), 0
    while idle < IDLE and not stopping() and _is_due(store, clock(), terms.lease):
        with engine(store, name, clock, terms.lease) as lease:
            if lease is None:
                return _joined(store, done, Delivery((), elsewhere=True))
            require_home(store)
            try:
                worked = _work(store, transport, lease, clock, terms, stopping)
            except _Stopped:
                return replace(done, stopped=True)
        done = _joined(store, done, worked)
        idle = 0 if worked.worked_on or worked.letters or worked.doubtful else idle + 1
        if done.trouble:
            break
        # Someone may have drafted between our last look and giving the lock back: look again.
    if not done.worked_on:
        _close_finished(store)
    return replace(done, stopped=stopping())


def _close_finished(store: Store) -> None:
    """Close what a process left open that died after its last message and before it could say so."""
    with store.reading() as connection:
        going = ledger.open_issues(connection)
    if going:
        with store.turning() as connection:
            issues.close_finished(connection)


def _is_due(store: Store, now: datetime, lease: float) -> bool:
    """Whether something waits to be handed over, or to be settled."""
    with store.reading() as connection:
        due = ledger.next_due(connection)
        if (due is not None and due <= now) or ledger.doubtful(connection):
            return True
        return bool(dead_engines(connection, store, now, lease))


def _joined(store: Store, one: Delivery, other: Delivery) -> Delivery:
    """Two rounds of one run; the counts of both are read anew."""
    numbers = sorted({each.issue.id for each in (*one.worked_on, *other.worked_on)})
    with store.reading() as connection:
        worked_on = tuple(Progress(issues.read_issue(connection, n), ledger.tally(connection, n)) for n in numbers)
    return Delivery(
        worked_on,
        other.elsewhere,
        one.letters + other.letters,
        other.trouble,
        one.doubtful + other.doubtful,
    )


def require_home(store: Store) -> None:
    """Refuse to send from a copy (DESIGN: a cloned or restored store is adopted first). Raises StoreError."""
    with store.writing() as connection:
        if not home.is_home(connection, store.path):
            raise StoreError(
                f"the mailing store {store.name} is not where it last sent from: it was copied, restored or moved",
                "If this copy is to send from now on, and no other: publisher store adopt.",
            )


def _work(
    store: Store, transport: Transport, lease: Lease, clock: Clock, terms: Terms, stopping: Callable[[], bool]
) -> Delivery:
    """Recover, then drain, with doubt settled after each."""
    stranded = recover(store, transport, clock, lease=terms.lease)
    touched = {claim.issue for claim in stranded}
    doubtful = _settled(store, clock, terms, after_break=True)
    _stop_late(store, clock(), terms)
    with ExitStack() as stack:
        journal = None
        if not transport.remembers:
            journal = stack.enter_context(Journal(store.folder, store.id, lease.engine, terms.window))
        run = _Run(store, transport, lease, journal, clock, terms)
        try:
            run.drain(stopping)
        finally:
            if journal is not None and not run.leaves_something:
                journal.discard()
    doubtful += _settled(store, clock, terms, after_break=False)
    touched |= run.touched
    with store.turning() as connection:
        issues.close_finished(connection)
        worked_on = tuple(Progress(issues.read_issue(connection, number), {}) for number in sorted(touched - {0}))
    return Delivery(worked_on, letters=run.letters, trouble=run.trouble, doubtful=doubtful)


def _settled(store: Store, clock: Clock, terms: Terms, *, after_break: bool) -> int:
    """Settle doubt: after a break at once, else as patiently as any refusal: a relay may break off every time."""

    def wait(attempt: int) -> timedelta:
        return timedelta(0) if after_break else backoff(attempt)

    return len(
        settle_doubts(
            store,
            clock,
            relay_log=terms.relay_log,
            on_doubt=terms.on_doubt,
            retry_for=terms.retry_for,
            again_after=wait,
        )
    )


def _stop_late(store: Store, now: datetime, terms: Terms) -> None:
    """Pause what nobody has worked on for so long that its readers may not want it any more."""
    with store.writing() as connection:
        shortest = min(terms.late.values(), default=timedelta(hours=12))
        for late, moment in issues.untouched(connection, now - shortest):
            if moment < now - terms.late.get(late.digest, shortest):
                ledger.pause(connection, late.id, f"nobody has worked on it since {moment:%Y-%m-%d %H:%M} UTC")
        going = {one.id for one in ledger.open_issues(connection)}
        issues.touch(connection, going, now)


@dataclass(slots=True)
class _Count:
    """What an issue's readers' servers said so far."""

    handed: int = 0
    refused: int = 0


class _Run:
    """One draining of the ledger by one engine."""

    def __init__(
        self, store: Store, transport: Transport, lease: Lease, journal: Journal | None, clock: Clock, terms: Terms
    ) -> None:
        self.touched: set[int] = set()
        self.letters = 0
        self.trouble = ""
        self._store, self._lease, self._journal, self._clock, self._terms = store, lease, journal, clock, terms
        self._composers: OrderedDict[tuple[int, int], Composer] = OrderedDict()
        self._counts: defaultdict[int, _Count] = defaultdict(_Count)
        self._stopped: set[int] = set()  # issues that were paused meanwhile
        self._paces = Paces(terms.rate, terms.per_domain)
        self._backlog: list[tuple[Claim, Make]] = []  # claimed, and waiting for the pace
        self._under_way: set[tuple[int, int]] = set()
        self._results: list[Outcome] = []
        self._abandoned = False  # rows were left under way
        self._fault: BaseException | None = None
        self._faults = 0  # of the relay, in a row
        self._turns = 0
        self._going: tuple[Open, ...] = ()
        self._next_look = 0.0
        self._next_retries = 0.0
        self._connections = Connections(
            transport,
            journal,
            Rules(lease.holds, clock, terms.retry_for),
            1 if transport.remembers else terms.connections,
        )

    @property
    def unsettled(self) -> bool:
        """Whether there are results that the ledger does not know."""
        return bool(self._under_way or self._backlog or self._results)

    @property
    def leaves_something(self) -> bool:
        """Whether the journal knows what the ledger does not."""
        return self.unsettled or self._abandoned

    def drain(self, stopping: Callable[[], bool]) -> None:
        """Work until nothing is due, or the relay is out of reach. Raises _Stopped when somebody wants it to end."""
        try:
            self._go_round(stopping)
            if self.trouble:
                with self._store.writing() as connection:
                    now = self._clock()
                    ledger.defer_due(connection, self.trouble, now + backoff(1), now)
        except BaseException:
            self._give_back()
            raise
        finally:
            self._connections.close()

    def _go_round(self, stopping: Callable[[], bool]) -> None:
        while self._turn() or self.unsettled:
            if stopping():
                raise _Stopped
            self._dispatch()
            self._gather()

    # Recording and claiming

    def _turn(self) -> bool:
        """Record results and claim what there is room for, in one transaction; whether anything was found."""
        results, now, began = self._results, self._clock(), None
        released = [one for one in results if one.state is _S.RELEASED]
        with self._store.writing() if released else self._store.turning() as connection:
            if self._lease.is_due():
                began = self._lease.beat(connection, now)
            for one in released:
                release_claims(connection, [one.claim], _S.SENDING, one.detail, now)
            rest = [one for one in results if one.state is not _S.RELEASED]
            ledger.settle(connection, self._lease.engine, rest, now)
            claims, gone = self._claim(connection, now)
            made = [(claim, self._maker(connection, claim)) for claim in claims]
        if began is not None:
            self._lease.beaten(began)
        self._results = []
        if self._journal is not None:
            self._journal.free(one.claim for one in results)
            self._journal.reserve(claims)
        self._backlog += made
        self.touched.update(claim.issue for claim in claims)
        if gone:
            with self._store.writing() as connection:
                release_gone(connection, gone, now)
        return bool(claims or gone)

    def _claim(self, connection: Connection, now: datetime) -> tuple[tuple[Claim, ...], list[Gone]]:
        room = self._paces.room(HORIZON, self._terms.connections, self._terms.window)
        room -= len(self._under_way) + len(self._backlog)
        if room <= 0 or self.trouble:
            return (), []
        claims: list[Claim] = []
        gone: list[Gone] = []
        if not self._going or monotonic() >= self._next_look:
            self._next_look = monotonic() + LOOK
            self._going = ledger.open_issues(connection)
            turn = ledger.claim_letters(connection, self._lease.engine, room, now)
            claims, gone = list(turn.claims), list(turn.gone)
        going = self._in_turns([one for one in self._going if one.id not in self._stopped])
        retries = monotonic() >= self._next_retries
        for state in (_S.DEFERRED, _S.PLANNED) if retries else (_S.PLANNED, _S.DEFERRED):
            if state is _S.DEFERRED and not retries and claims:
                continue
            self._share(connection, going, room, state, now, claims, gone)
        if retries:
            self._next_retries = monotonic() + RETRIES
        return tuple(claims), gone

    def _share(
        self,
        connection: Connection,
        going: Sequence[Open],
        room: int,
        state: DeliveryState,
        now: datetime,
        claims: list[Claim],
        gone: list[Gone],
    ) -> None:
        """Claim rows in a state, an equal share from each issue that has as many."""
        full = self._paces.full(monotonic())
        for position, one in enumerate(going):
            share = -(-(room - len(claims)) // (len(going) - position))
            if share <= 0:
                return
            turn = ledger.claim(connection, self._lease.engine, one, share, now, state=state, without=full)
            claims += turn.claims
            gone += turn.gone

    def _in_turns(self, going: Sequence[Open]) -> list[Open]:
        """Every issue is first once in a while, so that none waits for another to end."""
        first = self._turns % len(going) if going else 0
        self._turns += 1
        return [*going[first:], *going[:first]]

    def _maker(self, connection: Connection, claim: Claim) -> Make:
        """What writes the claim's message: parts that all readers share are encoded once and kept."""
        if claim.is_letter:
            letter = letters.read(connection, claim.subscriber)
            return lambda _: compose_letter(self._store.id, letter)
        key = (claim.issue, claim.variant)
        if key not in self._composers:
            if len(self._composers) >= KEPT:
                self._composers.popitem(last=False)
            issue = issues.read_issue(connection, claim.issue)
            content = issues.read_content(connection, *key)
            self._composers[key] = Composer(self._store.id, issue, content, claim.variant)
        self._composers.move_to_end(key)
        return self._composers[key].message

    # Handing over

    def _dispatch(self) -> None:
        """Give connections what may leave now; what may not leave at all any more is given back."""
        kept: list[tuple[Claim, Make]] = []
        for claim, make in self._backlog:
            now = monotonic()
            if self.trouble or claim.issue in self._stopped:
                self._results.append(Outcome(claim, _S.PLANNED))
            elif self._paces.delay(claim.domain, now):
                kept.append((claim, make))
            else:
                self._paces.take(claim.domain, now)
                self._under_way.add((claim.issue, claim.subscriber))
                self._connections.put(claim, make)
        self._backlog = kept

    def _gather(self) -> None:
        """Wait for a result, or for the pace, or for the lease; then take what comes within a moment."""
        if not self._under_way and not self._backlog:
            return
        now = monotonic()
        waits = [self._paces.delay(claim.domain, now) for claim, _ in self._backlog]
        patience = min([1.0, *waits])
        if not self._under_way:
            sleep(patience)
            return
        heard = self._connections.heard(max(1, min(self._terms.window // 2, len(self._under_way))), GATHER)
        self._take_in(heard or self._connections.heard(1, patience))

    def _take_in(self, results: Sequence[Heard]) -> None:
        """Hear all of them, and end the run by the first fault among them."""
        for heard in results:
            self._hear(heard)
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault

    def _hear(self, heard: Heard) -> None:
        outcome = heard.outcome
        claim = outcome.claim
        self._under_way.discard((claim.issue, claim.subscriber))
        if isinstance(heard.fault, MailError):
            self._results.append(outcome)  # this machine's own fault, and so nothing was taken
            self._fault = self._fault or heard.fault
            return
        if heard.fault is not None:
            self._abandoned = True  # nobody knows here: the row stays under way, and is looked into next time
            self._fault = self._fault or heard.fault
            return
        if heard.relay:
            self._faults += 1
            if self._faults > self._terms.connections + TROUBLED or outcome.pause:
                self.trouble = self.trouble or outcome.detail
        elif outcome.state in {_S.SENT, _S.FAILED}:
            self._faults = 0
            outcome = self._counted(outcome)
        if outcome.pause and not claim.is_letter:
            self._stopped.add(claim.issue)
        self.letters += claim.is_letter and outcome.state is _S.SENT
        self._results.append(outcome)

    def _counted(self, outcome: Outcome) -> Outcome:
        """Count an issue's refusals; too many of them at its start stop it."""
        if outcome.claim.is_letter:
            return outcome
        count = self._counts[outcome.claim.issue]
        count.handed += 1
        count.refused += outcome.state is _S.FAILED
        if not outcome.pause and too_many_refusals(count.refused, count.handed):
            said = f"{count.refused} of the first {count.handed} messages were refused, the last one: {outcome.detail}"
            return replace(outcome, pause=said)
        return outcome

    def _give_back(self) -> None:
        """End in order: what is under way is finished, the rest planned again, and all of it recorded if it can be."""
        self._connections.stop()
        self._results += [Outcome(claim, _S.PLANNED) for claim, _ in self._backlog]
        self._backlog = []
        self.trouble = self.trouble or "stopped"  # nothing is claimed any more
        self._connections.close()
        with suppress(BaseException):  # one fault is raised already
            self._take_in(self._connections.heard(1, 0))
        with suppress(PublisherError):
            self._turn()


def release_gone(connection: Connection, gone: Iterable[Gone], now: datetime) -> None:
    """Release rows whose readers left, or are never to be mailed any more."""
    for claim, reason in gone:
        for state in (_S.PLANNED, _S.DEFERRED):
            release_claims(connection, [claim], state, reason.value, now)
