"""What each digest knows of entries: its filter, its arrivals, and how far each cadence has covered them."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from publisher.model.issue import Arrival
from publisher.model.settings import Filter
from publisher.store.tables import arrival, digest, variant_entry

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.model.entry import Entry


def known_filter(connection: Connection, name: str) -> Filter | None:
    """Return the filter that the store last saw of a digest; None before its baseline."""
    found = connection.execute(select(digest.c.filter).where(digest.c.name == name)).scalar_one_or_none()
    if found is None:
        return None
    said = json.loads(found)
    source = str(said.pop("source", ""))  # older versions did not write it
    return Filter(**{key: tuple(words) for key, words in said.items()}, source=source)


def begin(connection: Connection, name: str, wanted: Filter, now: datetime) -> None:
    """Make a digest known to the store, once."""
    connection.execute(insert(digest).values(name=name, filter=_written(wanted), begun=now))


def keep_filter(connection: Connection, name: str, wanted: Filter) -> None:
    """Record a digest's changed filter."""
    connection.execute(update(digest).where(digest.c.name == name).values(filter=_written(wanted)))


def change_source(connection: Connection, former: str, now: str) -> None:
    """Have digests of a feed know it by its new address: it is the same feed, and no filter was changed."""
    for name in connection.execute(select(digest.c.name)).scalars().all():
        known = known_filter(connection, name)
        if known is not None and known.source == former:
            keep_filter(connection, name, replace(known, source=now))


def load(connection: Connection, name: str) -> tuple[Arrival, ...]:
    """Read every arrival of a digest, by number."""
    rows = connection.execute(select(arrival).where(arrival.c.digest == name).order_by(arrival.c.seq))
    return tuple(
        Arrival(
            row.entry,
            row.seq,
            row.url,
            tuple(json.loads(row.aliases)),
            row.title,
            row.published,
            row.given,
            row.withdrawn,
        )
        for row in rows
    )


def record(connection: Connection, name: str, arrivals: Iterable[Arrival], now: datetime) -> None:
    """Write arrivals down; one that came back takes its new number."""
    for each in arrivals:
        place = (arrival.c.digest == name, arrival.c.entry == each.entry)
        again = {"seq": each.seq, "withdrawn": False, "arrived": now}
        if connection.execute(update(arrival).where(*place).values(again)).rowcount == 0:
            connection.execute(insert(arrival).values(_row(name, each, now)))


def rename(connection: Connection, name: str, former: str, entry: Entry) -> None:
    """Know an entry under another id: what it was given to, or not, stays as it is."""
    place = (arrival.c.digest == name, arrival.c.entry == former)
    known = {"entry": entry.id, "url": entry.url, "aliases": json.dumps(entry.aliases)}
    connection.execute(update(arrival).where(*place).values(known))
    connection.execute(update(variant_entry).where(variant_entry.c.entry == former).values(entry=entry.id))


def mark_withdrawn(connection: Connection, name: str, entries: Iterable[str]) -> None:
    """Note entries that were gone when an issue was drafted."""
    for entry in entries:
        place = (arrival.c.digest == name, arrival.c.entry == entry)
        connection.execute(update(arrival).where(*place).values(withdrawn=True))


def _row(name: str, each: Arrival, now: datetime) -> dict[str, object]:
    return {
        "digest": name,
        "entry": each.entry,
        "seq": each.seq,
        "url": each.url,
        "aliases": json.dumps(each.aliases),
        "title": each.title,
        "published": each.published,
        "given": each.given,
        "withdrawn": each.withdrawn,
        "arrived": now,
    }


def _written(wanted: Filter) -> str:
    return json.dumps(asdict(wanted), sort_keys=True)
