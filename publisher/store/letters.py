"""Letters in the store: written once for each kind, person, digest and generation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, delete, func, insert, select

from publisher.model.delivery import DeliveryState
from publisher.model.letter import Letter, LetterKind
from publisher.store.tables import letter

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Row


class Written(NamedTuple):
    """A letter in short: what it was for, about which digest ("" for none), and what became of it when."""

    kind: str
    digest: str
    written: datetime
    state: str
    changed: datetime


_OWN = tuple(column.name for column in letter.columns)[1:16]  # what a Letter holds, but for its id


def write(connection: Connection, drafted: Letter) -> bool:
    """Plan a letter (``drafted.id`` is not looked at); False when this generation of it was written already."""
    if drafted.generation <= newest(connection, drafted.kind, drafted.subscriber, drafted.digest):
        return False
    values = {name: getattr(drafted, name) for name in _OWN}
    values["kind"] = drafted.kind.value
    state = {
        "state": DeliveryState.PLANNED.value,
        "due_at": drafted.written,
        "attempt": 0,
        "engine": "",
        "detail": "",
        "changed": drafted.written,
    }
    connection.execute(insert(letter).values(**values, **state))
    return True


def newest(connection: Connection, kind: LetterKind, person: int, digest: str) -> int:
    """Tell the last generation of a kind of letter to a person about a digest; 0 when there was none."""
    query = select(func.max(letter.c.generation)).where(
        letter.c.kind == kind.value, letter.c.subscriber == person, letter.c.digest == digest
    )
    return int(connection.execute(query).scalar_one() or 0)


def last_written(connection: Connection, kind: LetterKind, person: int, digest: str) -> datetime | None:
    """Tell when the last letter of a kind was written to a person about a digest."""
    query = select(func.max(letter.c.written)).where(
        letter.c.kind == kind.value, letter.c.subscriber == person, letter.c.digest == digest
    )
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def written_since(connection: Connection, kinds: Collection[LetterKind], person: int, since: datetime) -> int:
    """Count the letters of some kinds that were written to a person after a moment."""
    query = select(func.count()).where(
        letter.c.kind.in_(sorted(kind.value for kind in kinds)), letter.c.subscriber == person, letter.c.written > since
    )
    return int(connection.execute(query).scalar_one())


def to_person(connection: Connection, person: int) -> tuple[Written, ...]:
    """List every letter to a person, oldest first."""
    query = (
        select(letter.c.kind, letter.c.digest, letter.c.written, letter.c.state, letter.c.changed)
        .where(letter.c.subscriber == person)
        .order_by(letter.c.id)
    )
    return tuple(Written(*row) for row in connection.execute(query))


def read(connection: Connection, number: int) -> Letter:
    """Read a letter by its id."""
    return _letter(connection.execute(select(letter).where(letter.c.id == number)).one())


def forget(connection: Connection, person: int) -> None:
    """Delete every letter to a person."""
    connection.execute(delete(letter).where(and_(letter.c.subscriber == person, letter.c.subscriber != 0)))


def _letter(row: Row[*tuple[Any, ...]]) -> Letter:
    values = {name: getattr(row, name) for name in _OWN}
    values["kind"] = LetterKind(row.kind)
    return Letter(id=row.id, **values)
