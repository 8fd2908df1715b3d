"""Laws of the calendar, against a clock that is watched minute by minute.

A day has one slot of a daily schedule, a week one of a weekly, whatever is done to the clock; slots
ascend; wherever an interval is split, nothing is lost and nothing comes twice.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.rules.calendar import latest_slot, next_slot, parse, slots

if TYPE_CHECKING:
    from collections.abc import Callable

ZONES = (
    "Europe/Berlin",
    "America/Los_Angeles",
    "America/Sao_Paulo",  # changed at midnight, last in 2019
    "Australia/Lord_Howe",  # changes by half an hour
    "Africa/Casablanca",  # changes for Ramadan
    "Asia/Tehran",  # changed at midnight, last in 2022
)
ODD_ZONES = (*ZONES, "America/Nuuk", "Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "UTC")
BEGIN, END = datetime(2018, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NEAR = range(-90, 150)  # minutes around a change: before, jumped over or repeated, and after


@cache
def changes(name: str) -> tuple[datetime, ...]:
    """The moments of 2018 to 2035, to the minute, from which a zone's clock runs at another distance to UTC."""
    zone = ZoneInfo(name)
    days = [BEGIN + DAY * number for number in range((END - BEGIN).days + 1)]
    return tuple(
        early + MINUTE * bisect_left(range(24 * 60), 1, key=lambda m: _offset(early + MINUTE * m, zone) != old)
        for early, late in pairwise(days)
        if (old := _offset(early, zone)) != _offset(late, zone)
    )


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()


class Watch:
    """Somebody who looks at a clock each minute, and notes the latest it has shown so far."""

    def __init__(self, zone: ZoneInfo, after: datetime, until: datetime) -> None:
        self.begin = after.replace(second=0, microsecond=0) - 2 * DAY
        minutes = int((until - self.begin) / MINUTE) + 1
        moments = (self.begin + MINUTE * number for number in range(minutes))
        walls = (moment.astimezone(zone).replace(tzinfo=None) for moment in moments)
        self.shown = list(accumulate(walls, max))

    def first(self, wall: datetime) -> datetime:
        """The moment at which the clock first showed this or more."""
        return self.begin + MINUTE * bisect_left(self.shown, wall)

    def due(self, matches: Callable[[datetime], bool], after: datetime, until: datetime) -> list[datetime]:
        """The moments in (after, until] at which the clock newly showed, or jumped over, a time that matches."""
        found = []
        for number, (before, now) in enumerate(pairwise(self.shown), start=1):
            moment = self.begin + MINUTE * number
            reached = (before + MINUTE * step for step in range(1, int((now - before) / MINUTE) + 1))
            if after < moment <= until and any(map(matches, reached)):
                found.append(moment)
        return found


@pytest.mark.parametrize("name", ZONES)
def test_a_day_near_a_change_of_the_clock_has_one_slot(name: str) -> None:
    zone = ZoneInfo(name)
    for change in changes(name):
        last = (change - MINUTE).astimezone(zone).replace(tzinfo=None)
        watch = Watch(zone, change - 2 * DAY, change + 3 * DAY)
        for clock in [(last + MINUTE * distance).time() for distance in NEAR]:
            schedule = parse(f"daily {clock:%H:%M}")
            found = list(slots(schedule, zone, change - 3 * DAY, change + 3 * DAY))
            days = Counter(moment.astimezone(zone).date() for moment in found)
            wanted = [last.date() + DAY * number for number in (-1, 0, 1)]
            assert [days[day] for day in wanted] == [1, 1, 1], (change, clock)
            for day in wanted:
                assert watch.first(datetime.combine(day, clock)) in found, (change, clock)


def test_the_changes_are_those_the_zones_are_known_for() -> None:
    assert {name: len(changes(name)) for name in ZONES[:2]} == {"Europe/Berlin": 36, "America/Los_Angeles": 36}
    assert len(changes("Australia/Lord_Howe")) == 36
    assert len(changes("Africa/Casablanca")) > 30
    assert len(changes("Asia/Tehran")) == 10
    assert len(changes("America/Sao_Paulo")) == 3


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.parametrize("clock", ["00:00", "00:30", "02:15"])
@pytest.mark.parametrize("day", ["mon", "sat", "sun"])
def test_a_week_has_one_slot(name: str, clock: str, day: str) -> None:
    zone = ZoneInfo(name)
    found = list(slots(parse(f"{day} {clock}"), zone, BEGIN, END))
    weeks = Counter(moment.astimezone(zone).date().isocalendar()[:2] for moment in found)
    every = {(date(2018, 1, 8) + 7 * DAY * number).isocalendar()[:2] for number in range(52 * 17)}
    assert every <= weeks.keys()
    assert set(weeks.values()) == {1}


# Schedules that chance writes, and intervals in which something happens to the clock

Field = tuple[str, frozenset[int]]  # as written, and what it stands for
MONTHS = dict(enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1))
DAYS = dict(enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat")))
CHANGES = [(name, change) for name in ODD_ZONES for change in changes(name)]
CHANGES += [("Pacific/Apia", datetime(2011, 12, 30, 10, tzinfo=UTC))]  # a day left out
CHANGES += [("America/St_Johns", datetime(2006, month, day, 3, tzinfo=UTC)) for month, day in ((4, 2), (10, 29))]


def a_field(low: int, high: int, names: dict[int, str] | None = None) -> st.SearchStrategy[Field]:
    numbers = st.integers(low, high)
    every = frozenset(range(low, high + 1))

    def word(number: int) -> str:
        return names[number] if names and number % 2 else f"{number:02}"

    def span(first: int, last: int) -> Field:
        return f"{word(first)}-{word(last)}", frozenset(range(first, last + 1))

    item = st.one_of(
        numbers.map(lambda number: (word(number), frozenset({number}))),
        st.tuples(numbers, numbers).map(lambda ends: span(min(ends), max(ends))),
        st.integers(1, (high - low) // 2).map(lambda step: (f"*/{step}", frozenset(range(low, high + 1, step)))),
    )
    items = st.lists(item, min_size=1, max_size=3)
    listed = items.map(lambda found: (",".join(text for text, _ in found), frozenset().union(*(s for _, s in found))))
    return st.one_of(st.just(("*", every)), listed)


CRON = st.tuples(a_field(0, 59), a_field(0, 23), a_field(1, 31), a_field(1, 12, MONTHS), a_field(0, 6, DAYS)).filter(
    lambda fields: min(fields[2][1]) < 29  # or it may never be due
)
CLOCK = st.builds("{:02}:{:02}".format, st.sampled_from([0, 1, 2, 3, 9, 22, 23]), st.sampled_from([0, 1, 15, 30, 59]))
PLAIN = st.builds(
    "{} {}".format,
    st.sampled_from(
        [
            "daily",
            "sun",
            "sat,sun",
            "fri-mon",
            "first sun",
            "last sun",
            "third fri",
            "1",
            "15",
            "29",
            "30",
            "31",
            "last",
        ]
    ),
    CLOCK,
)
SECONDS = st.integers(-3 * 86_400, 3 * 86_400)


def matcher(fields: tuple[Field, ...]) -> Callable[[datetime], bool]:
    """What crontab(5) says of a time, said again."""
    (_, minutes), (_, hours), (day, days), (_, months), (weekday, weekdays) = fields
    meet = all if "*" in (day[0], weekday[0]) else any

    def matches(wall: datetime) -> bool:
        on = meet((wall.day in days, int(wall.strftime("%w")) in weekdays))
        return wall.minute in minutes and wall.hour in hours and wall.month in months and on

    return matches


def left_out(name: str, change: datetime) -> bool:
    return name == "Pacific/Apia" and change.year == 2011


@given(CRON, st.sampled_from([pair for pair in CHANGES if not left_out(*pair)]), SECONDS, SECONDS)
@settings(max_examples=150)
def test_cron_is_due_when_a_watched_clock_says(
    fields: tuple[Field, ...], change: tuple[str, datetime], one: int, other: int
) -> None:
    zone, moment = ZoneInfo(change[0]), change[1]
    after, until = (moment + timedelta(seconds=distance) for distance in sorted((one, other)))
    found = list(slots(parse(" ".join(text for text, _ in fields)), zone, after, until))
    assert found == Watch(zone, after, until).due(matcher(fields), after, until)


@given(
    st.one_of(PLAIN, CRON.map(lambda fields: " ".join(text for text, _ in fields))),
    st.sampled_from(CHANGES),
    st.tuples(SECONDS, SECONDS, SECONDS).map(sorted),
)
@settings(max_examples=300)
def test_a_split_interval_loses_nothing_and_doubles_nothing(
    text: str, change: tuple[str, datetime], distances: list[int]
) -> None:
    schedule, zone = parse(text), ZoneInfo(change[0])
    after, middle, until = (change[1] + timedelta(seconds=distance) for distance in distances)
    found = list(slots(schedule, zone, after, until))
    assert all(one < other for one, other in pairwise(found))
    assert list(slots(schedule, zone, after, middle)) + list(slots(schedule, zone, middle, until)) == found
    for number, slot in enumerate(found[:20], start=1):  # where it is likeliest to go wrong
        assert list(slots(schedule, zone, after, slot)) == found[:number]
        assert next_slot(schedule, zone, slot - timedelta(microseconds=1)) == slot


@given(PLAIN, st.sampled_from(CHANGES), SECONDS, st.integers(0, 400 * 86_400))
@settings(max_examples=300)
def test_the_next_and_the_latest_are_the_first_and_the_last(
    text: str, change: tuple[str, datetime], distance: int, length: int
) -> None:
    schedule, zone = parse(text), ZoneInfo(change[0])
    after = change[1] + timedelta(seconds=distance)
    until = after + timedelta(seconds=length)
    found = list(slots(schedule, zone, after, until))
    assert latest_slot(schedule, zone, after, until) == (found[-1] if found else None)
    following = next_slot(schedule, zone, after)
    assert following is not None
    assert following == found[0] if found else following > until


@given(st.text(alphabet="monfridalyechst0123456789:,-*/ ", max_size=20))
def test_any_text_is_a_schedule_or_a_sentence(text: str) -> None:
    try:
        schedule = parse(text)
    except ValueError as fault:
        said = str(fault)
    else:
        said = ""
        assert schedule.each or next_slot(schedule, ZoneInfo("UTC"), BEGIN) is not None
    assert said.startswith(("a schedule: ", "cron whose ")) or not said
