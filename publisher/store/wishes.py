"""Wishes in the store: what visitors asked for and nobody has looked at yet, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, insert, select

from publisher.store.tables import wish

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class Waiting(NamedTuple):
    """A wish as it was written down. ``digest`` and ``cadence`` are empty where it names none; ``at`` is aware UTC."""

    id: int
    kind: str
    address: str
    digest: str
    cadence: str
    at: datetime


def add(connection: Connection, wanted: Sequence[tuple[str, str, str, str]], now: datetime) -> None:
    """Write wishes down, each a kind, an address, a digest and a cadence: one statement for all, whoever asks."""
    rows = [
        {"kind": kind, "address": address, "digest": digest, "cadence": cadence, "at": now}
        for kind, address, digest, cadence in wanted
    ]
    if rows:
        connection.execute(insert(wish), rows)


def oldest(connection: Connection, most: int) -> tuple[Waiting, ...]:
    """List the wishes that are next."""
    return tuple(Waiting(*row) for row in connection.execute(select(wish).order_by(wish.c.id).limit(most)))


def remove(connection: Connection, number: int) -> bool:
    """Take a wish away; False when somebody else has done so."""
    return connection.execute(delete(wish).where(wish.c.id == number)).rowcount == 1


def put_last(connection: Connection, waiting: Waiting) -> None:
    """Let a wish wait behind all others, unless somebody else has taken it."""
    if remove(connection, waiting.id):
        connection.execute(
            insert(wish).values({name: value for name, value in waiting._asdict().items() if name != "id"})
        )


def count(connection: Connection) -> int:
    """Count the wishes that wait."""
    return int(connection.execute(select(func.count()).select_from(wish)).scalar_one())


def addresses(connection: Connection) -> dict[int, str]:
    """Give the address of every wish, as it was written, by the wish's number."""
    return {row.id: row.address for row in connection.execute(select(wish.c.id, wish.c.address))}


def naming(connection: Connection, numbers: Collection[int]) -> tuple[Waiting, ...]:
    """Read some wishes by their numbers."""
    query = select(wish).where(wish.c.id.in_(sorted(numbers))).order_by(wish.c.id)
    return tuple(Waiting(*row) for row in connection.execute(query))
