"""Who reads a digest, counted and written down by the database itself: a million readers never meet Python one by one.

Readers who stand alike (the same cursor, the same entries given already) are a cohort. Which variants of past issues
can matter to readers at a cursor is found first, so that no delivery is looked at but those; what each reader has
of them is kept, as a mark, in a temporary table while the issue is drafted.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    Table,
    Text,
    and_,
    cast,
    exists,
    func,
    insert,
    literal,
    null,
    select,
    text,
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

CHUNK = 500  # a statement binds a limited number of values

_drafting = MetaData()
# Which variants hold entries above a cursor; kind: the number of such a set of entries.
_relevant = Table(
    "draft_relevant",
    _drafting,
    Column("cursor", Integer, primary_key=True),
    Column("issue", Integer, primary_key=True),
    Column("variant", Integer, primary_key=True),
    Column("kind", Integer, nullable=False),
    prefixes=["TEMPORARY"],
)
# mark: the kinds that a reader was given, joined by commas; readers without any have no row
_given = Table(
    "draft_given",
    _drafting,
    Column("subscriber", Integer, primary_key=True),
    Column("mark", Text, nullable=False),
    prefixes=["TEMPORARY"],
)


@dataclass(frozen=True, slots=True)
class Audience:
    """The cohorts of a digest at a cadence; ``marks`` names their readers in the temporary table."""

    digest: str
    cadence: str
    cohorts: tuple[Cohort, ...]
    marks: dict[Cohort, tuple[str, ...]]

    @property
    def subscribed(self) -> int:
        """Count everyone who may be mailed, with something pending or not."""
        return sum(cohort.count for cohort in self.cohorts)


def gather(connection: Connection, digest: str, cadence: str, usable: Sequence[Arrival]) -> Audience:
    """Count the confirmed, unsuppressed readers by how they stand towards ``usable``."""
    _drafting.drop_all(connection)
    _drafting.create_all(connection)
    seqs = {each.entry: each.seq for each in usable}
    kinds = _note_relevant(connection, digest, cadence, seqs)
    if kinds:
        _note_given(connection, digest, cadence)
    query = (
        _readers(digest, cadence)
        .with_only_columns(subscription.c.cursor, _mark().label("mark"), func.count().label("readers"))
        .group_by(subscription.c.cursor, _mark())
        .order_by(subscription.c.cursor, _mark())
    )
    counts: dict[tuple[int, frozenset[str]], int] = {}
    marks: dict[tuple[int, frozenset[str]], list[str]] = {}
    for cursor, mark, readers in connection.execute(query):
        had = frozenset[str]().union(*(kinds[int(kind)] for kind in mark.split(",") if kind))
        stand = cursor, frozenset(entry for entry in had if seqs[entry] > cursor)
        counts[stand] = counts.get(stand, 0) + readers
        marks.setdefault(stand, []).append(mark)
    cohorts = {stand: Cohort(*stand, count) for stand, count in counts.items()}
    named = {cohort: tuple(marks[stand]) for stand, cohort in cohorts.items()}
    return Audience(digest, cadence, tuple(cohorts.values()), named)


def _note_relevant(
    connection: Connection, digest: str, cadence: str, seqs: dict[str, int]
) -> tuple[frozenset[str], ...]:
    """Write down, for each cursor that readers have, the variants that hold something above it; returns the kinds."""
    query = select(subscription.c.cursor).distinct().where(reads(digest, cadence))
    cursors = sorted(connection.execute(query).scalars())
    kinds: dict[frozenset[str], int] = {}
    rows: list[dict[str, int]] = []
    for issue, variant, entries in _variants_above(connection, digest, min(cursors, default=0), seqs):
        kind = kinds.setdefault(entries, len(kinds))
        highest = max(seqs[entry] for entry in entries)
        place = {"issue": issue, "variant": variant, "kind": kind}
        rows += [{"cursor": cursor, **place} for cursor in cursors if cursor < highest]
    if rows:
        connection.execute(insert(_relevant), rows)
    _look_over(connection, _relevant)
    return tuple(kinds)


def _variants_above(
    connection: Connection, digest: str, cursor: int, seqs: dict[str, int]
) -> Iterator[tuple[int, int, frozenset[str]]]:
    """Each variant, of any digest's issues, that holds usable entries above a cursor, and those entries."""
    query = (
        select(variant_entry)
        .join(arrival, arrival.c.entry == variant_entry.c.entry)
        .where(arrival.c.digest == digest, arrival.c.seq > cursor)
        .order_by(variant_entry.c.issue, variant_entry.c.variant)
    )
    for (issue, variant), rows in groupby(connection.execute(query), key=lambda row: (row.issue, row.variant)):
        if entries := frozenset(row.entry for row in rows if row.entry in seqs):
            yield issue, variant, entries


def _note_given(connection: Connection, digest: str, cadence: str) -> None:
    """Mark each reader with the kinds of relevant variants in their unreleased deliveries."""
    theirs = and_(
        delivery.c.issue == _relevant.c.issue,
        delivery.c.variant == _relevant.c.variant,
        delivery.c.subscriber == subscription.c.subscriber,
    )
    query = (
        select(subscription.c.subscriber, func.aggregate_strings(cast(_relevant.c.kind, Text), ","))
        .join(_relevant, _relevant.c.cursor == subscription.c.cursor)
        .join(delivery, theirs)
        .where(reads(digest, cadence), delivery.c.state != DeliveryState.RELEASED.value)
        .group_by(subscription.c.subscriber)
    )
    connection.execute(insert(_given).from_select(["subscriber", "mark"], query))
    _look_over(connection, _given)


def _look_over(connection: Connection, table: Table) -> None:
    """PostgreSQL plans for a table it has never seen as if it were large."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {table.name}"))


def insert_deliveries(connection: Connection, number: int, planned: Variant, audience: Audience, now: datetime) -> None:
    """Write a planned row for each reader of a variant of issue ``number`` (its id)."""
    for cohort in planned.cohorts:
        marks = audience.marks[cohort]
        for start in range(0, len(marks), CHUNK):
            theirs = and_(subscription.c.cursor == cohort.cursor, _mark().in_(marks[start : start + CHUNK]))
            rows = (
                _readers(audience.digest, audience.cadence)
                .where(theirs)
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


def _mark() -> ColumnElement[str]:
    # a constant, or GROUP BY would not know it again
    return func.coalesce(_given.c.mark, literal("", literal_execute=True))


def _domain(connection: Connection) -> ColumnElement[str]:
    find = func.instr if connection.dialect.name == "sqlite" else func.strpos
    return func.substr(subscriber.c.wire, find(subscriber.c.wire, "@") + 1)


def end_cursors(connection: Connection) -> None:
    """Say of every reader that everything that has arrived so far was considered."""
    last = select(func.coalesce(func.max(arrival.c.seq), 0)).where(arrival.c.digest == subscription.c.digest)
    connection.execute(update(subscription).values(cursor=last.scalar_subquery()))
