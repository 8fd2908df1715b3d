"""Every date shape an author writes, read in one place (DESIGN rule 3).

Understood: date and datetime objects (TOML); ISO 8601 and its relaxed cousins ("2018-12-3",
"2018/12/03 10:00", "2018-12-03 10:00:00.5 -0500", "20181203T100000Z"); RFC 5322 ("Mon, 03 Dec 2018
10:00:00 +0000"); English ("December 3, 2018", "3 Dec 2018 9:30 pm"); whole numbers of ten digits
(seconds since 1970) and of thirteen (milliseconds). Never guessed: 03/12/2018, a bare year or month,
a two-digit year, a zone name that means different things to different people.

A moment without a zone is meant in the site's. Where clocks go back its first occurrence is meant;
where they go forward a time that never was moves on by the length of the gap (PEP 495, fold 0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CLOCK = r"""
    (?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?
    (?:[ ]?(?P<half>[ap])\.?m\.?)?
    (?:[ ]?(?P<zone>utc|gmt|z|[a-z]{2,4}$)?(?:(?P<offset>[+-]\d{1,2}(?::?\d\d)?)(?:[ ]\(?[a-z]{1,5}\)?)?)?)?
"""
_FLAGS = re.ASCII | re.IGNORECASE | re.VERBOSE
_ISO = re.compile(
    rf"(?P<year>\d{{4}})([-/.])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}})"
    rf"(?:(?:t|[ ]at[ ]|,?[ ]){_CLOCK})?",
    _FLAGS,
)
_COMPACT = r"""
    (?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)
    (?:t(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?P<zone>z)?(?P<offset>[+-]\d\d:?\d\d)?)?
"""
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?[.,]*[ ])?"
_LATER_CLOCK = rf"(?:(?:[ ]at[ ]|,?[ ]){_CLOCK})?"
_DAY_FIRST = (
    rf"{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[ -](?:of[ ])?(?P<name>[a-z]+)[.,]*[ -](?P<year>\d{{4}})"
    rf"{_LATER_CLOCK}"
)
_MONTH_FIRST = (
    rf"{_WEEKDAY}(?P<name>[a-z]+)\.?[ ](?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[ ](?P<year>\d{{4}}){_LATER_CLOCK}"
)
_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905 - one line reads better than twelve
)
_MONTH = {name[:3]: number for number, name in enumerate(_MONTHS, 1)}
# RFC 5322 section 4.3 fixes the American names; the European ones have one meaning only.
_ZONE_HOURS = {
    "z": 0,
    "ut": 0,
    "utc": 0,
    "gmt": 0,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
    "wet": 0,
    "west": 1,
    "cet": 1,
    "cest": 2,
    "eet": 2,
    "eest": 3,
}
_SECONDS_DIGITS, _MILLISECONDS_DIGITS = 10, 13
_LONGEST = 64  # no date is longer; a megabyte is not looked at


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is: ``at`` is aware UTC; ``date_only`` tells that no time of day was written."""

    at: datetime
    date_only: bool


def read_date(value: object, zone: ZoneInfo, time_of_day: time) -> Moment | None:
    """The moment that ``value`` means, or None when it means none; never raises.

    ``zone`` is the site's and holds for values without one; ``time_of_day`` is the site's time for
    dates without a time.
    """
    try:
        if isinstance(value, str):
            return _from_text(value, zone, time_of_day)
        if isinstance(value, datetime):
            return Moment(_utc(value, zone), date_only=False)
        if isinstance(value, date):
            return on_day(value, zone, time_of_day)
        if isinstance(value, int) and not isinstance(value, bool):
            return _from_number(str(value))
    except (ValueError, OverflowError):
        return None  # a 30th of February, a year outside 1 to 9999
    return None


def zone_in(value: object) -> tzinfo | None:
    """The zone that a date is written with, None where it is written without one; never raises."""
    if isinstance(value, datetime):
        return value.tzinfo
    found = _ISO.fullmatch(" ".join(value.split())) if isinstance(value, str) and len(value) <= _LONGEST else None
    try:
        return _offset(found.groupdict()) if found else None
    except ValueError:
        return None


def on_day(day: date, zone: ZoneInfo, time_of_day: time) -> Moment:
    """A day without a time: the site's time of day in the site's zone. Raises OverflowError at the edges."""
    return Moment(datetime.combine(day, time_of_day, zone).astimezone(UTC), date_only=True)


def day_start(at: datetime, zone: ZoneInfo) -> datetime:
    """The start, in UTC, of the day that ``at`` falls on in ``zone``."""
    return datetime.combine(at.astimezone(zone).date(), time(0), zone).astimezone(UTC)


def _utc(at: datetime, zone: tzinfo) -> datetime:
    return (at if at.utcoffset() is not None else at.replace(tzinfo=zone, fold=0)).astimezone(UTC)


def _from_text(text: str, zone: ZoneInfo, time_of_day: time) -> Moment | None:
    if len(text) > _LONGEST:
        return None
    words = " ".join(text.split())
    if words.isdecimal() and len(words) >= _SECONDS_DIGITS:
        return _from_number(words)
    found = _ISO.fullmatch(words) or next(filter(None, (shape.fullmatch(words) for shape in _rarer_shapes())), None)
    return _from_parts(found.groupdict(), zone, time_of_day) if found else None


@cache
def _rarer_shapes() -> tuple[re.Pattern[str], ...]:
    """Compiled when first met: most runs never need them, and they take milliseconds."""
    return tuple([re.compile(shape, _FLAGS) for shape in (_DAY_FIRST, _MONTH_FIRST, _COMPACT)])


def _from_number(digits: str) -> Moment | None:
    if not digits.isascii() or len(digits) not in {_SECONDS_DIGITS, _MILLISECONDS_DIGITS}:
        return None
    scale = 1 if len(digits) == _SECONDS_DIGITS else 1000
    return Moment(EPOCH + timedelta(seconds=int(digits) / scale), date_only=False)


def _from_parts(parts: dict[str, str | None], zone: ZoneInfo, time_of_day: time) -> Moment | None:
    day = date(int(parts["year"] or 0), _month(parts), int(parts["day"] or 0))
    if parts["hour"] is None:
        return on_day(day, zone, time_of_day)
    midnight = datetime(day.year, day.month, day.day, tzinfo=_offset(parts) or zone)
    # Adding to a zoned datetime moves its wall clock; 24:00 becomes the next day's midnight.
    return Moment((midnight + _clock(parts)).astimezone(UTC), date_only=False)


def _month(parts: dict[str, str | None]) -> int:
    """The month's number, 0 (which no date accepts) for a word that is no month."""
    if number := parts.get("month"):
        return int(number)
    name = (parts["name"] or "").lower()
    number_of = _MONTH.get(name[:3], 0)
    known = name == "sept" or (number_of and name in {name[:3], _MONTHS[number_of - 1]})
    return number_of if known else 0


def _clock(parts: dict[str, str | None]) -> timedelta:
    hour, minute = int(parts["hour"] or 0), int(parts["minute"] or 0)
    second, half = int(parts.get("second") or 0), parts.get("half")
    if half:
        hour = _half_day(hour, half)
    if hour > 24 or (hour == 24 and (minute or second)) or minute > 59 or second > 60:  # noqa: PLR2004 - ISO 8601's limits
        raise ValueError("no such time of day")
    fraction = (parts.get("fraction") or "")[:6].ljust(6, "0")
    # A leap second has no place of its own in datetime: it is the second before.
    return timedelta(hours=hour, minutes=minute, seconds=min(second, 59), microseconds=int(fraction))


def _half_day(hour: int, half: str) -> int:
    if not 1 <= hour <= 12:  # noqa: PLR2004 - the hours on a dial
        raise ValueError("no such hour on a dial")
    return hour % 12 + (12 if half in "pP" else 0)


def _offset(parts: dict[str, str | None]) -> tzinfo | None:
    """The zone written, None when there is none; raises ValueError for one that is not known."""
    if written := parts.get("offset"):
        digits = written[1:].replace(":", "")
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")  # noqa: PLR2004 - hours alone
        size = timedelta(hours=int(hours), minutes=time(0, int(minutes)).minute)
        return timezone(-size if written[0] == "-" else size)
    if (name := parts.get("zone")) is None:
        return None
    if name.lower() not in _ZONE_HOURS:
        raise ValueError("a zone of unknown or several meanings")
    return timezone(timedelta(hours=_ZONE_HOURS[name.lower()]))
