"""What an author may want to know in numbers: readers, issues, bounces, and who reads the feeds by an aggregator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.issuing import Standing
from publisher.flows.status import status
from publisher.model.delivery import FINAL, DeliveryState
from publisher.store import feed_readers, issues, ledger, people, wishes
from publisher.store import figures as counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from publisher.flows.status import Status
    from publisher.model.counted import Counted
    from publisher.model.issue import IssueState
    from publisher.model.settings import Settings
    from publisher.model.subscriber import SuppressionReason
    from publisher.store.database import Store
    from publisher.store.figures import Said

DAYS = 90  # of a digest's growth
FEED_DAYS = 30  # of a feed's readers
KEPT = 400  # days: a year can be laid beside the one before
LAPSE = 7  # days after which an aggregator that came no more is not counted
NEWEST = 20
REASONS = 20
FAILURE_DAYS = 30
FAILURES = 20


@dataclass(frozen=True, slots=True)
class Readership:
    """How many people read a digest at a cadence."""

    digest: str
    cadence: str
    readers: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day (UTC) of a digest: who came, who went, and how many read it at its end."""

    day: date
    readers: int
    joined: int
    left: int


@dataclass(frozen=True, slots=True)
class Growth:
    """A digest over time; one entry a day, oldest first, the last one is today."""

    digest: str
    title: str
    days: tuple[Day, ...]

    @property
    def readers(self) -> int:
        """How many read it now."""
        return self.days[-1].readers


@dataclass(frozen=True, slots=True)
class FeedReaders:
    """Who reads a feed by aggregators: ``now`` has the last count of each that still comes, the most first.

    ``days`` has their sum on each whole day that was counted, oldest first.
    """

    feed: str
    now: tuple[Counted, ...]
    days: tuple[tuple[date, int], ...]

    @property
    def readers(self) -> int:
        """How many read it, as far as aggregators tell."""
        return sum(one.readers for one in self.now)


@dataclass(frozen=True, slots=True)
class Figures:
    """How many read, how issues go, and what is due. ``issues`` are newest first."""

    readers: tuple[Readership, ...]
    growth: tuple[Growth, ...]
    issues: tuple[Standing, ...]
    status: Status


@dataclass(frozen=True, slots=True)
class Pulse:
    """The few numbers that a machine asks for again and again. ``deliveries`` are those of issues that are not over."""

    wishes: int
    letters: Mapping[DeliveryState, int]
    deliveries: Mapping[DeliveryState, int]
    issues: Mapping[IssueState, int]
    feeds: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Troubles:
    """What did not arrive, with how many of each, and why people left, newest first."""

    suppressed: Mapping[SuppressionReason, int]
    failures: tuple[tuple[str, int], ...]
    reasons: tuple[Said, ...]


def figures(store: Store, settings: Settings, now: datetime) -> Figures:
    """Count readers and issues; nothing is changed. ``now`` is aware UTC."""
    with store.reading() as connection:
        confirmed = people.confirmed(connection)
        growing = _growth(connection, settings, confirmed, now)
        newest = _newest(connection)
    reading = tuple(Readership(digest, cadence, readers) for (digest, cadence), readers in sorted(confirmed.items()))
    return Figures(reading, growing, newest, status(store, settings, now))


def troubles(store: Store, now: datetime) -> Troubles:
    """Count bounces, complaints and failures, and give the reasons of who left."""
    with store.reading() as connection:
        return _troubles(connection, now)


def feeds(store: Store, now: datetime) -> tuple[FeedReaders, ...]:
    """Count who reads the feeds by aggregators, by feed."""
    with store.reading() as connection:
        return _feeds(connection, now)


def standing(store: Store, digest: str, number: int) -> Standing:
    """Tell how far an issue is, and nothing else of it: quick enough to be asked each second.

    Raises UsageError when there is none.
    """
    with store.reading() as connection:
        found = issues.find(connection, digest, number)
        if found is None:
            raise UsageError(f"the digest {digest} has no issue {number}")
        return Standing(found, ledger.tally(connection, found.id))


def pulse(store: Store, now: datetime) -> Pulse:
    """Count what metrics show."""
    with store.reading() as connection:
        return Pulse(
            wishes.count(connection),
            ledger.letters(connection),
            counts.under_way(connection),
            counts.issue_states(connection),
            {one.feed: one.readers for one in _feeds(connection, now)},
        )


def keep_readers(store: Store, counted: Iterable[Counted]) -> None:
    """Write down what aggregators told of their readers; the highest count of a day stands, for KEPT days."""
    rows = tuple(counted)
    if rows:
        newest = date.fromisoformat(max(one.day for one in rows))
        with store.turning() as connection:
            feed_readers.record(connection, rows)
            feed_readers.remove_before(connection, (newest - timedelta(days=KEPT)).isoformat())


def progress(found: Standing) -> tuple[int, int]:
    """Tell how many of an issue's messages are over and done with, and how many there are."""
    over = sum(rows for state, rows in found.counts.items() if state in FINAL)
    return over, sum(found.counts.values())


def without_addresses(words: str) -> str:
    """Take what looks like an address out of a relay's words."""
    return counts.without_addresses(words)


def _growth(
    connection: Connection, settings: Settings, confirmed: Mapping[tuple[str, str], int], now: datetime
) -> tuple[Growth, ...]:
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    titles = {one.name: one.title for one in settings.digests}
    seen = {name: name for name, _ in confirmed}
    changed: dict[str, dict[date, counts.Change]] = {name: {} for name in {**titles, **seen}}
    for one in counts.changes(connection, datetime(first.year, first.month, first.day, tzinfo=UTC)):
        changed.setdefault(one.digest, {})[one.day] = one
    present = {name: sum(rows for (digest, _), rows in confirmed.items() if digest == name) for name in changed}
    return tuple(
        Growth(name, titles.get(name, name), _backwards(present[name], days, first, today))
        for name, days in changed.items()
    )


def _backwards(present: int, changed: Mapping[date, counts.Change], first: date, today: date) -> tuple[Day, ...]:
    """The count at the end of each day, from what it is now and what has changed since."""
    days: list[Day] = []
    day = today
    while day >= first:
        one = changed.get(day)
        joined, left = (one.joined, one.left) if one else (0, 0)
        days.append(Day(day, max(0, present), joined, left))
        present += left - joined
        day -= timedelta(days=1)
    return tuple(reversed(days))


def _troubles(connection: Connection, now: datetime) -> Troubles:
    return Troubles(
        counts.suppressed(connection),
        counts.failures(connection, now - timedelta(days=FAILURE_DAYS), FAILURES),
        counts.reasons(connection, REASONS),
    )


def _newest(connection: Connection) -> tuple[Standing, ...]:
    numbers = counts.newest(connection, NEWEST)
    found = counts.tallies(connection, numbers)
    return tuple(Standing(issues.read_issue(connection, number), found[number]) for number in numbers)


def _feeds(connection: Connection, now: datetime) -> tuple[FeedReaders, ...]:
    """Today is not over, and most aggregators have not come yet: it has no sum."""
    today = now.astimezone(UTC).date()
    past = feed_readers.history(connection, (today - timedelta(days=FEED_DAYS)).isoformat())
    latest = feed_readers.latest(connection, (today - timedelta(days=LAPSE)).isoformat())
    present = {feed: tuple(rows) for feed, rows in groupby(latest, key=lambda one: one.feed)}
    return tuple(
        FeedReaders(
            feed,
            present.get(feed, ()),
            tuple(
                (date.fromisoformat(day), readers) for day, readers in past.get(feed, {}).items() if day < str(today)
            ),
        )
        for feed in sorted(past.keys() | present.keys())
    )
