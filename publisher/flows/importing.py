"""Lists of people come in: files of lines, each decided by what the store knows, written some thousand at a time.

Doing it again changes nothing, so an import that was cut short is simply run again.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.enrolling import Batch
from publisher.flows.fates import Fate, Row, Verdict, decide, is_mild, look, strictest_rows
from publisher.flows.newness import find_cadence, find_digest
from publisher.flows.people_file import read_table
from publisher.flows.people_source import open_sources
from publisher.mail.addresses import parse_mailbox
from publisher.model.problem import error, note, warning
from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.rules.platforms import STATUSES, Absent, strictness
from publisher.rules.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import IO

    from sqlalchemy import Connection

    from publisher.flows.fates import Known
    from publisher.flows.letters import Desk
    from publisher.flows.people_file import Line, PeopleTable
    from publisher.flows.people_source import Source
    from publisher.flows.subscribe import Items
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings
    from publisher.store.database import Store

BATCH = 2000  # lines in one transaction
EXAMPLES = 3  # lines of each kind that an answer names

_S, _R = SubscriptionState, SuppressionReason
_WRITTEN = {Fate.ADDED, Fate.ASKED, Fate.WAITING, Fate.LEFT, Fate.SUPPRESSED}


@dataclass(frozen=True, slots=True)
class Terms:
    """How lists are taken. Without ``digest`` their own column says which; with ``ask`` people are asked by letter.

    ``platform`` is whose lists they are, "" where their columns tell.
    """

    digest: str = ""
    cadence: str = ""
    ask: bool = False
    dry_run: bool = False
    platform: str = ""


@dataclass(slots=True)
class Kind:
    """Lines that had one fate for one reason: how many, and the first of them as (list, line, address)."""

    fate: Fate
    reason: str
    count: int = 0
    first: list[tuple[str, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Imported:
    """How many lines had which fate, and why; ``lists`` are names with the platform that was recognised ("" for none).

    ``said`` is what else the author should hear of.
    """

    kinds: tuple[Kind, ...]
    lists: tuple[tuple[str, str], ...]
    said: tuple[Problem, ...]

    @property
    def counts(self) -> dict[Fate, int]:
        """Count the lines of each fate."""
        found: Counter[Fate] = Counter()
        for kind in self.kinds:
            found[kind.fate] += kind.count
        return dict(found)

    @property
    def refused(self) -> int:
        """Count the lines that were not taken."""
        return self.counts.get(Fate.REFUSED, 0)


def import_people(
    store: Store | None,
    desk: Desk,
    paths: Sequence[Path],
    terms: Terms,
    items: Items,
    now: datetime,
    *,
    tell: Callable[[Problem], None],
    progress: Callable[[str, int, int], None],
    stdin: IO[bytes] | None = None,
) -> Imported:
    """Take the people of some lists in; ``tell`` hears of each line that is not simply taken.

    Every list is recognised before anything is written, and the lists of those who left come first. ``store`` may be
    None for a dry run. Raises UsageError for what cannot be read as a list of people, an unknown digest, or a cadence
    that must be named.
    """
    digest = find_digest(desk.settings, terms.digest) if terms.digest else None
    run = _Run(desk, terms, items, now, tell)
    with ExitStack() as stack:
        sources = open_sources(stack, paths, stdin)
        opened, passed = _recognised(sources, desk, terms)
        for _, table in opened:
            _require(table, digest, terms)
        run.introduce([table for _, table in opened], passed)
        size, done = sum(source.size for source, _ in opened), 0
        for source, table in sorted(opened, key=lambda each: strictness(each[1].sense)):
            for batch in _batches(table, run):
                run.take(store, table, batch)
                if size:
                    progress("Reading the list", min(done + source.position(), size), size)
            done += source.size
    lists = tuple((table.name, table.platform.title) for _, table in opened)
    return Imported(tuple(run.kinds.values()), lists, tuple(run.said))


def _batches(table: PeopleTable, run: _Run) -> Iterator[list[Line]]:
    try:
        while batch := list(islice(table.lines, BATCH)):
            yield batch
    except UsageError as fault:
        if not run.kinds:
            raise
        again = "What stands before it is done; doing it again changes nothing."
        raise UsageError(fault.message, f"{fault.remedy} {again}".strip()) from fault


def _recognised(
    sources: Sequence[Source], desk: Desk, terms: Terms
) -> tuple[list[tuple[Source, PeopleTable]], list[str]]:
    """Read the heads of all lists, and name those in ZIPs that are passed over.

    Exports hold more than people who want mail: who opened what, for one. What lies in a ZIP is therefore taken only
    where a service is recognised, or where it is alone.
    """
    opened: list[tuple[Source, PeopleTable]] = []
    passed: list[str] = []
    alone = len([source for source in sources if source.packed]) == 1
    for source in sources:
        try:
            table = read_table(source.text, source.name, desk.settings.site.timezone, terms.platform)
        except UsageError:
            if not source.packed or alone:
                raise
            passed.append(source.name)
            continue
        if source.packed and not alone and not any(mark <= {*table.titles} for mark in table.platform.marks):
            passed.append(source.name)
        else:
            opened.append((source, table))
    if not opened:
        raise UsageError(
            f"none of {', '.join(passed[:5])} is a list of people that is known",
            "Unpack the ZIP, and give the list of people alone.",
        )
    return opened, passed


def _require(table: PeopleTable, digest: DigestSettings | None, terms: Terms) -> None:
    """Refuse at once what would be refused of each line."""
    if digest is None and not table.has("digest"):
        raise UsageError(f"{table.name} does not say which digest it is for", "Say --digest NAME.")
    if digest is not None and not table.has("cadence"):
        find_cadence(digest, terms.cadence)


class _Run:
    """One import on its way through its lists."""

    def __init__(self, desk: Desk, terms: Terms, items: Items, now: datetime, tell: Callable[[Problem], None]) -> None:
        self._desk, self._terms, self._items, self._now, self._tell = desk, terms, items, now, tell
        self._seen = Seen()
        self.kinds: dict[tuple[Fate, str], Kind] = {}
        self.said: list[Problem] = []

    def introduce(self, tables: Sequence[PeopleTable], passed: Sequence[str]) -> None:
        """Say what was recognised."""
        complete = {table.platform.name for table in tables if table.sense is _S.UNSUBSCRIBED}
        for table in tables:
            platform = table.platform
            silent = table.sense is None and platform.name not in complete and not platform.unless & {*table.titles}
            if platform.warning and silent:
                remedy = (
                    "Export those who left and those who never confirmed by themselves, as unsubscribed.csv and "
                    "unconfirmed.csv, and import all three together."
                )
                self.said.append(warning(table.name, 0, f"{platform.title}'s list {platform.warning}", remedy))
        self.said.extend(note(name, 0, "is no list of people that is known, and was passed over") for name in passed)

    def take(self, store: Store | None, table: PeopleTable, batch: list[Line]) -> None:
        """Decide and write one batch, and tell what is to be told of its lines, in their order."""
        if store is None or self._terms.dry_run:
            self._look(store, table, batch)
            return
        with store.writing() as connection:
            taken, told = self._judged(connection, table, batch)
            if taken:
                self.said.extend(Batch(connection, self._desk, self._items, self._now).write(taken))
        for problem in told:
            self._tell(problem)

    def _look(self, store: Store | None, table: PeopleTable, batch: list[Line]) -> None:
        if store is None:
            told = self._judged(None, table, batch)[1]
        else:
            with store.reading() as connection:
                told = self._judged(connection, table, batch)[1]
        for problem in told:
            self._tell(problem)

    def _judged(
        self, connection: Connection | None, table: PeopleTable, batch: list[Line]
    ) -> tuple[list[tuple[Row, Fate]], list[Problem]]:
        read = [self._understood(table, line) for line in batch]
        rows = [row for row in read if isinstance(row, Row)]
        known = look(connection, self._desk, rows)
        counting = strictest_rows(rows)
        taken: list[tuple[Row, Fate]] = []
        told: list[Problem] = []
        at = 0
        for line, found in zip(batch, read, strict=True):
            if isinstance(found, Row):
                verdict = self._verdict(found, known, counts=at in counting)
                at += 1
                if verdict.fate in _WRITTEN:
                    taken.append((found, verdict.fate))
            else:
                verdict = found
            self._count(table, line, verdict)
            told.extend(_told(table, line, verdict, found))
        return taken, told

    def _understood(self, table: PeopleTable, line: Line) -> Row | Verdict:
        if line.fault:
            return Verdict(Fate.REFUSED, "cannot be read", line.fault)
        sense = line.sense
        if sense is None:
            return _unknown(table, line)
        try:
            mailbox = parse_mailbox(line.address)
        except UsageError as fault:
            return Verdict(Fate.REFUSED, "no address", *_address_fault(line.address, fault))
        name = line.digest or self._terms.digest
        place = f"{table.name}, line {line.number}"
        if line.at is not None and line.at > self._now:  # a clock that was wrong
            line = line._replace(at=None)
        if isinstance(sense, SuppressionReason | Absent) and not name:
            return Row(line, place, mailbox, "", "", sense, None)
        try:
            digest = find_digest(self._desk.settings, name)
            cadence = self._cadence(digest, line)
        except UsageError as fault:
            return Verdict(Fate.REFUSED, "no such digest or cadence", fault.message, fault.remedy)
        return Row(line, place, mailbox, name, cadence, sense, _reason(line.suppressed))

    def _cadence(self, digest: DigestSettings, line: Line) -> str:
        names = [name for name, _ in digest.cadences]
        if line.sense in {_S.CONFIRMED, _S.PENDING}:
            return find_cadence(digest, line.cadence or self._terms.cadence)
        return line.cadence if line.cadence in names else names[0]

    def _verdict(self, row: Row, known: Known, *, counts: bool) -> Verdict:
        if self._terms.digest and row.digest not in {self._terms.digest, ""}:
            return Verdict(Fate.OTHER)
        if row.sense is not Absent.NEVER:
            place = f"{row.digest}\n{row.mailbox.key}"
            again = place if is_mild(row) else f"{place}\n{row.sense.value}"  # what is stricter still counts
            if not counts or again in self._seen:
                return Verdict(Fate.DUPLICATE, "", "stands more than once in the file")
            self._seen.add(place)
            self._seen.add(again)
        return decide(row, known, ask=self._terms.ask)

    def _count(self, table: PeopleTable, line: Line, verdict: Verdict) -> None:
        key = (verdict.fate, verdict.reason)
        kind = self.kinds.get(key) or self.kinds.setdefault(key, Kind(*key))
        kind.count += 1
        if len(kind.first) < EXAMPLES:
            kind.first.append((table.name, line.number, line.address))


def _told(table: PeopleTable, line: Line, verdict: Verdict, found: Row | Verdict) -> list[Problem]:
    """What is said of a line, if it was not simply taken."""
    if not verdict.words:
        return []
    say = {Fate.REFUSED: error, Fate.DUPLICATE: warning}.get(verdict.fate, note)
    words = f"{found.mailbox.address} {verdict.words}" if isinstance(found, Row) else verdict.words
    return [say(table.name, line.number, words, verdict.remedy)]


def _unknown(table: PeopleTable, line: Line) -> Verdict:
    known = {word for status in table.platform.statuses for word in status.words if word.isalpha() or " " in word}
    words = f"the status {line.status!r} is not known" if line.status else "the status is missing"
    return Verdict(Fate.REFUSED, "status not known", words, f"These are: {', '.join(sorted(known))}.")


def _address_fault(address: str, fault: UsageError) -> tuple[str, str]:
    if not address.isprintable() and any("\udc80" <= sign <= "\udcff" for sign in address):
        words = f"{address.encode('utf-8', 'replace').decode()!r} holds letters that are not UTF-8"
        return words, "Save the list as UTF-8 (in a spreadsheet: CSV UTF-8), and import it again."
    return fault.message, fault.remedy


def _reason(word: str) -> SuppressionReason | None:
    """Read the column of suppressions; a word that is not known still means no mail."""
    found = STATUSES.get(word.casefold())
    if isinstance(found, SuppressionReason):
        return found
    return _R.REQUEST if word else None
