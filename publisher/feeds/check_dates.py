"""Rules for dates: RFC 822 with four-digit years (RSS), RFC 3339 (Atom, JSON Feed), W3C-DTF (Dublin Core)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from publisher.feeds.check_rules import Fault, error, shown, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from publisher.feeds.check_rules import Document

_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=10)  # clocks differ a little

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ZONES = {
    "ut": 0,
    "gmt": 0,
    "z": 0,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
}

# What readers understand without guessing.
_PLAIN = re.compile(
    rf"(?:(?:{'|'.join(d.title() for d in _DAYS)}), )?\d\d? (?:{'|'.join(m.title() for m in _MONTHS)}) \d{{4}} "
    rf"\d\d:\d\d(?::\d\d)? (?:[+-]\d\d(?:[03]0|45)|{'|'.join(_ZONES)})\Z",
    re.IGNORECASE,
)
# What RFC 822 allows beyond that: two-digit years, military zones, generous white space.
_RFC822 = re.compile(
    rf"(?:(?P<day>{'|'.join(_DAYS)})\s*,\s*)?(?P<d>\d\d?)\s+(?P<m>{'|'.join(_MONTHS)})\s+(?P<y>\d{{4}}|\d\d)\s+"
    rf"(?P<H>\d\d):(?P<M>\d\d)(?::(?P<S>\d\d))?\s+(?P<z>[+-]\d{{4}}|{'|'.join(_ZONES)}|[a-ik-z])?\Z",
    re.IGNORECASE,
)
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_W3CDTF = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?\Z", re.ASCII)
_QUOTED = re.compile(r"\\.")
_COMMENT = re.compile(r"\([^()]*\)")

_RSS = "RFC 822 5, RSS 2.0"
_WRITE_822 = "Write it like Mon, 03 Dec 2018 10:00:00 +0000."
_WRITE_3339 = "Write it like 2018-12-03T10:00:00Z."


def rfc822(value: str, document: Document) -> Iterator[Fault]:
    """A date of RSS. What is legal but rare (two-digit years, military zones) is warned about."""
    found = _RFC822.match(_without_comments(value))
    moment = _moment(found) if found else None
    if found is None or moment is None:
        yield error(f"is no date: {shown(value)}", _RSS, _WRITE_822)
        return
    if not _PLAIN.match(value):
        yield warning(f"is a date that some readers misread: {shown(value)}", "RSS Profile, dates", _WRITE_822)
    if found["day"] and (right := _DAYS[moment[1].weekday()]) != found["day"].lower():
        yield error(
            f"names the wrong day of the week: {shown(value)}",
            _RSS,
            f"That day was a {right.title()}; or leave the day out.",
        )
    yield from _plausible(moment[0], value, document)


def rfc3339(value: str, document: Document) -> Iterator[Fault]:
    """A date-time of Atom and JSON Feed."""
    moment = _iso(value) if _RFC3339.match(value) else None
    if moment is None:
        yield error(f"is no RFC 3339 date-time: {shown(value)}", "RFC 3339 5.6", _WRITE_3339)
    else:
        yield from _plausible(moment, value, document)


def w3cdtf(value: str, document: Document) -> Iterator[Fault]:
    """A date of Dublin Core: year, year and month, day, or a time with its zone."""
    filled = value + "1970-01-01"[len(value) :] if len(value) in {4, 7} else value
    moment = _iso(filled) if _W3CDTF.match(value) else None
    if moment is None:
        yield error(f"is no W3C date: {shown(value)}", "W3C-DTF", _WRITE_3339)
    else:
        yield from _plausible(moment, value, document)


def _without_comments(value: str) -> str:
    """RFC 822 3.1.4: comments in parentheses nest, and a backslash takes a character out."""
    value = _QUOTED.sub("", value)
    for _ in range(4):  # deeper than anyone writes
        value = _COMMENT.sub(" ", value)
    return value.strip()


def _moment(found: re.Match[str]) -> tuple[datetime, date] | None:
    """The moment in UTC and the day as written."""
    year = int(found["y"])
    if len(found["y"]) == 2:  # noqa: PLR2004 - two digits, RFC 2822 4.3
        year += 2000 if year < 50 else 1900  # noqa: PLR2004 - the pivot of RFC 2822 4.3
    month = _MONTHS.index(found["m"].lower()) + 1
    try:
        local = datetime(
            year,
            month,
            int(found["d"]),
            int(found["H"]),
            int(found["M"]),
            min(int(found["S"] or 0), 59),
            tzinfo=_zone(found["z"]),
        )
        return local.astimezone(UTC), local.date()
    except (ValueError, OverflowError):
        return None


def _zone(written: str | None) -> timezone:
    """The zone; a military letter or none is taken as UTC, as RFC 2822 4.3 advises."""
    text = (written or "z").lower()
    if text[0] not in "+-":
        return timezone(timedelta(hours=_ZONES.get(text, 0)))
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return timezone(-offset if text[0] == "-" else offset)


def _iso(value: str) -> datetime | None:
    leap = value.replace(":60", ":59", 1) if value[16:19] == ":60" else value
    try:
        parsed = datetime.fromisoformat(leap)
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _plausible(moment: datetime, value: str, document: Document) -> Iterable[Fault]:
    if moment > document.now + _AHEAD:
        yield warning(f"lies in the future: {shown(value)}", "good practice", "Check the year, and the clock.")
    elif moment < _OLDEST:
        yield warning(f"is older than the web: {shown(value)}", "good practice", "Check the year.")
