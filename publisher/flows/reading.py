"""The entries that digests are made of, as they are now: of this site's posts, and of the feeds that are followed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from publisher.flows.looking import looking
from publisher.flows.plan import Plan

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from publisher.model.entry import Item
    from publisher.model.settings import Settings


def read_items(folder: Path, settings: Settings, now: datetime) -> tuple[Item, ...]:
    """Every published entry with its body, newest first, ids as `publish` would give them.

    What the build state holds already is used and not rendered again. Posts that are refused are
    left out, or stand as they were last published; `publish` and `check` name them. Entries of followed feeds are
    those that the store knows (see flows/following.py); where there is no store, what the feed holds now.
    """
    feeds = tuple(dict.fromkeys(digest.feed for digest in settings.digests if digest.feed))
    own = () if feeds and not (folder / settings.posts.dir).is_dir() else _posts(folder, settings, now)
    return (*own, *_followed(folder, settings, feeds, now)) if feeds else own


def _followed(folder: Path, settings: Settings, feeds: tuple[str, ...], now: datetime) -> tuple[Item, ...]:
    from publisher.flows.following import known_items, look_once  # noqa: PLC0415 - few sites follow a feed
    from publisher.store.database import open_to_read  # noqa: PLC0415 - as above

    store = open_to_read(settings.store_url, folder)
    if store is None:
        return tuple(item for url in feeds for item in look_once(url, now))
    with closing(store), store.reading() as connection:
        return tuple(item for url in feeds for item in known_items(connection, url))


def _posts(folder: Path, settings: Settings, now: datetime) -> tuple[Item, ...]:
    with looking(folder, settings, now, _unwatched) as look:
        posts = look.seen.posts
        look.render(Plan((), {}, {}, frozenset(), posts, ()), full=False)
        return tuple(item for item in map(look.items.item, posts) if item is not None)


def _unwatched(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""
