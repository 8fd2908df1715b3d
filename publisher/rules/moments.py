"""Moments as other programs write them into lists. What could mean two days (3/4/2020) is not guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from datetime import tzinfo

# ISO 8601 as people and programs bend it, and what Go prints: 2023-05-01 10:00:00.123456 +0200 CEST
_MOMENT = re.compile(
    r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})"
    r"(?:[T ]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?"
    r"(?:\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}))?(?:\s+[A-Z]{1,5}|\s+[+-]\d{2,4})?",
    re.ASCII | re.IGNORECASE,
)
_EARLIEST = 1980  # before it there was no list to be on: such dates are a program's zero


class Told(NamedTuple):
    """A moment in UTC, and whether its text had a zone of its own."""

    at: datetime
    zoned: bool


def read_moment(text: str, zone: tzinfo) -> Told | None:
    """Read a moment or a day (its start), in ``zone`` unless it says which; None for what is not understood."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None or int(found[1]) < _EARLIEST:
        return None
    offset = _offset(found[8]) if found[8] else None
    if found[8] and offset is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.group(1, 2, 3, 4, 5, 6))
    micro = int((found[7] or "0")[:6].ljust(6, "0"))
    try:
        moment = datetime(year, month, day, hour, minute, second, micro, offset or zone)
        return Told(moment.astimezone(UTC), zoned=offset is not None)
    except (ValueError, OverflowError):  # the 31st of February
        return None


def _offset(text: str) -> tzinfo | None:
    if text.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if text[0] == "-" else shift) if shift < timedelta(hours=24) else None
