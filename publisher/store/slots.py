"""Slots: the moments at which issues of a cadence were due, and what became of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from publisher.store.tables import arrival, digest, slot

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.model.issue import SlotOutcome


def latest(connection: Connection, name: str, cadence: str) -> datetime | None:
    """Return the last slot of a cadence that was dealt with, else when the digest began; None before its baseline."""
    query = select(func.max(slot.c.slot)).where(slot.c.digest == name, slot.c.cadence == cadence)
    found = connection.execute(query).scalar_one()
    return found or connection.execute(select(digest.c.begun).where(digest.c.name == name)).scalar_one_or_none()


def covered(connection: Connection, name: str, cadence: str) -> int:
    """Return the last number that a cadence covered; 0 before its first issue."""
    query = select(func.max(slot.c.upto_seq)).where(slot.c.digest == name, slot.c.cadence == cadence)
    return int(connection.execute(query).scalar_one() or 0)


def record(
    connection: Connection, name: str, cadence: str, at: datetime, outcome: SlotOutcome, *, upto: int, issue: int = 0
) -> bool:
    """Write a slot down, once; False when it stands already.

    ``upto`` is the last arrival that the cadence considered: a missed slot considered none, and gives what was
    covered before.
    """
    if is_known(connection, name, cadence, at):
        return False
    values = {"digest": name, "cadence": cadence, "slot": at, "upto_seq": upto, "issue": issue or None}
    connection.execute(insert(slot).values(**values, outcome=outcome.value))
    return True


def is_known(connection: Connection, name: str, cadence: str, at: datetime) -> bool:
    """Whether a slot was dealt with."""
    place = (slot.c.digest == name, slot.c.cadence == cadence, slot.c.slot == at)
    return connection.execute(select(slot.c.slot).where(*place)).first() is not None


def arrived_since(connection: Connection, name: str, seq: int) -> tuple[tuple[int, datetime], ...]:
    """List the numbers above ``seq`` that are not given, each with the moment of its arrival: the slots of "each"."""
    query = (
        select(arrival.c.seq, arrival.c.arrived)
        .where(
            arrival.c.digest == name, arrival.c.seq > seq, arrival.c.given.is_(False), arrival.c.withdrawn.is_(False)
        )
        .order_by(arrival.c.seq)
    )
    return tuple((row.seq, row.arrived) for row in connection.execute(query))
