"""Lists of people come in: a file of lines, each decided by what the store knows, written a thousand at a time.

An import vouches for people and never overrules them: who left stays away, and nobody comes back from a
suppression or an erasure. Doing it again changes nothing, so one that was cut short is simply run again.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import UsageError
from publisher.flows.newness import find_cadence, find_digest
from publisher.flows.people_file import Line, opened, read_table
from publisher.flows.subscribe import baseline, begin, end, is_token, new_token, question
from publisher.mail.addresses import parse_mailbox
from publisher.model.problem import error, note, warning
from publisher.model.subscriber import (
    ConsentEvent,
    ConsentKind,
    Subscription,
    SubscriptionState,
    SuppressionReason,
)
from publisher.store import consents, people, slots, suppressions

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from publisher.flows.letters import Desk
    from publisher.flows.people_file import PeopleTable
    from publisher.flows.subscribe import Items
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings
    from publisher.model.subscriber import Mailbox
    from publisher.store.database import Store

WORDING = "import-1"  # the version of the words below; a change of them gets a new one
VOUCHED = "Imported from {place}; the author vouches that they asked for it."
WAITING = "Imported from {place} as not yet confirmed."
LEFT = "Imported from {place} as someone who left."
BATCH = 1000  # lines in one transaction

_S, _R = SubscriptionState, SuppressionReason

# What a status says. A word that is not here is refused: it might mean that somebody wants no mail.
STATUSES: dict[str, SubscriptionState | SuppressionReason] = {
    **dict.fromkeys(("", "active", "confirmed", "enabled", "subscribed"), _S.CONFIRMED),
    **dict.fromkeys(("not confirmed", "pending", "unconfirmed"), _S.PENDING),
    **dict.fromkeys(("inactive", "opted out", "opt-out", "removed", "unsubscribed"), _S.UNSUBSCRIBED),
    **dict.fromkeys(("bounce", "bounced", "cleaned", "undeliverable"), _R.BOUNCE),
    **dict.fromkeys(("complained", "complaint", "spam"), _R.COMPLAINT),
    **dict.fromkeys(("blocked", "blocklisted", "request", "suppressed"), _R.REQUEST),
}


class Fate(Enum):
    """What becomes of a line."""

    ADDED = "added"
    ASKED = "asked"
    WAITING = "waiting for their word"
    LEFT = "recorded as unsubscribed"
    SUPPRESSED = "recorded as never to be mailed"
    ALREADY = "known already"
    DUPLICATE = "twice in the file"
    OTHER = "of another digest"
    REFUSED = "refused"


class Row(NamedTuple):
    """A line that was understood. ``wanted`` is what it says of the subscription, or why the address is suppressed."""

    line: Line
    mailbox: Mailbox
    digest: str
    cadence: str
    wanted: SubscriptionState | SuppressionReason
    suppressed: SuppressionReason | None


class Verdict(NamedTuple):
    """What becomes of a line, and what is said about it."""

    fate: Fate
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How a file is taken. Without ``digest`` its own column says which; with ``ask`` people are asked by letter."""

    digest: str = ""
    cadence: str = ""
    ask: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines had which fate, and what else the author should hear of."""

    counts: dict[Fate, int]
    said: tuple[Problem, ...]

    @property
    def refused(self) -> int:
        """Count the lines that were not taken."""
        return self.counts.get(Fate.REFUSED, 0)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of the people of some lines, and whether they are to be asked.

    ``erased`` holds keys; ``own_word`` the places (person, digest) whose owner confirmed by their own word.
    """

    numbers: dict[str, int]
    suppressed: dict[str, str]
    erased: frozenset[str]
    places: dict[tuple[int, str], Subscription]
    own_word: frozenset[tuple[int, str]]

    def place(self, row: Row) -> Subscription | None:
        """Find the subscription that a row is about."""
        return self.places.get((self.numbers.get(row.mailbox.key, 0), row.digest))

    def spoke(self, row: Row, digest: str = "") -> bool:
        """Whether its person reads something, or this digest, by their own word."""
        person = self.numbers.get(row.mailbox.key, 0)
        return any(
            number == person and digest in {"", name} and self.places[number, name].state is _S.CONFIRMED
            for number, name in self.own_word
            if (number, name) in self.places
        )


def import_people(
    store: Store | None,
    desk: Desk,
    path: Path,
    terms: Terms,
    items: Items,
    now: datetime,
    *,
    tell: Callable[[Problem], None],
    progress: Callable[[str, int, int], None],
) -> Imported:
    """Take the people of a CSV file in; ``tell`` hears of each line that is not simply taken.

    ``store`` may be None for a dry run. Raises UsageError for a file that cannot be read as a list of people, an
    unknown digest, or a cadence that must be named.
    """
    digest = find_digest(desk.settings, terms.digest) if terms.digest else None
    run = _Run(desk, terms, items, now, path.name, counts=Counter(), seen=set(), said=[])
    size = os.path.getsize(path) if path.is_file() else 0
    with opened(path) as (text, position):
        table = read_table(text, path.name)
        _require(table, digest, terms)
        while batch := list(islice(table.lines, BATCH)):
            for problem in run.take(store, batch):
                tell(problem)
            if size:
                progress("Reading the list", position(), size)
    return Imported(dict(run.counts), tuple(run.said))


def _require(table: PeopleTable, digest: DigestSettings | None, terms: Terms) -> None:
    """Refuse at once what would be refused of each line."""
    if digest is None and "digest" not in table.fields:
        raise UsageError(f"{table.name} does not say which digest it is for", "Say --digest NAME.")
    if digest is not None and "cadence" not in table.fields:
        find_cadence(digest, terms.cadence)


@dataclass(frozen=True, slots=True)
class _Run:
    """One import on its way through a file."""

    desk: Desk
    terms: Terms
    items: Items
    now: datetime
    name: str
    counts: Counter[Fate]
    seen: set[tuple[str, str]]
    said: list[Problem]

    def take(self, store: Store | None, batch: list[Line]) -> list[Problem]:
        """Decide and write one batch; returns what is to be told of its lines, in their order."""
        if store is None:
            return self._judged(None, batch)[1]
        if self.terms.dry_run:
            with store.reading() as connection:
                return self._judged(connection, batch)[1]
        with store.writing() as connection:
            taken, told = self._judged(connection, batch)
            _Batch(connection, self, taken).write()
        return told

    def _judged(self, connection: Connection | None, batch: list[Line]) -> tuple[list[tuple[Row, Fate]], list[Problem]]:
        read = [self._read(line) for line in batch]
        rows = [row for row in read if isinstance(row, Row)]
        known, chosen = look(connection, self.desk, rows), strictest(rows)
        taken: list[tuple[Row, Fate]] = []
        told: list[Problem] = []
        for found in read:
            verdict = self._verdict(found, known, chosen) if isinstance(found, Row) else Verdict(Fate.REFUSED, found)
            self.counts[verdict.fate] += 1
            if isinstance(found, Row):
                taken.append((found, verdict.fate))
            if verdict.problem is not None:
                told.append(verdict.problem)
        return taken, told

    def _read(self, line: Line) -> Row | Problem:
        try:
            return self._understood(line)
        except UsageError as fault:
            return error(self.name, line.number, fault.message, fault.remedy)

    def _understood(self, line: Line) -> Row:
        wanted = STATUSES.get(line.status.casefold())
        if wanted is None:
            known = ", ".join(sorted(filter(None, STATUSES)))
            raise UsageError(f"the status {line.status!r} is not known", f"These are: {known}.")
        mailbox = parse_mailbox(line.address)
        name = line.digest or self.terms.digest
        if isinstance(wanted, SuppressionReason) and not name:
            return Row(line, mailbox, "", "", wanted, None)
        digest = find_digest(self.desk.settings, name)
        reads = wanted in {_S.CONFIRMED, _S.PENDING}
        cadence = find_cadence(digest, line.cadence or self.terms.cadence) if reads else digest.cadences[0][0]
        return Row(line, mailbox, name, cadence, wanted, _reason(line.suppressed))

    def _verdict(self, row: Row, known: Known, chosen: dict[tuple[str, str], int]) -> Verdict:
        if self.terms.digest and row.digest != self.terms.digest:
            return Verdict(Fate.OTHER)
        number, place = row.line.number, (row.mailbox.key, row.digest)
        if chosen[place] != number or (place in self.seen and _rank(row) == MILDEST):
            words = f"{row.mailbox.address} stands more than once in the file"
            return Verdict(Fate.DUPLICATE, warning(self.name, number, words))
        self.seen.add(place)
        fate, words, remedy = decide(row, known, ask=self.terms.ask)
        if not words:
            return Verdict(fate)
        say = error if fate is Fate.REFUSED else note
        return Verdict(fate, say(self.name, number, f"{row.mailbox.address} {words}", remedy))


MILDEST = 2


def _rank(row: Row) -> int:
    """Order what lines want: a suppression before leaving, and both before reading."""
    if isinstance(row.wanted, SuppressionReason):
        return 0
    return 1 if row.wanted is _S.UNSUBSCRIBED else MILDEST


def strictest(rows: list[Row]) -> dict[tuple[str, str], int]:
    """Choose the line that counts of each person and digest: one that asks for no mail, else the first."""
    chosen: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        place, rank = (row.mailbox.key, row.digest), (_rank(row), row.line.number)
        chosen[place] = min(rank, chosen.get(place, rank))
    return {place: number for place, (_, number) in chosen.items()}


def _reason(word: str) -> SuppressionReason | None:
    """Read the column of suppressions; a word that is not known still means no mail."""
    found = STATUSES.get(word.casefold())
    if isinstance(found, SuppressionReason):
        return found
    return _R.REQUEST if word else None


def decide(row: Row, known: Known, *, ask: bool) -> tuple[Fate, str, str]:
    """Decide about a row: its fate, why, and what would help. Nothing is written."""
    if row.mailbox.key in known.erased:
        return Fate.REFUSED, "was erased, and is not added on anybody else's word", "To ask them: subscribers add --ask"
    if isinstance(row.wanted, SuppressionReason):
        return _decide_suppression(row, known)
    if row.wanted is _S.UNSUBSCRIBED:
        return _decide_leaving(row, known)
    return _decide_reading(row, known, ask=ask)


def _decide_reading(row: Row, known: Known, *, ask: bool) -> tuple[Fate, str, str]:
    place = known.place(row)
    if place is not None and place.state is _S.CONFIRMED:
        return Fate.ALREADY, "is subscribed already", ""
    reason = known.suppressed.get(row.mailbox.key)
    if reason and row.suppressed is None:
        return Fate.REFUSED, f"is never to be mailed again ({reason})", "Only they themselves can ask for mail again."
    if place is not None and place.state is _S.UNSUBSCRIBED:
        return Fate.REFUSED, "left, and stays away", "Only they themselves can subscribe again."
    if ask:
        return Fate.ASKED, "", ""
    if row.wanted is _S.PENDING:
        return (Fate.ALREADY, "waits for confirmation already", "") if place is not None else (Fate.WAITING, "", "")
    return Fate.ADDED, "", ""


def _decide_suppression(row: Row, known: Known) -> tuple[Fate, str, str]:
    if known.spoke(row):
        return Fate.ALREADY, "is a reader by their own word, which stands", ""
    if row.mailbox.key in known.suppressed:
        return Fate.ALREADY, "is never mailed already", ""
    return Fate.SUPPRESSED, "", ""


def _decide_leaving(row: Row, known: Known) -> tuple[Fate, str, str]:
    place = known.place(row)
    if place is not None and place.state is _S.UNSUBSCRIBED:
        return Fate.ALREADY, "has left already", ""
    if known.spoke(row, row.digest):
        return Fate.ALREADY, "is a reader by their own word, which stands", ""
    return Fate.LEFT, "", ""


def look(connection: Connection | None, desk: Desk, rows: list[Row]) -> Known:
    """Read what the store knows of the people of some rows."""
    if connection is None:
        return Known({}, {}, frozenset(), {}, frozenset())
    keys = {row.mailbox.key for row in rows}
    numbers = people.persons(connection, keys)
    marks = {desk.keys.erased(key): key for key in keys} if suppressions.any_erased(connection) else {}
    return Known(
        numbers,
        suppressions.reasons(connection, keys),
        frozenset(marks[mark] for mark in suppressions.all_erased(connection, marks)),
        people.places(connection, numbers.values()),
        consents.spoke_themselves(connection, numbers.values()),
    )


class _Batch:
    """Writes what was decided about a batch, in an open transaction."""

    def __init__(self, connection: Connection, run: _Run, taken: list[tuple[Row, Fate]]) -> None:
        self._connection, self._run = connection, run
        self._taken = [
            (row, fate) for row, fate in taken if fate not in {Fate.ALREADY, Fate.DUPLICATE, Fate.OTHER, Fate.REFUSED}
        ]
        self._made: list[Subscription] = []
        self._events: list[ConsentEvent] = []
        self._tokens: frozenset[str] = frozenset()
        self._used: set[str] = set()
        self._stand: dict[tuple[str, str], int] = {}

    def write(self) -> None:
        """Write everything."""
        self._begin_digests()
        self._suppress()
        placed = [(row, fate) for row, fate in self._taken if fate in {Fate.ADDED, Fate.WAITING, Fate.LEFT}]
        numbers = people.persons(self._connection, {row.mailbox.key for row, _ in placed})
        new = {row.mailbox.key: row.mailbox for row, _ in placed if row.mailbox.key not in numbers}
        numbers |= people.enrol_all(self._connection, list(new.values()), self._run.now)
        places = people.places(self._connection, numbers.values())
        self._tokens = people.taken_tokens(self._connection, {row.line.token for row, _ in placed if row.line.token})
        for row, fate in placed:
            person = numbers[row.mailbox.key]
            self._place(row, fate, person, places.get((person, row.digest)))
        people.place_all(self._connection, self._made)
        consents.record_all(self._connection, self._events)
        self._ask()

    def _begin_digests(self) -> None:
        run = self._run
        for name in dict.fromkeys(row.digest for row, fate in self._taken if fate is not Fate.SUPPRESSED):
            digest = find_digest(run.desk.settings, name)
            run.said.extend(baseline(self._connection, digest, run.items, run.now))

    def _suppress(self) -> None:
        for row, fate in self._taken:
            reason = row.wanted if fate is Fate.SUPPRESSED else row.suppressed
            if isinstance(reason, SuppressionReason):
                detail = f"imported from {self._place_of(row)}"
                suppressions.suppress(self._connection, row.mailbox, reason, detail, self._run.now)

    def _place(self, row: Row, fate: Fate, person: int, before: Subscription | None) -> None:
        wording = {Fate.ADDED: VOUCHED, Fate.WAITING: WAITING, Fate.LEFT: LEFT}[fate]
        evidence = f"{wording.format(place=self._place_of(row))} {row.line.evidence}".rstrip()
        kind = {Fate.ADDED: ConsentKind.IMPORTED, Fate.WAITING: ConsentKind.ASKED, Fate.LEFT: ConsentKind.LEFT}[fate]
        if before is not None and fate is Fate.LEFT:
            end(self._connection, before, kind, WORDING, evidence, self._run.now)
            return
        if before is not None:
            begin(self._connection, person, row.digest, row.cadence)
        else:
            self._made.append(self._subscription(row, fate, person))
        self._events.append(ConsentEvent(person, row.digest, kind, WORDING, evidence, self._run.now))

    def _subscription(self, row: Row, fate: Fate, person: int) -> Subscription:
        state = {Fate.ADDED: _S.CONFIRMED, Fate.WAITING: _S.PENDING, Fate.LEFT: _S.UNSUBSCRIBED}[fate]
        cursor = self._covered(row.digest, row.cadence)
        address, token = row.mailbox.address, self._token(row.line.token)
        return Subscription(person, address, row.digest, state, row.cadence, cursor, token)

    def _covered(self, digest: str, cadence: str) -> int:
        """Where a cadence stands, asked once a batch."""
        if (digest, cadence) not in self._stand:
            self._stand[digest, cadence] = slots.covered(self._connection, digest, cadence)
        return self._stand[digest, cadence]

    def _token(self, wanted: str) -> str:
        """Keep a token that links in mail already sent hold, unless it is somebody's."""
        free = is_token(wanted) and wanted not in self._tokens and wanted not in self._used
        token = wanted if free else new_token()
        self._used.add(token)
        return token

    def _ask(self) -> None:
        run = self._run
        for row, fate in self._taken:
            if fate is Fate.ASKED:
                digest = find_digest(run.desk.settings, row.digest)
                evidence = f"Asked for the list {self._place_of(row)}. {row.line.evidence}".rstrip()
                question(self._connection, run.desk, row.mailbox, digest, row.cadence, run.now, evidence)

    def _place_of(self, row: Row) -> str:
        return f"{self._run.name}, line {row.line.number}"
