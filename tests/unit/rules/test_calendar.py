"""What the words of a schedule mean, and when they are due."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from publisher.rules.calendar import latest_slot, next_slot, pace, parse, slots, words

BERLIN = ZoneInfo("Europe/Berlin")
APIA = ZoneInfo("Pacific/Apia")  # went from the 29th to the 31st of December 2011
NUUK = ZoneInfo("America/Nuuk")  # jumps from 23:00 to midnight
LATE = datetime(2400, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def walls(text: str, after: str, count: int, zone: ZoneInfo = BERLIN) -> list[str]:
    """The first slots after a moment in UTC, as the wall's clock shows them."""
    found = islice(slots(parse(text), zone, utc(after), LATE), count)
    return [moment.astimezone(zone).strftime("%Y-%m-%d %H:%M") for moment in found]


def dates(text: str, after: str, count: int) -> list[date]:
    return [moment.date() for moment in islice(slots(parse(text), ZoneInfo("UTC"), utc(after), LATE), count)]


# What a schedule means


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("mon 00:00", [2, 9, 16, 23, 30]),
        ("mon,thu 00:00", [2, 5, 9, 12, 16]),
        ("thu,mon,thu 00:00", [2, 5, 9, 12, 16]),
        ("mon-fri 00:00", [2, 3, 4, 5, 6, 9]),
        ("sat-mon 00:00", [1, 2, 7, 8, 9]),
        ("mon-tue,sun 00:00", [1, 2, 3, 8, 9]),
        ("Daily 0:00", [1, 2, 3, 4]),
        ("FIRST Mon 00:00", [2]),
        ("second sun 00:00", [8]),
        ("third sun 00:00", [15]),
        ("fourth mon 00:00", [23]),
        ("last mon 00:00", [30]),
        ("last tue 00:00", [24]),
        ("7 00:00", [7]),
        ("07 00:00", [7]),
        ("31 00:00", [30]),
        ("last 00:00", [30]),
        ("0 0 * * 1", [2, 9, 16]),
        ("0 0 * * 0", [1, 8, 15]),
        ("0 0 * * 7", [1, 8, 15]),
        ("0 0 * * Mon", [2, 9, 16]),
        ("0 0 * * mon-wed,fri", [2, 3, 4, 6, 9]),
        ("0 0 * * fri-sun", [1, 6, 7, 8, 13]),
        ("0 0 * * 5-7", [1, 6, 7, 8, 13]),
        ("0 0 * * sun-mon", [1, 2, 8, 9]),
        ("0 0 1-9/4 * *", [1, 5, 9]),
        ("0 0 */10 nov *", [1, 11, 21]),
        ("0 0 13 * fri", [6, 13, 20, 27]),
        ("0 0 */2 * mon", [9, 23]),
        ("0 0 13 * */5", [13]),
    ],
)
def test_a_schedule_falls_on_these_days_of_november_2026(text: str, days: list[int]) -> None:
    found = dates(text, "2026-10-31T12:00", len(days))
    assert found == [date(2026, 11, day) for day in days]


def test_a_day_that_a_month_lacks_is_its_last() -> None:
    assert dates("30 09:00", "2027-01-01", 4) == [
        date(2027, 1, 30),
        date(2027, 2, 28),
        date(2027, 3, 30),
        date(2027, 4, 30),
    ]
    assert dates("29 09:00", "2028-01-30", 1) == [date(2028, 2, 29)]


def test_a_day_that_a_month_lacks_is_left_out_by_cron() -> None:
    assert dates("0 9 31 * *", "2027-01-01", 3) == [date(2027, 1, 31), date(2027, 3, 31), date(2027, 5, 31)]
    assert dates("0 9 29 2 *", "2093-01-01", 2) == [date(2096, 2, 29), date(2104, 2, 29)]
    assert dates("0 9 29 2 */7", "2080-01-01", 2) == [date(2088, 2, 29), date(2128, 2, 29)]


def test_the_hours_of_cron_come_in_the_order_of_the_day() -> None:
    found = walls("15,45 8-18/5 * * *", "2026-11-23", 7)
    assert [wall[-5:] for wall in found] == ["08:15", "08:45", "13:15", "13:45", "18:15", "18:45", "08:15"]


def test_a_slot_at_the_beginning_belongs_to_what_was_before_and_one_at_the_end_is_in() -> None:
    nine, next_nine = utc("2026-11-23T09:00"), utc("2026-11-30T09:00")
    schedule, zone = parse("mon 09:00"), ZoneInfo("UTC")
    assert list(slots(schedule, zone, nine, next_nine)) == [next_nine]
    assert list(slots(schedule, zone, next_nine, nine)) == []
    assert next_slot(schedule, zone, nine) == next_nine
    assert latest_slot(schedule, zone, nine, next_nine) == next_nine
    assert latest_slot(schedule, zone, nine, next_nine - timedelta(microseconds=1)) is None
    assert latest_slot(schedule, zone, nine - timedelta(microseconds=1), nine) == nine


def test_slots_are_in_utc_whatever_the_zone_of_the_question() -> None:
    in_tokyo = datetime(2026, 11, 23, 16, 59, tzinfo=ZoneInfo("Asia/Tokyo"))
    moment = next_slot(parse("mon 09:00"), BERLIN, in_tokyo)
    assert moment == utc("2026-11-23T08:00")
    assert moment.tzinfo is UTC


def test_each_has_no_slots_of_its_own() -> None:
    schedule = parse(" Each ")
    assert schedule.each
    assert not parse("mon 09:00").each
    assert list(slots(schedule, BERLIN, utc("2020-01-01"), LATE)) == []
    assert next_slot(schedule, BERLIN, utc("2020-01-01")) is None
    assert latest_slot(schedule, BERLIN, utc("2020-01-01"), LATE) is None


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Adak", "Europe/Berlin"])
@pytest.mark.parametrize("text", ["daily 09:00", "last sun 23:59", "31 00:00", "0 0 29 2 *"])
def test_time_has_a_beginning_and_an_end(zone: str, text: str) -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert next_slot(parse(text), ZoneInfo(zone), first) is not None
    assert latest_slot(parse(text), ZoneInfo(zone), first, last) is not None
    assert next_slot(parse(text), ZoneInfo(zone), last) is None


# Clocks that are changed


def test_a_time_that_is_jumped_over_is_due_when_the_clock_has_jumped() -> None:
    assert walls("daily 02:30", "2026-03-28", 3) == ["2026-03-28 02:30", "2026-03-29 03:00", "2026-03-30 02:30"]


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    found = list(slots(parse("daily 02:30"), BERLIN, utc("2026-10-24T12:00"), utc("2026-10-26")))
    assert found == [utc("2026-10-25T00:30")]


def test_what_falls_together_is_one_slot() -> None:
    found = walls("*/20 1-3 * * *", "2026-03-29T00:00", 7)
    assert [wall[-5:] for wall in found] == ["01:20", "01:40", "03:00", "03:20", "03:40", "01:00", "01:20"]


def test_an_hour_that_is_repeated_has_no_slots_again() -> None:
    found = list(slots(parse("*/30 * * * *"), BERLIN, utc("2026-10-24T23:45"), utc("2026-10-25T02:00")))
    assert found == [utc("2026-10-25T00:00"), utc("2026-10-25T00:30"), utc("2026-10-25T02:00")]


def test_the_last_hour_of_a_day_may_be_jumped_over() -> None:
    assert walls("daily 23:30", "2024-03-30T03:00", 2, NUUK) == ["2024-03-31 00:00", "2024-03-31 23:30"]
    assert walls("*/30 23,0 * * *", "2024-03-30T12:00", 3, NUUK) == [
        "2024-03-31 00:00",
        "2024-03-31 00:30",
        "2024-03-31 23:00",
    ]


def test_a_day_that_a_zone_leaves_out_does_not_double_the_next() -> None:
    assert walls("daily 09:00", "2011-12-29T12:00", 3, APIA) == [
        "2011-12-29 09:00",
        "2011-12-31 09:00",
        "2012-01-01 09:00",
    ]
    assert walls("fri,sat 09:00", "2011-12-29T12:00", 2, APIA) == ["2011-12-31 09:00", "2012-01-06 09:00"]


@pytest.mark.parametrize("text", ["fri 09:00", "30 09:00", "*/30 * 30 12 *", "last fri 00:00"])
def test_a_day_that_a_zone_leaves_out_is_made_up_for_at_the_next_midnight(text: str) -> None:
    after, until = utc("2011-12-29T12:00"), utc("2012-01-01")
    assert list(slots(parse(text), APIA, after, until)) == [utc("2011-12-30T10:00")]
    assert latest_slot(parse(text), APIA, after, until) == utc("2011-12-30T10:00")


# What is refused


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mon",
        "09:00",
        "mon 9",
        "mon 24:00",
        "mon 09:60",
        "mon 9:0",
        "mon \u0660\u0669:\u0660\u0660",
        "monday 09:00",
        "mon, 09:00",
        "mon- 09:00",
        "-mon 09:00",
        "mon-someday 09:00",
        "0 09:00",
        "32 09:00",
        "-1 09:00",
        "1,15 09:00",
        "fifth mon 09:00",
        "first daily 09:00",
        "first mon,tue 09:00",
        "last",
        "each 09:00",
        "@weekly",
        "0 9 * *",
        "0 9 * * * *",
    ],
)
def test_what_is_no_schedule_is_answered_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r'^a schedule: "mon 09:00", .* cron$'):
        parse(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("60 9 * * *", 'minute is from 0 to 59, not "60"'),
        ("0 24 * * *", 'hour is from 0 to 23, not "24"'),
        ("0 0 0 * *", 'day of the month is from 1 to 31, not "0"'),
        ("0 0 1-32 * *", 'day of the month is from 1 to 31, not "1-32"'),
        ("0 0 1 13 *", 'month is from 1 to 12, not "13"'),
        ("0 0 1 mon *", 'month is from 1 to 12, not "mon"'),
        ("0 0 * * 8", 'day of the week is from 0 to 7, not "8"'),
        ("999999 9 * * *", 'minute is from 0 to 59, not "999999"'),
        ("every monday at nine sharp", 'minute is from 0 to 59, not "every"'),
        ("? 9 * * *", 'minute is *, numbers from 0 to 59, or their ranges, lists and steps, not "?"'),
        ("0 9, * * *", 'hour is *, numbers from 0 to 23, or their ranges, lists and steps, not ""'),
        ("0 0 * * 5#3", 'day of the week is *, numbers from 0 to 7, or their ranges, lists and steps, not "5#3"'),
        ("*-5 9 * * *", 'minute is *, numbers from 0 to 59, or their ranges, lists and steps, not "*-5"'),
        ("0 17-9 * * *", 'hour has ranges that go up, not "17-9"'),
        ("0 9 * * fri-tue", 'day of the week has ranges that go up, not "fri-tue"'),
        ("*/0 9 * * *", 'minute has steps that fit into a range, not "*/0"'),
        ("*/60 9 * * *", 'minute has steps that fit into a range, not "*/60"'),
        ("5/15 9 * * *", 'minute has steps that fit into a range, not "5/15"'),
        ("0 0 31 2 *", 'day of the month is one that its months have, not "31"'),
        ("0 0 30,31 feb *", 'day of the month is one that its months have, not "30,31"'),
        ("0 0 31 4,6,9,11 */2", 'day of the month is one that its months have, not "31"'),
    ],
)
def test_cron_that_cannot_be_is_refused_by_the_name_of_its_field(text: str, wanted: str) -> None:
    with pytest.raises(ValueError, match="cron whose ") as caught:
        parse(text)
    assert str(caught.value) == f"cron whose {wanted}"


def test_an_impossible_day_of_the_month_beside_a_day_of_the_week_is_possible() -> None:
    assert dates("0 0 31 2 mon", "2027-01-01", 1) == [date(2027, 2, 1)]


# Words


@pytest.mark.parametrize(
    ("text", "said", "named"),
    [
        ("each", "each new entry", "each"),
        ("mon 9:00", "Mondays at 09:00", "weekly"),
        ("thu,mon 09:00", "Mondays and Thursdays at 09:00", "weekly"),
        ("mon-wed,sat 09:00", "Mondays, Tuesdays, Wednesdays and Saturdays at 09:00", "weekly"),
        ("mon-fri 08:30", "Mondays to Fridays at 08:30", "weekly"),
        ("mon-sun 08:00", "daily at 08:00", "daily"),
        ("daily 08:00", "daily at 08:00", "daily"),
        ("first mon 09:00", "the first Monday of the month at 09:00", "monthly"),
        ("last fri 23:59", "the last Friday of the month at 23:59", "monthly"),
        ("1 09:00", "the 1st of the month at 09:00", "monthly"),
        ("12 09:00", "the 12th of the month at 09:00", "monthly"),
        ("22 09:00", "the 22nd of the month at 09:00", "monthly"),
        ("23 09:00", "the 23rd of the month at 09:00", "monthly"),
        ("31 09:00", "the last day of the month at 09:00", "monthly"),
        ("last 09:00", "the last day of the month at 09:00", "monthly"),
        (" 0 9 * * Mon ", "0 9 * * Mon", "weekly"),
        ("0 9 * * *", "0 9 * * *", "daily"),
        ("0 9 1 * *", "0 9 1 * *", "monthly"),
        ("0 9 * 1,7 mon", "0 9 * 1,7 mon", "monthly"),
    ],
)
def test_a_schedule_is_said_in_words_and_implies_a_pace(text: str, said: str, named: str) -> None:
    assert words(parse(text)) == said
    assert pace(parse(text)) == named
