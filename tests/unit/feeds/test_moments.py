"""Moments as feeds write them: always UTC, always four digits of year, never a word of the locale's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from publisher.feeds.moments import rfc822, rfc3339

TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("moment", "in_rss", "elsewhere"),
    [
        (datetime(2018, 12, 3, 8, tzinfo=UTC), "Mon, 03 Dec 2018 08:00:00 +0000", "2018-12-03T08:00:00Z"),
        (datetime(2018, 12, 3, 8, tzinfo=TOKYO), "Sun, 02 Dec 2018 23:00:00 +0000", "2018-12-02T23:00:00Z"),
        (datetime(2024, 2, 29, 23, 59, 59, 999_999, UTC), "Thu, 29 Feb 2024 23:59:59 +0000", "2024-02-29T23:59:59Z"),
        (datetime(987, 1, 1, tzinfo=UTC), "Mon, 01 Jan 0987 00:00:00 +0000", "0987-01-01T00:00:00Z"),
    ],
)
def test_a_moment_is_written_in_utc_to_the_second(moment: datetime, in_rss: str, elsewhere: str) -> None:
    assert rfc822(moment) == in_rss
    assert rfc3339(moment) == elsewhere


@pytest.mark.parametrize("days", range(0, 400, 13))
def test_the_standard_library_writes_the_same(days: int) -> None:
    moment = datetime(2026, 1, 1, 12, 34, 56, tzinfo=UTC) + timedelta(days=days)
    assert rfc822(moment) == format_datetime(moment)
    assert rfc3339(moment) == moment.isoformat().replace("+00:00", "Z")
