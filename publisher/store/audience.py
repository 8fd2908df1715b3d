"""Who reads a digest, counted and written down by the database itself: a million readers never meet Python one by one.

Readers who stand alike (the same cursor, the same entries given already) are a cohort. What has been given to
readers is found for those alone of whom it matters, and kept in a temporary table while the issue is drafted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    update,
)

from publisher.model.delivery import DeliveryState
from publisher.model.issue import Cohort
from publisher.model.subscriber import SubscriptionState
from publisher.store.tables import arrival, delivery, subscriber, subscription, suppression, variant_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Select

    from publisher.model.issue import Arrival, Variant

BATCH = 10_000  # rows that are in memory at one time

# mark: which set of entries a reader has been given; readers without any have no row, and mark 0
_given = Table(
    "draft_given",
    MetaData(),
    Column("subscriber", Integer, primary_key=True),
    Column("mark", Integer, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Audience:
    """The cohorts of a digest at a cadence; ``marks`` names their sets of given entries in the temporary table."""

    digest: str
    cadence: str
    cohorts: tuple[Cohort, ...]
    marks: dict[frozenset[str], int]

    @property
    def subscribed(self) -> int:
        """Count everyone who may be mailed, with something pending or not."""
        return sum(cohort.count for cohort in self.cohorts)


def gather(connection: Connection, digest: str, cadence: str, usable: Sequence[Arrival]) -> Audience:
    """Count the confirmed, unsuppressed readers by how they stand towards ``usable``."""
    _given.drop(connection, checkfirst=True)
    _given.create(connection)
    marks: dict[frozenset[str], int] = {frozenset(): 0}
    rows: list[dict[str, int]] = []
    for person, entries in _given_to(connection, digest, cadence, usable):
        rows.append({"subscriber": person, "mark": marks.setdefault(entries, len(marks))})
        if len(rows) == BATCH:
            connection.execute(insert(_given), rows)
            rows.clear()
    if rows:
        connection.execute(insert(_given), rows)
    sets = {mark: entries for entries, mark in marks.items()}
    query = (
        _readers(digest, cadence)
        .with_only_columns(subscription.c.cursor, _mark().label("mark"), func.count().label("readers"))
        .group_by(subscription.c.cursor, _mark())
        .order_by(subscription.c.cursor, _mark())
    )
    cohorts = tuple(Cohort(row.cursor, sets[row.mark], row.readers) for row in connection.execute(query))
    return Audience(digest, cadence, cohorts, marks)


def _given_to(
    connection: Connection, digest: str, cadence: str, usable: Sequence[Arrival]
) -> Iterator[tuple[int, frozenset[str]]]:
    """Each reader above whose cursor stand entries that they were given, and those entries."""
    wanted = {each.entry for each in usable}
    if not wanted:
        return
    query = (
        select(delivery.c.subscriber, variant_entry.c.entry)
        .distinct()
        .select_from(arrival)
        .join(variant_entry, variant_entry.c.entry == arrival.c.entry)
        .join(delivery, _of_variant())
        .join(subscription, and_(subscription.c.subscriber == delivery.c.subscriber, reads(digest, cadence)))
        .where(
            arrival.c.digest == digest,
            arrival.c.seq >= min(each.seq for each in usable),
            arrival.c.seq > subscription.c.cursor,
            delivery.c.state != DeliveryState.RELEASED.value,
        )
        .order_by(delivery.c.subscriber)
    )
    rows = connection.execute(query.execution_options(yield_per=BATCH))
    for person, theirs in groupby(rows, key=attrgetter("subscriber")):
        if entries := frozenset(row.entry for row in theirs) & wanted:
            yield person, entries


def insert_deliveries(connection: Connection, number: int, planned: Variant, audience: Audience, now: datetime) -> None:
    """Write a planned row for each reader of a variant of issue ``number`` (its id)."""
    for cohort in planned.cohorts:
        rows = (
            _readers(audience.digest, audience.cadence)
            .where(subscription.c.cursor == cohort.cursor, _mark() == audience.marks[cohort.given])
            .with_only_columns(
                literal(number),
                subscription.c.subscriber,
                literal(planned.number),
                _domain(connection),
                literal(DeliveryState.PLANNED.value),
                literal(now, delivery.c.due_at.type),
                literal(0),
                literal(""),
                literal(""),
                literal(now, delivery.c.changed.type),
                null(),
            )
            .order_by(subscription.c.subscriber)
        )
        connection.execute(insert(delivery).from_select(delivery.c.keys(), rows))


def move_cursors(connection: Connection, digest: str, cadence: str, upto: int) -> None:
    """Say of every reader of a cadence that the arrivals up to a number have been considered."""
    behind = and_(reads(digest, cadence), subscription.c.cursor < upto)
    connection.execute(update(subscription).where(behind).values(cursor=upto))


def reads(digest: str, cadence: str) -> ColumnElement[bool]:
    """Whether a subscription is a confirmed one to this digest at this cadence."""
    return and_(
        subscription.c.digest == digest,
        subscription.c.cadence == cadence,
        subscription.c.state == SubscriptionState.CONFIRMED.value,
    )


def _readers(digest: str, cadence: str) -> Select[*tuple[Any, ...]]:
    never = exists().where(suppression.c.key == subscriber.c.key)
    return (
        select(subscription)
        .select_from(subscription)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber)
        .outerjoin(_given, _given.c.subscriber == subscription.c.subscriber)
        .where(reads(digest, cadence), ~never)
    )


def _mark() -> ColumnElement[int]:
    return func.coalesce(
        _given.c.mark, literal(0, literal_execute=True)
    )  # a constant, or GROUP BY would not know it again


def _of_variant() -> ColumnElement[bool]:
    return and_(variant_entry.c.issue == delivery.c.issue, variant_entry.c.variant == delivery.c.variant)


def _domain(connection: Connection) -> ColumnElement[str]:
    find = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return func.substr(subscriber.c.wire, find(subscriber.c.wire, "@") + 1)


def end_cursors(connection: Connection) -> None:
    """Say of every reader that everything that has arrived so far was considered."""
    last = select(func.coalesce(func.max(arrival.c.seq), 0)).where(arrival.c.digest == subscription.c.digest)
    connection.execute(update(subscription).values(cursor=last.scalar_subquery()))
