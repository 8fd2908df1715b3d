"""Moments as programs write them, and what is not guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from publisher.rules.moments import read_moment

AUCKLAND = ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2015-03-16 14:40:47", datetime(2015, 3, 16, 14, 40, 47, tzinfo=UTC)),
        ("2024-01-10T09:30:00.000Z", datetime(2024, 1, 10, 9, 30, tzinfo=UTC)),
        ("2022-08-25T14:15:22.123456+02:00", datetime(2022, 8, 25, 12, 15, 22, 123456, tzinfo=UTC)),
        ("2023-05-01 10:00:00.123456789 +0200 CEST", datetime(2023, 5, 1, 8, 0, 0, 123456, tzinfo=UTC)),
        ("2023-05-01 10:00:00 +0000 UTC", datetime(2023, 5, 1, 10, tzinfo=UTC)),
        ("2023-05-01 10:00:00 +0530 +0530", datetime(2023, 5, 1, 4, 30, tzinfo=UTC)),
        ("2023-05-01 10:00 UTC", datetime(2023, 5, 1, 10, tzinfo=UTC)),
        (" 2020/1/2 ", datetime(2020, 1, 2, tzinfo=UTC)),
        ("2020-01-02 3:04", datetime(2020, 1, 2, 3, 4, tzinfo=UTC)),
    ],
)
def test_moments_as_programs_write_them(text: str, moment: datetime) -> None:
    found = read_moment(text, UTC)
    assert found is not None
    assert found.at == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3/4/2020",
        "16.03.2015",
        "yesterday",
        "2020-02-30",
        "0000-00-00 00:00:00",
        "0001-01-01 00:00:00 +0000 UTC",
        "2020-01-01 25:00:00",
        "2020-01-01 10:00:00 +9959",
        "1577934245",
        "2020-01-02" + "0" * 5000,
        "\u0662\u0660\u0662\u0660-01-01",
    ],
)
def test_what_is_unclear_is_not_guessed(text: str) -> None:
    assert read_moment(text, UTC) is None


def test_a_zone_counts_where_the_text_has_none() -> None:
    here = read_moment("2020-01-02 03:04", AUCKLAND)
    there = read_moment("2020-01-02 03:04Z", AUCKLAND)
    assert here is not None
    assert there is not None
    assert (here.zoned, here.at.day, there.zoned, there.at.hour) == (False, 1, True, 3)
