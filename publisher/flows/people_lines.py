"""A line of a list of people: what its cells say, by the tables of the platform that wrote them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from publisher.errors import UsageError
from publisher.model.subscriber import ConsentKind, SubscriptionState
from publisher.rules.moments import read_moment
from publisher.rules.platforms import PUBLISHER, meaning, strictest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from publisher.rules.platforms import Platform, Sense

# Our own columns, in the words that an import understands; a plain list may have any of them, too.
COLUMNS = (
    "email",
    "digest",
    "status",
    "cadence",
    "suppressed",
    "suppressed_at",
    "suppressed_detail",
    "created",
    "confirmed_at",
    "evidence",
    "unsubscribe_token",
)
WORDS = ("evidence",)  # what is kept of a plain list beside its dates
MOST_NAME = 100  # characters of the name of a digest or a cadence
FORMULA = "=+-@\t\r"  # a cell that begins so is a formula to a spreadsheet


class Told(NamedTuple):
    """A consent event as our own export has it."""

    kind: ConsentKind
    at: datetime
    wording: str
    evidence: str


class Line(NamedTuple):
    """A line of a list, as written. ``sense`` is what it says of the person, None if its ``status`` is not known.

    ``at`` is the moment of what it says, ``evidence`` its words about the person's consent, ``events`` the consent that
    our own export kept, ``fault`` why nothing of it can be used.
    """

    number: int
    address: str
    sense: Sense | None = None
    status: str = ""
    at: datetime | None = None
    evidence: str = ""
    digest: str = ""
    cadence: str = ""
    suppressed: str = ""
    suppressed_at: datetime | None = None
    detail: str = ""
    created: datetime | None = None
    token: str = ""
    events: tuple[Told, ...] | None = None
    fault: str = ""


class Columns:
    """Where the columns of a list are, and what its lines say; raises UsageError when it cannot say enough."""

    def __init__(self, platform: Platform, titles: Sequence[str], name: str, zone: tzinfo) -> None:
        self._at = {title: at for at, title in reversed(list(enumerate(titles)))}
        self._zone = zone if platform.zone == "" else UTC
        self._zone_name = platform.zone or str(zone)
        self.address = next((self._at[title] for title in platform.address if title in self._at), 0)
        self.everyone = platform.file_sense(name)
        self._statuses = [
            (self._at[column], status.words)
            for status in platform.statuses
            if (column := next((each for each in status.columns if each in self._at), None)) is not None
        ]
        if self.everyone is None and not self._statuses:
            self.everyone = platform.presence_sense(titles)
        if self.everyone is None and not self._statuses and platform.remedy:
            raise UsageError(
                f"{name} is {platform.title}'s, and does not say whether these people want mail", platform.remedy
            )
        self._dates = {
            sense: [(column, self._at[column]) for column in columns if column in self._at]
            for sense, columns in platform.dates.items()
        }
        dates = dict.fromkeys(column for columns in platform.dates.values() for column in columns)
        self._told = [(column, self._at[column]) for column in (*dates, *WORDS[: platform.plain]) if column in self._at]
        self.own = platform is PUBLISHER
        self._cells = {column: self._at[column] for column in COLUMNS if column in self._at} if platform.plain else {}

    def line(self, number: int, cells: Sequence[str], events: object = None) -> Line:
        """Read a line's cells; ``events`` are those of our own export where they are not in a cell."""
        address = cells[self.address].strip() if self.address < len(cells) else ""
        sense, status = self._sense(cells)
        own = {column: cells[at] for column, at in self._cells.items() if at < len(cells)}
        if events is None and own.get("evidence", "").startswith(("[{", "[]")):
            events = own["evidence"]
        try:
            told = _events(events)
            kept = self._kept(own, exact=told is not None or self.own)
        except (ValueError, TypeError, KeyError, RecursionError):
            return Line(number, address, fault="what the export kept of this person's consent is spoilt")
        at, words = (None, "") if told is not None else self._dated(cells, sense)
        return Line(number, address, sense, status, at, words, events=told, **kept)

    def _sense(self, cells: Sequence[str]) -> tuple[Sense | None, str]:
        """What a line says of its person; None and the word, where it says what nobody knows."""
        said = [] if self.everyone is None else [self.everyone]
        for at, words in self._statuses:
            word = _clean(cells[at].strip()) if at < len(cells) else ""
            found = meaning(words, word)
            if found is None:
                return None, word
            said.append(found)
        return strictest(said) if said else SubscriptionState.CONFIRMED, ""

    def _kept(self, own: dict[str, str], *, exact: bool) -> dict[str, Any]:
        if not own:
            return {}
        kept: dict[str, Any] = {
            column: printable(own.get(column, "").strip()[:MOST_NAME]) for column in ("digest", "cadence", "suppressed")
        }
        kept["token"] = own.get("unsubscribe_token", "").strip()
        if exact:
            kept["detail"] = _clean(own.get("suppressed_detail", ""))
            kept["suppressed_at"], kept["created"] = _exact(own.get("suppressed_at")), _exact(own.get("created"))
        return kept

    def _dated(self, cells: Sequence[str], sense: Sense | None) -> tuple[datetime | None, str]:
        """When it was that somebody joined or left, and all that the line tells of it in words."""
        words = [f"{name}: {text}." for name, at in self._told if at < len(cells) and (text := cells[at].strip())]
        for _, at in self._dates.get(sense, ()) if sense is not None else ():
            text = cells[at].strip() if at < len(cells) else ""
            found = read_moment(text, self._zone) if text else None
            if found is not None:
                zone = () if found.zoned else (f"(Read as {self._zone_name}.)",)
                return found.at, _clean(" ".join((*words, *zone)))
        return None, _clean(" ".join(words))


def _exact(text: str | None) -> datetime | None:
    """A moment as our own export writes it."""
    if not text:
        return None
    moment = datetime.fromisoformat(text.strip())
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _events(told: object) -> tuple[Told, ...] | None:
    """The consent that our own export kept, None where it kept none.

    Raises ValueError, TypeError or KeyError for what is no consent.
    """
    found = json.loads(told) if isinstance(told, str) else told
    if found is None:
        return None
    if not isinstance(found, list):
        raise TypeError(told)
    return tuple(_event(each) for each in found)


def _event(told: Any) -> Told:
    at = _exact(told["at"])
    if at is None or not all(isinstance(told[each], str) for each in ("wording", "evidence")):
        raise TypeError(told)
    return Told(ConsentKind(told["kind"]), at, _clean(told["wording"]), _clean(told["evidence"]))


def _clean(text: str) -> str:
    """What is kept must be text that a database can hold."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")


def printable(text: str) -> str:
    """What is shown of a name from elsewhere, which may hold a terminal's commands."""
    return text if text.isprintable() else "".join(sign if sign.isprintable() else "\ufffd" for sign in text)


def guard(cell: str) -> str:
    """Mark a cell that a spreadsheet would take for a formula, so that it is text."""
    return f"'{cell}" if cell[:1] and cell[0] in f"{FORMULA}'" else cell


def unguard(cell: str) -> str:
    """Take the mark of ``guard`` away again."""
    return cell[1:] if cell[:1] == "'" and cell[1:2] and cell[1] in f"{FORMULA}'" else cell
