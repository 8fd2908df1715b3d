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


def read_items(folder: Path, settings: Settings, now: datetime, *, peek: bool = False) -> tuple[Item, ...]:
    """Every published entry with its body, newest first, ids as `publish` would give them.

    What the build state holds already is used and not rendered again. Posts that are refused are
    left out, or stand as they were last published; `publish` and `check` name them. Entries of followed feeds are
    those that the store knows (see flows/following.py); with ``peek`` a feed that it has never seen is looked at.
    """
    feeds = tuple(dict.fromkeys(digest.feed for digest in settings.digests if digest.feed))
    own = () if follows_alone(folder, settings) else _posts(folder, settings, now)
    if not feeds:
        return own
    known = _followed(folder, settings, feeds)
    if peek:
        from publisher.flows.following import look_once  # noqa: PLC0415 - few sites follow a feed

        known = {url: known[url] if url in known else look_once(url, now) for url in feeds}
    return (*own, *(item for items in known.values() for item in items))


def follows_alone(folder: Path, settings: Settings) -> bool:
    """Whether a site has no posts of its own: a small server, whose digests follow feeds."""
    return any(digest.feed for digest in settings.digests) and not (folder / settings.posts.dir).is_dir()


def _followed(folder: Path, settings: Settings, feeds: tuple[str, ...]) -> dict[str, tuple[Item, ...]]:
    """What the store knows of feeds that it has seen."""
    from publisher.flows.following import known_items  # noqa: PLC0415 - as above
    from publisher.store import followed  # noqa: PLC0415 - as above
    from publisher.store.database import open_to_read  # noqa: PLC0415 - as above

    store = open_to_read(settings.store_url, folder)
    if store is None:
        return {}
    with closing(store), store.reading() as connection:
        states = {url: followed.load(connection, url) for url in feeds}
        return {url: known_items(connection, url) for url, state in states.items() if state and state.fetched}


def _posts(folder: Path, settings: Settings, now: datetime) -> tuple[Item, ...]:
    with looking(folder, settings, now, _unwatched) as look:
        posts = look.seen.posts
        look.render(Plan((), {}, {}, frozenset(), posts, ()), full=False)
        return tuple(item for item in map(look.items.item, posts) if item is not None)


def _unwatched(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""
