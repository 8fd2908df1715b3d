"""A count of a feed's readers, as an aggregator gives it."""

from __future__ import annotations

from typing import NamedTuple


class Counted(NamedTuple):
    """How many people read a feed by an aggregator on a day.

    ``feed`` is the feed's path in the output, ``day`` is UTC and written as in ISO 8601: 2026-11-23.
    """

    feed: str
    aggregator: str
    day: str
    readers: int
