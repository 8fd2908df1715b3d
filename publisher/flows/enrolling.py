"""What was decided about the lines of an import is written, a batch in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.flows.fates import Fate
from publisher.flows.newness import find_digest
from publisher.flows.people_lines import Told
from publisher.flows.subscribe import baseline, begin, end, is_token, new_token, question
from publisher.model.subscriber import ConsentEvent, ConsentKind, Subscription, SubscriptionState, SuppressionReason
from publisher.store import consents, people, slots, suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.flows.fates import Row
    from publisher.flows.letters import Desk
    from publisher.flows.subscribe import Items
    from publisher.model.problem import Problem

WORDING = "import-1"  # the version of the words below; a change of them gets a new one
VOUCHED = "Imported from {place}; the author vouches that they asked for it."
WAITING = "Imported from {place} as not yet confirmed."
LEFT = "Imported from {place} as someone who left."

_S, _K = SubscriptionState, ConsentKind
_PLACED = {
    Fate.ADDED: (_S.CONFIRMED, _K.IMPORTED, VOUCHED),
    Fate.WAITING: (_S.PENDING, _K.ASKED, WAITING),
    Fate.LEFT: (_S.UNSUBSCRIBED, _K.LEFT, LEFT),
}


class Batch:
    """Writes what was decided about some rows, in an open ``writing`` transaction."""

    def __init__(self, connection: Connection, desk: Desk, items: Items, now: datetime) -> None:
        self._connection, self._desk, self._items, self._now = connection, desk, items, now
        self._made: list[Subscription] = []
        self._events: list[ConsentEvent] = []
        self._tokens: set[str] = set()
        self._stand: dict[tuple[str, str], int] = {}

    def write(self, taken: Sequence[tuple[Row, Fate]]) -> list[Problem]:
        """Write everything; returns what the author should hear of."""
        said = self._begin_digests(taken)
        self._suppress(taken)
        placed = [(row, fate) for row, fate in taken if fate in _PLACED]
        numbers = self._enrol([row for row, _ in placed])
        places = people.places(self._connection, numbers.values())
        self._tokens |= people.taken_tokens(
            self._connection, {row.line.token for row, _ in placed if is_token(row.line.token)}
        )
        for row, fate in placed:
            person = numbers[row.mailbox.key]
            self._place(row, fate, person, places.get((person, row.digest)))
        people.place_all(self._connection, self._made)
        consents.record_all(self._connection, self._events)
        for row in (row for row, fate in taken if fate is Fate.ASKED):
            self._ask(row)
        return said

    def _begin_digests(self, taken: Sequence[tuple[Row, Fate]]) -> list[Problem]:
        said: list[Problem] = []
        for name in dict.fromkeys(row.digest for row, fate in taken if fate is not Fate.SUPPRESSED):
            digest = find_digest(self._desk.settings, name)
            said.extend(baseline(self._connection, digest, self._items, self._now))
        return said

    def _suppress(self, taken: Sequence[tuple[Row, Fate]]) -> None:
        found = []
        for row, _ in taken:
            alone = isinstance(row.sense, SuppressionReason)
            reason = row.sense if alone else row.suppressed
            if isinstance(reason, SuppressionReason):
                at = row.line.suppressed_at or (row.line.at if alone else None) or self._now
                found.append((row.mailbox, reason, _detail(row), at))
        suppressions.suppress_all(self._connection, found)

    def _enrol(self, rows: Sequence[Row]) -> dict[str, int]:
        numbers = people.persons(self._connection, {row.mailbox.key for row in rows})
        new = {row.mailbox.key: row for row in reversed(rows) if row.mailbox.key not in numbers}
        made = [(row.mailbox, row.line.created or self._now) for row in reversed(new.values())]
        return numbers | people.enrol_all(self._connection, made)

    def _place(self, row: Row, fate: Fate, person: int, before: Subscription | None) -> None:
        state, kind, words = _PLACED[fate]
        evidence = f"{words.format(place=row.place)} {row.line.evidence}".rstrip()
        if before is not None and fate is Fate.LEFT:
            end(self._connection, before, kind, WORDING, evidence, row.line.at or self._now)
            return
        if before is not None:
            begin(self._connection, person, row.digest, row.cadence)
        else:
            self._made.append(self._subscription(row, state, person))
        told = row.line.events if before is None else None
        if told is None:
            told = (Told(kind, row.line.at or self._now, WORDING, evidence),)
        self._events.extend(ConsentEvent(person, row.digest, e.kind, e.wording, e.evidence, e.at) for e in told)

    def _subscription(self, row: Row, state: SubscriptionState, person: int) -> Subscription:
        cursor = self._covered(row.digest, row.cadence)
        token = self._token(row.line.token)
        return Subscription(person, row.mailbox.address, row.digest, state, row.cadence, cursor, token)

    def _covered(self, digest: str, cadence: str) -> int:
        """Where a cadence stands, asked once a batch."""
        if (digest, cadence) not in self._stand:
            self._stand[digest, cadence] = slots.covered(self._connection, digest, cadence)
        return self._stand[digest, cadence]

    def _token(self, wanted: str) -> str:
        """Keep a token that links in mail already sent hold, unless it is somebody's."""
        token = wanted if is_token(wanted) and wanted not in self._tokens else new_token()
        self._tokens.add(token)
        return token

    def _ask(self, row: Row) -> None:
        digest = find_digest(self._desk.settings, row.digest)
        evidence = f"Asked for the list {row.place}. {row.line.evidence}".rstrip()
        question(self._connection, self._desk, row.mailbox, digest, row.cadence, self._now, evidence)


def _detail(row: Row) -> str:
    """The words that are kept with a suppression: those of our own export, else where it comes from."""
    exported = row.line.detail or row.line.suppressed_at is not None
    return row.line.detail if exported else f"imported from {row.place}. {row.line.evidence}".rstrip(" .")
