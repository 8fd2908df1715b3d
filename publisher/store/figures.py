"""Numbers about people and their mail, counted by the database. Nobody's address leaves this module."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Date, case, cast, func, literal_column, or_, select

from publisher.model.delivery import DeliveryState
from publisher.model.issue import IssueState
from publisher.model.subscriber import ConsentKind, SuppressionReason
from publisher.store.issues import ALIVE
from publisher.store.tables import consent_event, delivery, issue, subscriber, suppression

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

JOINS = (ConsentKind.CONFIRMED, ConsentKind.VOUCHED, ConsentKind.IMPORTED)
LEAVES = (ConsentKind.LEFT, ConsentKind.REMOVED)
WORDS = 2_000  # different words of relays that are looked at

_ADDRESS = re.compile(r"<?[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+>?")
_HIDDEN = "<address>"


class Change(NamedTuple):
    """How many people joined and left a digest on a day (UTC)."""

    digest: str
    day: date
    joined: int
    left: int


class Said(NamedTuple):
    """What somebody said when they left a digest, on a day (UTC)."""

    digest: str
    day: date
    words: str


def changes(connection: Connection, since: datetime) -> tuple[Change, ...]:
    """Count who joined and who left each digest on each day since a moment.

    An event counts where it changed something: not a second word of who reads already, nor the leaving of somebody
    who had never said yes. Erased people are in no count, of any day.
    """
    joins = consent_event.c.kind.in_([kind.value for kind in JOINS])
    moves = consent_event.c.kind.in_([kind.value for kind in (*JOINS, *LEAVES)])
    person = (consent_event.c.subscriber, consent_event.c.digest)
    reads = case((joins, 1), else_=0)
    before = func.coalesce(func.lag(reads).over(partition_by=person, order_by=consent_event.c.id), 0)
    step = select(consent_event.c.digest, consent_event.c.at, (reads - before).label("step")).where(moves).subquery()
    day = _day(connection, step.c.at)
    query = (
        select(
            step.c.digest,
            day.label("day"),
            func.sum(case((step.c.step == 1, 1), else_=0)).label("joined"),
            func.sum(case((step.c.step == -1, 1), else_=0)).label("left"),
        )
        .where(step.c.at >= since, step.c.step != 0)
        .group_by(step.c.digest, day)
        .order_by(step.c.digest, day)
    )
    return tuple(Change(row.digest, _date(row.day), row.joined, row.left) for row in connection.execute(query))


def suppressed(connection: Connection) -> dict[SuppressionReason, int]:
    """Count the addresses that are never mailed, by reason."""
    query = select(suppression.c.reason, func.count().label("rows")).group_by(suppression.c.reason)
    return {SuppressionReason(row.reason): row.rows for row in connection.execute(query)}


def failures(connection: Connection, since: datetime, most: int) -> tuple[tuple[str, int], ...]:
    """Count deliveries that failed since a moment by the relays' words, most frequent first, without addresses."""
    recent = select(issue.c.id).where(
        or_(issue.c.touched >= since, issue.c.state.in_([state.value for state in ALIVE]))
    )
    query = (
        select(delivery.c.detail, func.count().label("rows"), func.max(subscriber.c.wire).label("wire"))
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .where(
            delivery.c.issue.in_(recent),
            delivery.c.state == DeliveryState.FAILED.value,
            delivery.c.changed >= since,
        )
        .group_by(delivery.c.detail)
        .order_by(func.count().desc(), delivery.c.detail)
        .limit(WORDS)
    )
    counts: dict[str, int] = {}
    for row in connection.execute(query):
        words = without_addresses(row.detail, row.wire)
        counts[words] = counts.get(words, 0) + row.rows
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple(ordered[:most])


def reasons(connection: Connection, most: int) -> tuple[Said, ...]:
    """Give what people said when they left, newest first."""
    query = (
        select(consent_event.c.digest, consent_event.c.at, consent_event.c.evidence)
        .where(consent_event.c.kind == ConsentKind.REASON.value)
        .order_by(consent_event.c.id.desc())
        .limit(most)
    )
    return tuple(Said(row.digest, row.at.date(), without_addresses(row.evidence)) for row in connection.execute(query))


def tallies(connection: Connection, numbers: list[int]) -> dict[int, dict[DeliveryState, int]]:
    """Count the deliveries of some issues, by their ids, in each state."""
    found: dict[int, dict[DeliveryState, int]] = {number: {} for number in numbers}
    query = (
        select(delivery.c.issue, delivery.c.state, func.count().label("rows"))
        .where(delivery.c.issue.in_(numbers))
        .group_by(delivery.c.issue, delivery.c.state)
    )
    for row in connection.execute(query):
        found[row.issue][DeliveryState(row.state)] = row.rows
    return found


def newest(connection: Connection, most: int) -> list[int]:
    """List the ids of the newest issues, newest first."""
    return list(connection.execute(select(issue.c.id).order_by(issue.c.id.desc()).limit(most)).scalars())


def issue_states(connection: Connection) -> dict[IssueState, int]:
    """Count the issues in each state."""
    query = select(issue.c.state, func.count().label("rows")).group_by(issue.c.state)
    return {IssueState(row.state): row.rows for row in connection.execute(query)}


def under_way(connection: Connection) -> dict[DeliveryState, int]:
    """Count the deliveries, in each state, of the issues that are not over."""
    alive = select(issue.c.id).where(issue.c.state.in_([state.value for state in ALIVE]))
    query = (
        select(delivery.c.state, func.count().label("rows"))
        .where(delivery.c.issue.in_(alive))
        .group_by(delivery.c.state)
    )
    return {DeliveryState(row.state): row.rows for row in connection.execute(query)}


def without_addresses(words: str, wire: str = "") -> str:
    """Take addresses out of what a relay or a person said: all that look like one, and ``wire`` by its first part."""
    hidden = _ADDRESS.sub(_HIDDEN, words)
    local = wire.rpartition("@")[0]
    if len(local) > 1:
        hidden = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", _HIDDEN, hidden, flags=re.IGNORECASE)
    return hidden


def _day(connection: Connection, at: ColumnElement[Any]) -> ColumnElement[Any]:
    """The day of a moment in UTC: SQLite keeps moments as text in UTC, PostgreSQL shows them in a session's zone."""
    if connection.dialect.name == "sqlite":
        return func.substr(at, 1, 10)
    return cast(func.timezone(literal_column("'UTC'"), at), Date)


def _date(found: str | date) -> date:
    return date.fromisoformat(found) if isinstance(found, str) else found
