from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from publisher.content.dates import day_start, read_date

ANGELES = ZoneInfo("America/Los_Angeles")
START = "2018-12-03T08:00:00+00:00"  # of 3 December 2018 in Los Angeles


def _read(value: object) -> tuple[str, bool] | None:
    moment = read_date(value, ANGELES, time(0))
    return (moment.at.isoformat(), moment.date_only) if moment else None


@pytest.mark.parametrize(
    "written",
    [
        date(2018, 12, 3),
        "2018-12-03",
        " 2018-12-3 ",
        "2018/12/03",
        "2018.12.03",
        "20181203",
        "December 3, 2018",
        "december 3rd 2018",
        "Dec 3, 2018",
        "Dec. 3, 2018",
        "3 December 2018",
        "3-Dec-2018",
        "Mon, 3 Dec 2018",
        "Monday, December 3, 2018",
    ],
)
def test_a_day_is_meant_from_its_start_in_the_sites_zone(written: object) -> None:
    assert _read(written) == (START, True)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (datetime(2018, 12, 3, 10), "2018-12-03T18:00:00+00:00"),  # noqa: DTZ001 - TOML has naive datetimes
        (datetime(2018, 12, 3, 10, tzinfo=timezone(timedelta(hours=8))), "2018-12-03T02:00:00+00:00"),
        ("2018-12-03 10:00", "2018-12-03T18:00:00+00:00"),
        ("2018-12-03 10:00:00 -0500", "2018-12-03T15:00:00+00:00"),
        ("2018-12-03T10:00:00+0800", "2018-12-03T02:00:00+00:00"),
        ("2018-12-03T10:00+08", "2018-12-03T02:00:00+00:00"),
        ("2018-12-03T10:00Z", "2018-12-03T10:00:00+00:00"),
        ("2018-12-03t10:00:00z", "2018-12-03T10:00:00+00:00"),
        ("2018-12-03T10:00:00.1234567Z", "2018-12-03T10:00:00.123456+00:00"),
        ("2018-12-03 10:00:00 +0000 UTC", "2018-12-03T10:00:00+00:00"),
        ("2018-12-03 10:00 UTC", "2018-12-03T10:00:00+00:00"),
        ("2018-12-03 10:00 GMT", "2018-12-03T10:00:00+00:00"),
        ("2018-12-03 10:00 EST", "2018-12-03T15:00:00+00:00"),
        ("2018-12-03 24:00", "2018-12-04T08:00:00+00:00"),
        ("2018-12-31T23:59:60Z", "2018-12-31T23:59:59+00:00"),
        ("20181203T100000Z", "2018-12-03T10:00:00+00:00"),
        ("Mon, 03 Dec 2018 10:00:00 +0000", "2018-12-03T10:00:00+00:00"),
        ("Mon Dec 03 2018 10:00:00 GMT+0100 (CET)", "2018-12-03T09:00:00+00:00"),
        ("December 3, 2018 at 9:30 pm", "2018-12-04T05:30:00+00:00"),
        ("3 Dec 2018 12:00 AM", "2018-12-03T08:00:00+00:00"),
        (1543831200, "2018-12-03T10:00:00+00:00"),
        ("1543831200", "2018-12-03T10:00:00+00:00"),
        ("1543831200500", "2018-12-03T10:00:00.500000+00:00"),
    ],
)
def test_a_moment_keeps_its_zone_or_takes_the_sites(written: object, meant: str) -> None:
    assert _read(written) == (meant, False)


@pytest.mark.parametrize(
    "written",
    [
        *("2018-02-30", "2018-13-01", "0000-01-01", "99999-01-01", "soon", "", "2018", "2018-12", "03/12/2018"),
        *("3 Dec 18", "Foo, 3 Dec 2018", "3 Decem 2018", "2018-12/03", "2018-12-03 25:00", "2018-12-03 10:60"),
        *("2018-12-03 24:01", "2018-12-03 13:00 pm", "2018-12-03 10:00 +99:00", "2018-12-03 10:00 +0199"),
        *("2018-12-03 10:00 BST", "2018-12-03 10:00 (CET)", "٢٠١٨-١٢-٠٣", "Last Modified", "soon " * 20),
        *(
            None,
            True,
            7,
            1.5,
            [],
            {},
            time(10),
            datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
        ),
    ],
)
def test_what_is_no_date_or_could_be_two_is_none(written: object) -> None:
    assert _read(written) is None


def test_numbers_and_texts_of_any_size_are_none() -> None:
    assert _read(10**5000) is None
    assert _read("2" * 1_000_000) is None


def test_a_day_takes_the_sites_time_of_day() -> None:
    moment = read_date("2018-12-03", ANGELES, time(9, 30))
    assert moment is not None
    assert (moment.at, moment.date_only) == (datetime(2018, 12, 3, 17, 30, tzinfo=UTC), True)


def test_a_time_that_the_clock_change_skips_moves_on_by_the_gap() -> None:
    assert _read("2018-03-11 02:30") == ("2018-03-11T10:30:00+00:00", False)  # 03:30 in daylight time


def test_a_time_that_happens_twice_means_the_first() -> None:
    assert _read("2018-11-04 01:30") == ("2018-11-04T08:30:00+00:00", False)


def test_the_start_of_a_day_is_the_sites() -> None:
    assert day_start(datetime(2018, 12, 4, 7, 59, tzinfo=UTC), ANGELES).isoformat() == START
