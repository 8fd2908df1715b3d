"""What becomes of the lines of an import, judged by what each says and by what the store knows; nothing is written.

An import vouches for people and never overrules them: who left stays away, and nobody comes back from a
suppression or an erasure.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.rules.platforms import Absent, strictness
from publisher.store import consents, people, suppressions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from publisher.flows.letters import Desk
    from publisher.flows.people_lines import Line
    from publisher.model.subscriber import Mailbox, Subscription
    from publisher.rules.platforms import Sense

_S = SubscriptionState


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
    NEVER = "never subscribed there"
    REFUSED = "refused"


class Row(NamedTuple):
    """A line that was understood. ``sense`` is what it says of the person, ``suppressed`` why nobody may mail them."""

    line: Line
    place: str
    mailbox: Mailbox
    digest: str
    cadence: str
    sense: Sense
    suppressed: SuppressionReason | None


class Verdict(NamedTuple):
    """What becomes of a line: the reason in a few words, equal for equal reasons; what is said about it; what helps."""

    fate: Fate
    reason: str = ""
    words: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of the people of some lines.

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


def look(connection: Connection | None, desk: Desk, rows: Sequence[Row]) -> Known:
    """Read what the store knows of the people of some rows."""
    if connection is None or not rows:
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


def is_mild(row: Row) -> bool:
    """Whether a row says nothing against mail."""
    return row.sense is _S.CONFIRMED or row.sense is _S.PENDING


def strictest_rows(rows: Sequence[Row]) -> set[int]:
    """Choose the rows that count, one for each person and digest, by their places: the strictest, else the first.

    What says nothing at all of a person stands beside what somebody else's list says of them.
    """
    chosen: dict[tuple[str, str], tuple[int, int]] = {}
    silent = {at for at, row in enumerate(rows) if row.sense is Absent.NEVER}
    for at, row in enumerate(rows):
        place = (row.mailbox.key, row.digest)
        if at not in silent:
            rank = (strictness(_S.PENDING) if is_mild(row) else strictness(row.sense), at)
            chosen[place] = min(rank, chosen.get(place, rank))
    return silent | {at for _, at in chosen.values()}


def decide(row: Row, known: Known, *, ask: bool) -> Verdict:
    """Decide about a row that counts."""
    if row.mailbox.key in known.erased:
        remedy = "To ask them: subscribers add --ask"
        return Verdict(Fate.REFUSED, "was erased", "was erased, and is not added on anybody else's word", remedy)
    if row.sense is Absent.NEVER:
        return Verdict(Fate.NEVER)
    if isinstance(row.sense, SuppressionReason):
        return _decide_suppression(row, row.sense, known)
    if row.sense is _S.UNSUBSCRIBED:
        return _decide_leaving(row, known)
    return _decide_reading(row, known, ask=ask)


def _decide_reading(row: Row, known: Known, *, ask: bool) -> Verdict:
    place = known.place(row)
    if place is not None and place.state is _S.CONFIRMED:
        return _decide_again(row, known)
    reason = known.suppressed.get(row.mailbox.key)
    if reason and row.suppressed is None:
        remedy = "Only they themselves can ask for mail again."
        return Verdict(
            Fate.REFUSED, f"never to be mailed ({reason})", f"is never to be mailed again ({reason})", remedy
        )
    if place is not None and place.state is _S.UNSUBSCRIBED:
        return Verdict(Fate.REFUSED, "left", "left, and stays away", "Only they themselves can subscribe again.")
    return Verdict(Fate.ASKED) if ask else _decide_joining(row, place)


def _decide_joining(row: Row, place: Subscription | None) -> Verdict:
    if row.sense is _S.CONFIRMED:
        return Verdict(Fate.ADDED)
    if place is not None:
        return Verdict(Fate.ALREADY, "waiting", "waits for confirmation already")
    return Verdict(Fate.WAITING)


def _decide_again(row: Row, known: Known) -> Verdict:
    """Decide about somebody who reads the digest already."""
    if row.suppressed and row.mailbox.key not in known.suppressed and not known.spoke(row):
        return Verdict(Fate.SUPPRESSED, row.suppressed.value)
    return Verdict(Fate.ALREADY, "subscribed", "is subscribed already")


def _decide_suppression(row: Row, reason: SuppressionReason, known: Known) -> Verdict:
    if known.spoke(row):
        return Verdict(Fate.ALREADY, "reads by their own word", "is a reader by their own word, which stands")
    if row.mailbox.key in known.suppressed:
        return Verdict(Fate.ALREADY, "never mailed", "is never mailed already")
    return Verdict(Fate.SUPPRESSED, reason.value)


def _decide_leaving(row: Row, known: Known) -> Verdict:
    place = known.place(row)
    if place is not None and place.state is _S.UNSUBSCRIBED:
        return Verdict(Fate.ALREADY, "left", "has left already")
    if known.spoke(row, row.digest):
        return Verdict(Fate.ALREADY, "reads by their own word", "is a reader by their own word, which stands")
    return Verdict(Fate.LEFT)
