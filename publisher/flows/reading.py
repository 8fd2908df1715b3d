"""The site's entries as they are now, for those who send them."""

from __future__ import annotations

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
    left out, or stand as they were last published; `publish` and `check` name them.
    """
    with looking(folder, settings, now, _unwatched) as look:
        posts = look.seen.posts
        look.render(Plan((), {}, {}, frozenset(), posts, ()), full=False)
        return tuple(item for item in map(look.items.item, posts) if item is not None)


def _unwatched(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""
