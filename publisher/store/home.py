"""Where a store lives, kept in the store itself: a copy finds that it is not at home, and sends nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

from publisher.store import fence
from publisher.store.tables import identity

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


def is_home(connection: Connection, path: Path | None) -> bool:
    """Whether the store is where it last sent from; the first time, and after a reboot, the place is written down."""
    if not stands_at_home(connection, path):
        return False
    settle(connection, path)
    return True


def stands_at_home(connection: Connection, path: Path | None) -> bool:
    """The same, and nothing is written."""
    recorded = connection.execute(select(identity.c.place)).scalar_one()
    if not recorded:
        return True
    if path is None:
        return bool(recorded == fence.postgres_place(connection))
    return not fence.moved(fence.Place.read(recorded), fence.here(path))


def settle(connection: Connection, path: Path | None) -> None:
    """Make the place where the store is now its home."""
    place = fence.postgres_place(connection) if path is None else fence.here(path).text()
    connection.execute(update(identity).where(identity.c.place != place).values(place=place))
