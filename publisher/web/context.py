"""What the routes work with: the site as it is now, made once by app.py and given to every module of routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from publisher.web.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from publisher.flows.letters import Desk
    from publisher.flows.wishes import Wished
    from publisher.model.entry import Item
    from publisher.model.problem import Problem
    from publisher.model.settings import Settings
    from publisher.store.database import Store
    from publisher.web.rendering import WebPages


def _unheard(_said: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Context:
    """The site behind the routes.

    ``settings`` and ``desk`` are asked for each request: config.toml may have changed meanwhile. ``items`` reads
    every published entry, newest first. ``now`` is aware UTC. ``wake`` tells the clock that something was written
    that can be delivered at once; it returns immediately. ``note`` returns when a visitor's wish is committed, and
    raises StoreError when it cannot be. ``admin_token`` is PUBLISHER_ADMIN_TOKEN, empty: no admin. ``limits`` is
    what the visitors of each network have caused so far. ``say`` tells the author's log of what touches security, in
    words without an address, a network or a token; ``tell`` tells it of problems that visitors need not hear of.
    """

    folder: Path
    store: Store
    settings: Callable[[], Settings]
    desk: Callable[[], Desk]
    items: Callable[[datetime], Sequence[Item]]
    now: Callable[[], datetime]
    pages: WebPages
    wake: Callable[[], None]
    note: Callable[[Wished], None]
    admin_token: str = ""
    limits: Limits = field(default_factory=Limits)
    say: Callable[[str], None] = _unheard
    tell: Callable[[Iterable[Problem]], None] = _unheard
