"""When issues are due: the words of a schedule become slots.

The clock on the wall decides. Its changes are met by three rules:

- A time that the clock jumps over is due at the first moment after the jump.
- A time that comes twice is due the first time.
- A day that a zone leaves out is due as the next one begins, unless the next day has slots of its own.

So one wall time after another is never due earlier, and what is due together is one slot.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

_WANTED = (
    'a schedule: "mon 09:00", "mon,thu 09:00", "mon-fri 08:00", "daily 08:00", "first mon 09:00", "1 09:00", '
    '"last 09:00", "each", or the five fields of cron'
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS = tuple(name[:3].lower() for name in _WEEKDAYS)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ORDINALS = ("first", "second", "third", "fourth", "last")
_LAST_DAY = 31
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # days of the months, in a leap year

# The dates in which a slot is looked for: those whose neighbours, in any zone, Python can name too.
_BEGIN, _END = date(1, 1, 2).toordinal(), date(9999, 12, 24).toordinal()
# Dates in two zones differ by up to two days, and a slot may lie a day after the date it is for.
_MARGIN = 3


class Days(Protocol):
    """The dates a schedule is for."""

    def on(self, day: date) -> bool:
        """Whether a date is one of them."""


@dataclass(frozen=True, slots=True)
class Weekdays:
    """Every one of these days of the week, all seven for a daily schedule. Monday is 0."""

    numbers: frozenset[int]

    def on(self, day: date) -> bool:
        """Whether a date is one of them."""
        return day.weekday() in self.numbers


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """A day of the week once a month: its ``nth``, from 0 to 3, or with 4 its last. Monday is 0."""

    nth: int
    number: int

    def on(self, day: date) -> bool:
        """Whether a date is the one of its month."""
        if day.weekday() != self.number:
            return False
        if _ORDINALS[self.nth] == "last":
            return (day + timedelta(days=7)).month != day.month
        return (day.day - 1) // 7 == self.nth


@dataclass(frozen=True, slots=True)
class MonthDay:
    """A day of each month. 29, 30 and 31 fall on the last day of a month that is shorter, so 31 is the last of any."""

    number: int

    def on(self, day: date) -> bool:
        """Whether a date is the one of its month."""
        return day.day == self.number or (day.day < self.number and (day + timedelta(days=1)).day == 1)


@dataclass(frozen=True, slots=True)
class CronDays:
    """What the last three fields of cron say; a day that a month has not is left out, as cron leaves it out.

    With ``either``, being one of ``days`` or of ``weekdays`` is enough, else it takes both. Monday is 0.
    """

    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool

    def on(self, day: date) -> bool:
        """Whether a date is one of them."""
        if day.month not in self.months:
            return False
        if self.either:
            return day.day in self.days or day.weekday() in self.weekdays
        return day.day in self.days and day.weekday() in self.weekdays


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a cadence is due: at ``minutes`` after midnight, ascending, of its days; ``text`` is as written.

    Without days it is due at each arrival and has no slots of its own.
    """

    text: str
    days: Days | None
    minutes: tuple[int, ...]

    @property
    def each(self) -> bool:
        """Whether each arrival is a slot."""
        return self.days is None


def parse(text: str) -> Schedule:
    """Read a schedule, in any case; a ValueError says what was wanted instead.

    ``each``; ``mon 09:00``, ``mon,thu 09:00``, ``mon-fri 08:00``, ``daily 08:00``; ``first mon 09:00``, also second,
    third, fourth, last; ``1 09:00``, a day of the month, where 29 to 31 fall on the month's last day when it is
    shorter; ``last 09:00``. Or cron's minute, hour, day of the month, month and day of the week, by crontab(5):
    names, ranges, lists and steps; 0 and 7 are Sunday; if neither field of days begins with ``*``, either is enough.
    """
    parts = text.casefold().split()
    if parts == ["each"]:
        return Schedule(text.strip(), None, ())
    if len(parts) == len(_FIELDS):
        return _cron(text.strip(), parts)
    if not parts:
        raise ValueError(_WANTED)
    *days, clock = parts
    return Schedule(text.strip(), _days(days), (_clock(clock),))


def slots(schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> Iterator[datetime]:
    """Give the slots in (after, until], ascending, in UTC, each when it is asked for. Both ends are aware.

    Wherever an interval is split, its parts have the slots of the whole.
    """
    latest = after
    for day in _dates(schedule, _around(after, until)):
        minutes = _minutes_of(schedule, zone, day)
        for minute in minutes[_passed(minutes, zone, day, latest) :]:
            moment = _due(day, minute, zone)
            if moment > until:
                return
            if moment > latest:
                yield moment
                latest = moment


def next_slot(schedule: Schedule, zone: ZoneInfo, after: datetime) -> datetime | None:
    """Find the first slot after an aware moment, in UTC. None if each arrival is one."""
    return next(slots(schedule, zone, after, datetime.max.replace(tzinfo=UTC)), None)


def latest_slot(schedule: Schedule, zone: ZoneInfo, after: datetime, until: datetime) -> datetime | None:
    """Find the last slot in (after, until], in UTC, looking back from its end."""
    for day in _dates(schedule, _around(after, until)[::-1]):
        minutes = _minutes_of(schedule, zone, day)
        if passed := _passed(minutes, zone, day, until):
            moment = _due(day, minutes[passed - 1], zone)
            return moment if moment > after else None
    return None


def words(schedule: Schedule) -> str:
    """Say a schedule for people: "Mondays at 09:00", "each new entry". Cron stays as written."""
    match schedule.days:
        case None:
            return "each new entry"
        case Weekdays(numbers):
            days = _weekdays_in_words(sorted(numbers))
        case NthWeekday(nth, number):
            days = f"the {_ORDINALS[nth]} {_WEEKDAYS[number]} of the month"
        case MonthDay(number):
            days = f"the {_counted(number)} of the month"
        case _:
            return schedule.text
    hour, minute = divmod(schedule.minutes[0], 60)
    return f"{days} at {hour:02}:{minute:02}"


def pace(schedule: Schedule) -> str:
    """Name a cadence by its schedule: each, daily, weekly or monthly."""
    match schedule.days:
        case None:
            return "each"
        case Weekdays(numbers):
            return "daily" if len(numbers) == len(_DAYS) else "weekly"
        case CronDays() as cron if len(cron.days) == _LAST_DAY and len(cron.months) == len(_MONTHS):
            return "daily" if len(cron.weekdays) == len(_DAYS) else "weekly"
        case _:
            return "monthly"


# Moments


def _around(after: datetime, until: datetime) -> range:
    """The dates, as ordinals, among which the slots between two moments lie."""
    return range(max(after.toordinal() - _MARGIN, _BEGIN), min(until.toordinal() + _MARGIN, _END) + 1)


def _dates(schedule: Schedule, ordinals: Iterable[int]) -> Iterator[date]:
    """The schedule's own among these dates."""
    if schedule.days is not None:
        yield from filter(schedule.days.on, map(date.fromordinal, ordinals))


def _minutes_of(schedule: Schedule, zone: ZoneInfo, day: date) -> tuple[int, ...]:
    """The minutes at which a date of the schedule is due: none if the zone leaves it out and the next is due too."""
    following = day + timedelta(days=1)
    left_out = _due(day, 0, zone) == _due(following, 0, zone)
    return () if left_out and schedule.days is not None and schedule.days.on(following) else schedule.minutes


def _passed(minutes: tuple[int, ...], zone: ZoneInfo, day: date, moment: datetime) -> int:
    """How many of a day's minutes are due up to a moment."""
    return bisect_right(minutes, moment, key=lambda minute: _due(day, minute, zone))


def _due(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the clock first shows a time of a day, or more if that time is jumped over.

    The two readings that ``fold`` gives (PEP 495) are equal for a time that comes once, ascending for
    one that comes twice, and on both sides of the jump, descending, for one that never comes.
    """
    wall = datetime.combine(day, time()) + timedelta(minutes=minute)
    one, other = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return one if one <= other else _landing(other, one, wall, zone)


def _landing(before: datetime, behind: datetime, wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment between two at which the clock jumps over a time."""
    seconds = bisect_right(
        range(int((behind - before).total_seconds())),
        wall,
        key=lambda second: (before + timedelta(seconds=second)).astimezone(zone).replace(tzinfo=None),
    )
    return before + timedelta(seconds=seconds)


# Words


def _days(parts: list[str]) -> Days:
    match parts:
        case ["daily"]:
            return Weekdays(frozenset(range(len(_DAYS))))
        case ["last"]:
            return MonthDay(_LAST_DAY)
        case [day] if re.fullmatch("0?[1-9]|[12][0-9]|3[01]", day):
            return MonthDay(int(day))
        case [days]:
            return Weekdays(frozenset(number for item in days.split(",") for number in _weekdays(item)))
        case [ordinal, day] if ordinal in _ORDINALS and day in _DAYS:
            return NthWeekday(_ORDINALS.index(ordinal), _DAYS.index(day))
        case _:
            raise ValueError(_WANTED)


def _weekdays(item: str) -> list[int]:
    """A day of the week, or a range of them, which may go over Sunday: sat-mon."""
    first, dash, last = item.partition("-")
    if first not in _DAYS or (last not in _DAYS if dash else last):
        raise ValueError(_WANTED)
    low, high = _DAYS.index(first), _DAYS.index(last or first)
    return [(low + step) % len(_DAYS) for step in range((high - low) % len(_DAYS) + 1)]


def _clock(text: str) -> int:
    """Minutes after midnight."""
    found = re.fullmatch("([01]?[0-9]|2[0-3]):([0-5][0-9])", text)
    if not found:
        raise ValueError(_WANTED)
    return int(found[1]) * 60 + int(found[2])


def _weekdays_in_words(numbers: list[int]) -> str:
    names = [_WEEKDAYS[number] + "s" for number in numbers]
    if len(names) == len(_WEEKDAYS):
        return "daily"
    if len(names) > 2 and numbers == list(range(numbers[0], numbers[-1] + 1)):  # noqa: PLR2004 - two are no range
        return f"{names[0]} to {names[-1]}"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _counted(number: int) -> str:
    if number == _LAST_DAY:
        return "last day"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 != 1 else "th"
    return f"{number}{ending}"


# Cron, by crontab(5)


@dataclass(frozen=True, slots=True)
class _Field:
    """A field's name in sentences and its range; the first of its names stands for ``low``."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 7, ("sun", *_DAYS)),
)
_ITEM = re.compile("([*]|[a-z0-9]+)(?:-([a-z0-9]+))?(?:/([0-9]{1,2}))?")


def _cron(text: str, parts: list[str]) -> Schedule:
    minutes, hours, days, months, weekdays = (
        frozenset(number for item in part.split(",") for number in _numbers(field, item))
        for field, part in zip(_FIELDS, parts, strict=True)
    )
    either = not any(part.startswith("*") for part in (parts[2], parts[4]))
    if not either and min(days) > max(_LONGEST[month - 1] for month in months):
        raise _fault(_FIELDS[2], "is one that its months have", parts[2])
    return Schedule(
        text,
        # Cron counts from Sunday, as 0 or 7; Python from Monday, as 0.
        CronDays(days, months, frozenset((number - 1) % len(_DAYS) for number in weekdays), either),
        tuple(hour * 60 + minute for hour in sorted(hours) for minute in sorted(minutes)),
    )


def _numbers(field: _Field, item: str) -> range:
    """What one item of a list stands for: all, a number, a range, the last two perhaps by their names, with a step."""
    found = _ITEM.fullmatch(item)
    if not found or (found[1] == "*" and found[2]):
        raise _fault(field, f"is *, numbers from {field.low} to {field.high}, or their ranges, lists and steps", item)
    low, high = (field.low, field.high) if found[1] == "*" else _ends(field, found[1], found[2] or found[1], item)
    if low > high:
        raise _fault(field, "has ranges that go up", item)
    if not found[3]:
        return range(low, high + 1)
    if not 0 < int(found[3]) <= high - low:
        raise _fault(field, "has steps that fit into a range", item)
    return range(low, high + 1, int(found[3]))


def _ends(field: _Field, first: str, last: str, item: str) -> tuple[int, int]:
    low, high = _number(field, first, item), _number(field, last, item)
    if field is _FIELDS[4] and high == 0 < low:
        return low, field.high  # fri-sun: a week that has begun ends on a Sunday
    return low, high


def _number(field: _Field, word: str, item: str) -> int:
    if word in field.names:
        return field.low + field.names.index(word)
    if not re.fullmatch("[0-9]{1,2}", word) or not field.low <= int(word) <= field.high:
        raise _fault(field, f"is from {field.low} to {field.high}", item)
    return int(word)


def _fault(field: _Field, wanted: str, item: str) -> ValueError:
    return ValueError(f'cron whose {field.name} {wanted}, not "{item}"')
