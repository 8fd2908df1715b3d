"""How many people read a feed by which aggregator, day by day. Every function works in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from publisher.model.counted import Counted
from publisher.store.tables import feed_reader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

AGGREGATORS = 200  # of a feed on a day: anybody may invent names


def record(connection: Connection, counted: Iterable[Counted]) -> None:
    """Write counts down; of several of one day the highest stands. Names beyond AGGREGATORS are passed over."""
    rows = _highest(counted)  # in the order of their keys: transactions that wait for each other would else never end
    for place in dict.fromkeys((one.feed, one.day) for one in rows):
        mine = [one for one in rows if (one.feed, one.day) == place]
        kept = _known(connection, *place)
        room = AGGREGATORS - len(kept)
        fresh = [one.aggregator for one in mine if one.aggregator not in kept][:room]
        wanted = kept.union(fresh)
        _write(connection, [one for one in mine if one.aggregator in wanted])


def remove_before(connection: Connection, day: str) -> None:
    """Delete the counts of all days before one."""
    connection.execute(delete(feed_reader).where(feed_reader.c.day < day))


def latest(connection: Connection, since: str = "") -> tuple[Counted, ...]:
    """Give the last count of each aggregator for each feed, by feed and with the most readers first.

    Only counts of the day ``since`` and later: who does not come any more is not counted for ever.
    """
    newest = (
        select(feed_reader.c.feed, feed_reader.c.aggregator, func.max(feed_reader.c.day).label("day"))
        .where(feed_reader.c.day >= since)
        .group_by(feed_reader.c.feed, feed_reader.c.aggregator)
        .subquery()
    )
    same = (
        (feed_reader.c.feed == newest.c.feed)
        & (feed_reader.c.aggregator == newest.c.aggregator)
        & (feed_reader.c.day == newest.c.day)
    )
    query = select(feed_reader).join(newest, same)
    found = (Counted(row.feed, row.aggregator, row.day, row.readers) for row in connection.execute(query))
    return tuple(sorted(found, key=lambda one: (one.feed, -one.readers, one.aggregator)))


def history(connection: Connection, since: str = "") -> dict[str, dict[str, int]]:
    """Add up the readers of each feed on each day, of the day ``since`` and later, in order."""
    query = (
        select(feed_reader.c.feed, feed_reader.c.day, func.sum(feed_reader.c.readers).label("readers"))
        .where(feed_reader.c.day >= since)
        .group_by(feed_reader.c.feed, feed_reader.c.day)
        .order_by(feed_reader.c.feed, feed_reader.c.day)
    )
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(query):
        found.setdefault(row.feed, {})[row.day] = int(row.readers)
    return found


def _highest(counted: Iterable[Counted]) -> list[Counted]:
    most: dict[tuple[str, str, str], int] = {}
    for one in counted:
        key = (one.feed, one.day, one.aggregator)
        most[key] = max(one.readers, most.get(key, 0))
    return [Counted(feed, aggregator, day, most[feed, day, aggregator]) for feed, day, aggregator in sorted(most)]


def _known(connection: Connection, feed: str, day: str) -> frozenset[str]:
    query = select(feed_reader.c.aggregator).where(feed_reader.c.feed == feed, feed_reader.c.day == day)
    return frozenset(connection.execute(query).scalars())


def _write(connection: Connection, rows: list[Counted]) -> None:
    if not rows:
        return
    greater = func.max if connection.dialect.name == "sqlite" else func.greatest
    made = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(feed_reader)
    most = {"readers": greater(feed_reader.c.readers, made.excluded.readers)}
    key = ["feed", "aggregator", "day"]
    connection.execute(made.on_conflict_do_update(index_elements=key, set_=most), [one._asdict() for one in rows])
