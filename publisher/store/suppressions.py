"""Who is never to be mailed (suppression), and who is not to be known any more (erasure).

Every function works in the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, insert, select

from publisher.store.once import insert_once
from publisher.store.parts import parts
from publisher.store.tables import erasure, suppression

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.model.subscriber import Mailbox, SuppressionReason


class Suppressed(NamedTuple):
    """Why an address is never mailed, in the words that were noted, and since when."""

    reason: str
    detail: str
    at: datetime


def find(connection: Connection, mailbox: Mailbox) -> Suppressed | None:
    """Tell why and since when an address is never mailed; None when it may be."""
    query = select(suppression.c.reason, suppression.c.detail, suppression.c.at)
    row = connection.execute(query.where(suppression.c.key == mailbox.key)).one_or_none()
    return None if row is None else Suppressed(*row)


def reason_of(connection: Connection, mailbox: Mailbox) -> str:
    """Tell why an address is never mailed again; empty when it may be."""
    query = select(suppression.c.reason).where(suppression.c.key == mailbox.key)
    return connection.execute(query).scalar_one_or_none() or ""


def reasons(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Tell which of many addresses are never mailed, and why."""
    query = select(suppression.c.key, suppression.c.reason)
    return {
        row.key: row.reason
        for part in parts(keys)
        for row in connection.execute(query.where(suppression.c.key.in_(part)))
    }


def suppress(connection: Connection, mailbox: Mailbox, reason: SuppressionReason, detail: str, now: datetime) -> None:
    """Never mail an address again; the first reason stands."""
    values = {"key": mailbox.key, "reason": reason.value, "detail": detail, "at": now}
    insert_once(connection, suppression, [values])


def suppress_all(connection: Connection, found: Collection[tuple[Mailbox, SuppressionReason, str, datetime]]) -> None:
    """Never mail many addresses again, each for a reason, with a detail, since a moment; the first of each stands."""
    ordered = sorted(found, key=lambda each: each[0].key)
    rows = [{"key": m.key, "reason": reason.value, "detail": detail, "at": at} for m, reason, detail, at in ordered]
    insert_once(connection, suppression, rows)


def lift(connection: Connection, mailbox: Mailbox) -> None:
    """Let an address be mailed again."""
    connection.execute(delete(suppression).where(suppression.c.key == mailbox.key))


# Erased people, by the hashes of their addresses


def any_erased(connection: Connection) -> bool:
    """Whether anyone was ever erased."""
    return connection.execute(select(erasure.c.hash).limit(1)).first() is not None


def is_erased(connection: Connection, mark: str) -> bool:
    """Whether a person with this hash was erased."""
    return connection.execute(select(erasure.c.hash).where(erasure.c.hash == mark)).first() is not None


def all_erased(connection: Connection, marks: Collection[str]) -> frozenset[str]:
    """Tell which of many hashes are those of erased people."""
    query = select(erasure.c.hash)
    return frozenset(
        found for part in parts(marks) for found in connection.execute(query.where(erasure.c.hash.in_(part))).scalars()
    )


def leave_mark(connection: Connection, mark: str, now: datetime) -> None:
    """Remember the hash of an erased address."""
    if not is_erased(connection, mark):
        connection.execute(insert(erasure).values(hash=mark, at=now))


def come_back(connection: Connection, mark: str) -> None:
    """Forget that a person was erased: they came back by themselves."""
    connection.execute(delete(erasure).where(erasure.c.hash == mark))
