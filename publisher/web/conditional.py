"""Conditional requests: whether the client has it already (RFC 9110, section 13).

The rules:

- If-Match decides before If-Unmodified-Since, If-None-Match before If-Modified-Since (13.2.2); a header that yields to
  another is not even read.
- If-None-Match compares weakly, If-Match and If-Range strongly (8.8.3.2).
- What a client sent is read as kindly as it can be without guessing: a tag that lost its quotes still names what it
  named, a date is one in any of the shapes that readers send. What cannot be read is as if it were not there, and the
  client gets the document.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import date
from enum import Enum
from time import gmtime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

IF_MATCH, IF_NONE_MATCH, IF_RANGE = b"if-match", b"if-none-match", b"if-range"
IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE = b"if-modified-since", b"if-unmodified-since"

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = {name.lower().encode(): number for number, name in enumerate(_MONTHS, 1)}
_LATEST = 253402300799  # the last second of the year 9999, after which a date has no four digits
_LONGEST = 80  # bytes of a date; the longest real ones have half of that
_MOST_OFFSET = 24 * 60  # minutes

_ENTITY_TAG = re.compile(rb'(?:([Ww])/)?"([^"]*)"|([^\s,"]+)')  # the last: one that lost its quotes

_NAME = rb"(?:[a-z]{3,9},?\s*)?"
_TIME = rb"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)"
_ZONE = rb"(?:\s*(?:gmt|utc?|z)?\s*(?P<offset>[+-]\d\d:?\d\d)?(?:\s*\([a-z ]*\))?)"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # IMF-fixdate, and the obsolete one of RFC 850 with its hyphens and two digits of a year
        _NAME + rb"(?P<day>\d{1,2})[\s-](?P<month>[a-z]{3})[a-z]*[\s-](?P<year>\d{4}|\d\d)\s+" + _TIME + _ZONE,
        # asctime(), and what JavaScript's toString() makes of a date
        _NAME + rb"(?P<month>[a-z]{3})\s+(?P<day>\d{1,2})\s+" + _TIME + _ZONE + rb"\s+(?P<year>\d{4})",
        _NAME + rb"(?P<month>[a-z]{3})\s+(?P<day>\d{1,2})\s+(?P<year>\d{4})\s+" + _TIME + _ZONE,
    )
)


class Verdict(Enum):
    """What the conditions of a request come to."""

    GO_ON = 200
    NOT_MODIFIED = 304
    FAILED = 412


GO_ON, NOT_MODIFIED, FAILED = Verdict


def judge(given: Mapping[bytes, bytes], tag: bytes, modified: int, now: Callable[[], float]) -> Verdict:
    """Say whether a GET or HEAD is to be answered with the document.

    ``given`` are the request's headers by their names in lower case. ``tag`` is the strong entity tag of what would be
    sent, in its quotes; ``modified`` is when that last changed, and ``now`` gives the present, in seconds of the epoch.
    """
    wanted = given.get(IF_MATCH)
    if wanted is not None:
        if not _is_named(wanted, tag, weakly=False):
            return FAILED
    elif IF_UNMODIFIED_SINCE in given:
        since = parse_date(given[IF_UNMODIFIED_SINCE], now())
        if since is not None and modified > since:
            return FAILED
    known = given.get(IF_NONE_MATCH)
    if known is not None:
        is_known = known.removeprefix(b"W/") == tag or _is_named(known, tag, weakly=True)
        return NOT_MODIFIED if is_known else GO_ON
    if IF_MODIFIED_SINCE in given:
        present = now()
        since = parse_date(given[IF_MODIFIED_SINCE], present)
        if since is not None and modified <= since <= present:  # one from the future is no date of ours
            return NOT_MODIFIED
    return GO_ON


def range_holds(value: bytes | None, tag: bytes, modified: int, now: Callable[[], float]) -> bool:
    """Whether If-Range lets a Range count: there is none, or it names what would be sent (RFC 9110, 13.1.5).

    A date only counts if it is that of the document and that is not of this very second, in which it may change again.
    """
    if value is None:
        return True
    value = value.strip()
    if value.endswith(b'"'):
        return value == tag
    present = now()
    return modified + 1 <= present and parse_date(value, present) == modified


def _is_named(value: bytes, tag: bytes, *, weakly: bool) -> bool:
    """Whether a list of tags holds this one, or is the asterisk that means any."""
    if value.strip() == b"*":
        return True
    opaque = tag[1:-1]
    return any(name == opaque and (weakly or not is_weak) for name, is_weak in _tags(value))


def _tags(value: bytes) -> Iterator[tuple[bytes, bool]]:
    """The opaque parts of the tags in a list, and whether each is weak."""
    for found in _ENTITY_TAG.finditer(value):
        weak, quoted, bare = found.groups()
        if bare is None:
            yield quoted, weak is not None
        elif bare[:2] in {b"W/", b"w/"}:
            yield bare[2:], True
        else:
            yield bare, False


def parse_date(value: bytes, now: float) -> int | None:
    """Seconds of the epoch; None for what is no date.

    The three shapes of RFC 9110 (5.6.7), and what is sent in their place: any case, no weekday or a wrong one, one
    digit for the day, no zone (it is GMT), an offset, a length behind a semicolon. ``now``, as seconds of the epoch,
    gives a year of two digits its century: it is never more than 50 years ahead.
    """
    value = value.partition(b";")[0].strip()
    if len(value) > _LONGEST:
        return None
    for shape in _DATES:
        found = shape.fullmatch(value)
        if found:
            return _moment(found.groupdict(), now)
    return None


def _moment(part: dict[str, bytes], now: float) -> int | None:
    month = _MONTH.get(part["month"].lower(), 0)
    hour, minute, second = int(part["hour"]), int(part["minute"]), int(part["second"])
    try:
        day = date(_year(part["year"], now), month, int(part["day"]))
    except ValueError:
        return None
    offset = _offset(part["offset"])
    if hour > 23 or minute > 59 or second > 60 or abs(offset) >= _MOST_OFFSET:  # noqa: PLR2004 - a clock's figures
        return None
    return timegm((day.year, day.month, day.day, hour, minute, second)) - 60 * offset


def _year(digits: bytes, now: float) -> int:
    year = int(digits)
    if len(digits) > 2:  # noqa: PLR2004 - those that RFC 850 has
        return year
    present = gmtime(min(max(now, 0), _LATEST)).tm_year
    year += present - present % 100
    return year - 100 if year > present + 50 else year


def _offset(text: bytes | None) -> int:
    """Minutes east of Greenwich."""
    if not text:
        return 0
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return -minutes if text.startswith(b"-") else minutes


def http_date(moment: int) -> bytes:
    """Seconds of the epoch as an IMF-fixdate, whatever the locale."""
    at = gmtime(min(max(moment, 0), _LATEST))
    return (
        f"{_DAYS[at.tm_wday]}, {at.tm_mday:02} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04} "
        f"{at.tm_hour:02}:{at.tm_min:02}:{at.tm_sec:02} GMT"
    ).encode()
