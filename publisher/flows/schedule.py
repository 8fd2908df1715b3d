"""One whole pass of the clock: slots that are due, holds that ended, and everything that can be delivered.

Safe to run at any time and as often as anyone likes: a slot is dealt with once, whoever comes first. A fault of
one digest is told and leaves the others alone; its slot stays due until the fault is mended or it is too late.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from publisher.errors import PublisherError
from publisher.feeds.fetching import fetch
from publisher.flows.deliver import Delivery, Terms, deliver, never
from publisher.flows.digest import Occasion, Slot, draft
from publisher.flows.following import JUST_NOW, follow
from publisher.flows.newness import take_in
from publisher.model.issue import IssueState, SlotOutcome
from publisher.model.problem import error, note, warning
from publisher.rules import calendar
from publisher.store import arrivals, followed, issues, ledger, slots
from publisher.store.lock import clock_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from publisher.flows.digest import Drafted
    from publisher.flows.following import Fetch
    from publisher.mail.transports import Transport
    from publisher.model.entry import Item
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings, Settings
    from publisher.store.database import Store

    Clock = Callable[[], datetime]

MISSED_KEPT = 400  # slots of a long absence that are written down


@dataclass(frozen=True, slots=True)
class Made:
    """An issue that a pass drafted."""

    digest: DigestSettings
    cadence: str
    drafted: Drafted


@dataclass(frozen=True, slots=True)
class Passed:
    """What a pass came to. ``elsewhere``: another pass was at work, and this one did nothing.

    ``fault`` is the gravest error of a digest, None when there was none; all are among ``said``.
    """

    made: tuple[Made, ...]
    delivery: Delivery
    said: tuple[Problem, ...]
    elsewhere: bool = False
    fault: PublisherError | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """What a pass works for. ``items`` reads every published entry, newest first, when somebody needs it.

    ``ask`` asks the feeds that digests follow.
    """

    folder: Path
    settings: Settings
    items: Callable[[datetime], Sequence[Item]]
    ask: Fetch = fetch


def terms_of(settings: Settings) -> Terms:
    """How config.toml wants mail to be delivered."""
    mail, engine = settings.mail, settings.engine
    return Terms(
        connections=engine.connections,
        window=max(engine.window, engine.connections),
        rate=mail.rate,
        per_domain=mail.per_domain,
        retry_for=mail.retry_for,
        on_doubt=mail.on_doubt,
        relay_log=mail.relay_log,
        late={digest.name: digest.send_late_within for digest in settings.digests},
    )


def run_due(
    store: Store,
    site: Site,
    transport: Transport,
    name: str,
    clock: Clock,
    terms: Terms | None = None,
    stopping: Callable[[], bool] = never,
) -> Passed:
    """Do everything that is due now. ``name`` names this process in the ledger.

    Once ``stopping`` says so, no further issue is drafted, and delivery ends with what is under way.
    """
    with clock_lock(store.folder, store.id) as ours:
        if not ours:
            return Passed((), Delivery(()), (), elsewhere=True)
        said: list[Problem] = []
        made: list[Made] = []
        faults: list[PublisherError] = []
        for digest in site.settings.digests:
            if stopping():
                break
            try:
                made += _digest(store, site, digest, clock, said)
            except PublisherError as fault:
                faults.append(fault)
                said.append(error("", 0, f"{digest.title}: {fault.message}", fault.remedy))
        said += _end_holds(store, site.settings, clock())
        delivery = deliver(store, transport, name, clock, terms or terms_of(site.settings), stopping)
        worst = max(faults, key=lambda fault: fault.exit_code, default=None)
        return Passed(tuple(made), delivery, tuple(said), fault=worst)


def next_moment(store: Store, settings: Settings, now: datetime) -> datetime | None:
    """Tell when there is something to do next, as far as the clock can know it; never before ``now``."""
    moments = [calendar.next_slot(calendar.parse(text), digest.timezone, now) for digest, _, text in cadences(settings)]
    with store.reading() as connection:
        moments.append(ledger.next_due(connection))
        moments += [one.due for one in map(partial(followed.load, connection), _feeds(settings)) if one]
        moments += [held.release_at for held in issues.listing(connection, "", IssueState.HELD)]
    known = [moment for moment in moments if moment is not None]
    return max(now, min(known)) if known else None


def _feeds(settings: Settings) -> set[str]:
    return {digest.feed for digest in settings.digests if digest.feed}


def cadences(settings: Settings) -> Iterator[tuple[DigestSettings, str, str]]:
    """Every digest with each of its cadences, by name and schedule."""
    for digest in settings.digests:
        for cadence, text in digest.cadences:
            yield digest, cadence, text


def _digest(store: Store, site: Site, digest: DigestSettings, clock: Clock, said: list[Problem]) -> list[Made]:
    """Deal with the due slots of every cadence of a digest."""
    now = clock()
    schedules = [(cadence, calendar.parse(text)) for cadence, text in digest.cadences]
    if digest.feed:
        fresh = JUST_NOW if _has_slot(store, digest, schedules, now) else None
        said += follow(store, site.settings, digest.feed, now, fresh=fresh, ask=site.ask)
        if not _is_seen(store, digest.feed):
            return []  # its slots stay due: they would be empty
    items: Sequence[Item] | None = None
    if not _is_begun(store, digest.name) or any(schedule.each for _, schedule in schedules):
        items = site.items(now)
        with store.writing() as connection:
            said += take_in(connection, digest, items, now)
    made = []
    for cadence, schedule in schedules:
        for slot in _due(store, digest, cadence, schedule, now, said):
            items = site.items(now) if items is None else items
            drafted = draft(store, Occasion(site.settings, digest, cadence, site.folder, items, now), slot)
            if drafted is not None:
                made.append(Made(digest, cadence, drafted))
                said += drafted.said
    return made


def _has_slot(
    store: Store, digest: DigestSettings, schedules: Sequence[tuple[str, calendar.Schedule]], now: datetime
) -> bool:
    """Whether an issue is due by the calendar."""
    with store.reading() as connection:
        timed = ((cadence, schedule) for cadence, schedule in schedules if not schedule.each)
        return any(_scheduled(connection, digest, cadence, schedule, now) for cadence, schedule in timed)


def _is_seen(store: Store, url: str) -> bool:
    """Whether a feed was ever to be had."""
    with store.reading() as connection:
        state = followed.load(connection, url)
        return state is not None and state.fetched is not None


def _is_begun(store: Store, name: str) -> bool:
    with store.reading() as connection:
        return arrivals.known_filter(connection, name) is not None


def _due(
    store: Store,
    digest: DigestSettings,
    cadence: str,
    schedule: calendar.Schedule,
    now: datetime,
    said: list[Problem],
) -> list[Slot]:
    """The slots to draft for now; those that were missed are written down as such."""
    with store.reading() as connection:
        found = (
            _each(connection, digest.name, cadence)
            if schedule.each
            else [Slot(at) for at in _scheduled(connection, digest, cadence, schedule, now)]
        )
    oldest = now - digest.send_late_within
    # of several scheduled slots the last one stands for all; each new entry has one of its own
    wanted = [slot for slot in (found if schedule.each else found[-1:]) if slot.at >= oldest]
    missed = [slot for slot in found if slot not in wanted]
    if missed:
        with store.writing() as connection:
            covered = slots.covered(connection, digest.name, cadence)
            for slot in missed:
                slots.record(connection, digest.name, cadence, slot.at, SlotOutcome.MISSED, upto=covered)
        said.append(_told_missed(digest, cadence, missed, rolls=not wanted))
    return wanted


def _scheduled(
    connection: Connection, digest: DigestSettings, cadence: str, schedule: calendar.Schedule, now: datetime
) -> deque[datetime]:
    last = slots.latest(connection, digest.name, cadence)
    if last is None:
        return deque()
    return deque(calendar.slots(schedule, digest.timezone, last, now), maxlen=MISSED_KEPT)


def _each(connection: Connection, name: str, cadence: str) -> list[Slot]:
    """A slot for each arrival; those of one moment are parted by microseconds, in the order of their numbers."""
    covered = slots.covered(connection, name, cadence)
    arrived = slots.arrived_since(connection, name, covered)
    found = [Slot(at + timedelta(microseconds=seq % 1_000_000), seq) for seq, at in arrived]
    return [slot for slot in found if not slots.is_known(connection, name, cadence, slot.at)]


def _told_missed(digest: DigestSettings, cadence: str, missed: Sequence[Slot], *, rolls: bool) -> Problem:
    first, last = (f"{one.at.astimezone(digest.timezone):%Y-%m-%d %H:%M}" for one in (missed[0], missed[-1]))
    when = first if len(missed) == 1 else f"{len(missed)} slots from {first} to {last}"
    after = "what was new then comes with the next issue" if rolls else "what was new then comes with this issue"
    return note("", 0, f"{digest.title} ({cadence}): missed {when} ({digest.timezone}); {after}")


def _end_holds(store: Store, settings: Settings, now: datetime) -> list[Problem]:
    """Let go what was held for long enough; what should have gone out too long ago waits for a person."""
    late = {digest.name: digest.send_late_within for digest in settings.digests}
    said = []
    with store.writing() as connection:
        for held in issues.listing(connection, "", IssueState.HELD):
            if held.release_at is None or held.release_at > now:
                continue
            if held.release_at < now - late.get(held.digest, timedelta(hours=12)):
                reason = f"its hold ended at {held.release_at:%Y-%m-%d %H:%M} UTC, and nobody was at work"
                issues.move(connection, held.id, IssueState.PAUSED, now, reason=reason)
                remedy = f"publisher digest resume {held.digest} {held.number}, or cancel it"
                said.append(warning("", 0, f"{held.title}, issue {held.number} is not sent: {reason}", remedy))
            else:
                issues.move(connection, held.id, IssueState.OPEN, now)
    return said
