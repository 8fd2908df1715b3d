"""Feeds that digests follow. Every function works in the caller's transaction."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from publisher.model.entry import Author, Body, Enclosure, Entry, Image, Item
from publisher.model.followed import Followed, KnownEntry
from publisher.store.tables import followed, followed_entry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

SOME = 400  # rows in one statement


def load(connection: Connection, url: str) -> Followed | None:
    """Tell how a feed stands; None if it was never asked."""
    row = connection.execute(select(followed).where(followed.c.url == url)).one_or_none()
    return Followed(**row._asdict()) if row is not None else None


def save(connection: Connection, state: Followed) -> None:
    """Write down how a feed stands."""
    values = {name: getattr(state, name) for name in Followed.__slots__}
    if connection.execute(followed.update().where(followed.c.url == state.url).values(values)).rowcount == 0:
        connection.execute(insert(followed).values(values))


def moved_to(connection: Connection, address: str) -> tuple[Followed, ...]:
    """The feeds that are asked at this address by now, under another one in config.toml."""
    rows = connection.execute(select(followed).where(followed.c.address == address, followed.c.url != address))
    return tuple(Followed(**row._asdict()) for row in rows)


def rename(connection: Connection, state: Followed, url: str) -> None:
    """Know a feed, and all that is known of its entries, by another address."""
    save(connection, replace(state, url=url))
    connection.execute(update(followed_entry).where(followed_entry.c.feed == state.url).values(feed=url))
    connection.execute(delete(followed).where(followed.c.url == state.url))


def entries(connection: Connection, url: str) -> tuple[KnownEntry, ...]:
    """Give all that is known of a feed's entries, in the order of their ids."""
    rows = connection.execute(
        select(followed_entry).where(followed_entry.c.feed == url).order_by(followed_entry.c.entry)
    )
    return tuple(
        KnownEntry(_item(json.loads(row.item), url), tuple(json.loads(row.ids)), row.seen, row.gone) for row in rows
    )


def put(connection: Connection, url: str, known: Iterable[KnownEntry]) -> None:
    """Write entries down; what was known of them before is replaced."""
    rows = [
        {
            "feed": url,
            "entry": each.id,
            "seen": each.seen,
            "gone": each.gone,
            "ids": json.dumps(each.ids, ensure_ascii=False),
            "item": json.dumps(asdict(each.item), ensure_ascii=False, default=datetime.isoformat),
        }
        for each in known
    ]
    for start in range(0, len(rows), SOME):
        some = rows[start : start + SOME]
        place = followed_entry.c.feed == url
        connection.execute(
            delete(followed_entry).where(place, followed_entry.c.entry.in_([row["entry"] for row in some]))
        )
        connection.execute(insert(followed_entry), some)


def _item(said: dict[str, Any], url: str) -> Item:
    """An item as it was written, of the feed as it is called now."""
    entry, body = said["entry"], said["body"]
    moments = {name: datetime.fromisoformat(entry[name]) for name in ("published", "updated", "atom_updated")}
    lists = {name: tuple(entry[name]) for name in ("tags", "categories", "aliases")}
    authors = tuple(Author(**one) for one in entry["authors"])
    image = Image(**body["image"]) if body["image"] else None
    enclosure = Enclosure(**body["enclosure"]) if body["enclosure"] else None
    return Item(
        Entry(**{**entry, **moments, **lists, "authors": authors, "source": url}),
        Body(**{**body, "image": image, "enclosure": enclosure}),
    )
