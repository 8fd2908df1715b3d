"""The lines of an import on their way: understood, judged, written, counted, and told of where they are not taken."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.enrolling import Batch
from publisher.flows.fates import Fate, Row, Verdict, decide, is_mild, look, strictest_rows
from publisher.flows.newness import find_cadence, find_digest
from publisher.mail.addresses import parse_mailbox
from publisher.model.problem import error, note, warning
from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.rules.platforms import STATUSES, Absent
from publisher.rules.seen import Seen
from publisher.store import slots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.flows.fates import Known
    from publisher.flows.importing import Terms
    from publisher.flows.letters import Desk
    from publisher.flows.people_file import PeopleTable
    from publisher.flows.people_lines import Line
    from publisher.flows.subscribe import Items
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings
    from publisher.store.database import Store

EXAMPLES = 3  # lines of each kind that an answer names

_S, _R = SubscriptionState, SuppressionReason
_WRITTEN = {Fate.ADDED, Fate.ASKED, Fate.WAITING, Fate.LEFT, Fate.SUPPRESSED}


@dataclass(slots=True)
class Kind:
    """Lines that had one fate for one reason: how many, and the first of them as (list, line, address)."""

    fate: Fate
    reason: str
    count: int = 0
    first: list[tuple[str, int, str]] = field(default_factory=list)


class Judging:
    """One import on its way through its lists."""

    def __init__(self, desk: Desk, terms: Terms, items: Items, now: datetime, tell: Callable[[Problem], None]) -> None:
        self._desk, self._terms, self._items, self._now, self._tell = desk, terms, items, now, tell
        self._seen, self._joined = Seen(), set[str]()
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

    def foretell(self, store: Store | None) -> None:
        """Say whose first issue would hold everything: people who move have read it elsewhere."""
        with nullcontext() if store is None else store.reading() as connection:
            for digest in (each for each in self._desk.settings.digests if each.name in self._joined):
                begun = connection is not None and any(
                    slots.covered(connection, digest.name, cadence) for cadence, _ in digest.cadences
                )
                if digest.start == "all" and not begun:
                    words = f'{digest.title}: their first issue would hold all that is published (start = "all")'
                    remedy = f'If they have read it elsewhere, set start = "now" in [digests.{digest.name}] first.'
                    self.said.append(warning("", 0, words, remedy))

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
                if verdict.fate is Fate.ADDED:
                    self._joined.add(found.digest)
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
