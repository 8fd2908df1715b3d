"""The ledger: deliveries claimed, recorded and released, one transaction at a time.

A row is ``sending`` before its message is handed over and ``sent`` after; what one engine left behind
when it died is found by ``stranded``. States move only as model/delivery.py allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select, update

from publisher.model.delivery import Claim, DeliveryState, ReleaseReason, may_become
from publisher.model.subscriber import SubscriptionState
from publisher.store.tables import (
    arrival,
    delivery,
    issue,
    subscriber,
    subscription,
    suppression,
    variant_entry,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from publisher.model.delivery import Outcome

    Found = Row[*tuple[Any, ...]]


def stranded(connection: Connection) -> tuple[Claim, ...]:
    """List the rows that a dead engine left in ``sending``.

    Only for the engine that holds the store's lock: for any other they may be under way.
    """
    query = _deliveries(DeliveryState.SENDING, subscription.c.digest == issue.c.digest)
    return tuple(_as_claim(row) for row in connection.execute(query))


def settle(connection: Connection, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Record what became of claims."""
    for outcome in outcomes:
        values = {"engine": "", "detail": outcome.detail, "changed": now}
        _move(connection, outcome.claim, (DeliveryState.SENDING, outcome.state), values)


def turn(
    connection: Connection, engine: str, outcomes: Iterable[Outcome], window: int, now: datetime
) -> tuple[Claim, ...]:
    """Record the last claims' outcomes and claim the next ones, oldest issue first, at most ``window``.

    Consent and suppression are read in this same transaction: who left since the drafting is
    released instead of claimed. Returns no claim only when no planned row is left.
    """
    settle(connection, outcomes, now)
    confirmed = and_(
        subscription.c.digest == issue.c.digest,
        subscription.c.state == SubscriptionState.CONFIRMED.value,
    )
    planned = _deliveries(DeliveryState.PLANNED, confirmed)
    while rows := connection.execute(planned.limit(window)).all():
        claims = tuple(_claim(connection, row, engine, now) for row in rows)
        if made := tuple(claim for claim in claims if claim is not None):
            return made
    return ()


def outstanding(connection: Connection) -> int:
    """Count the rows that wait to be handed over, those of an engine that died included."""
    waiting = delivery.c.state.in_([DeliveryState.PLANNED.value, DeliveryState.SENDING.value])
    return int(connection.execute(select(func.count()).select_from(delivery).where(waiting)).scalar_one())


def tally(connection: Connection, number: int) -> dict[DeliveryState, int]:
    """Count an issue's deliveries (by the issue's id) in each state."""
    query = select(delivery.c.state, func.count()).where(delivery.c.issue == number).group_by(delivery.c.state)
    return {DeliveryState(state): count for state, count in connection.execute(query)}


def _deliveries(state: DeliveryState, theirs: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select rows in a state with what decides about them: the subscription meant, and a suppression."""
    return (
        select(
            delivery.c.issue,
            delivery.c.subscriber,
            delivery.c.variant,
            subscriber.c.wire,
            subscription.c.unsubscribe_token,
            suppression.c.reason,
        )
        .join(issue, issue.c.id == delivery.c.issue)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .outerjoin(subscription, and_(subscription.c.subscriber == delivery.c.subscriber, theirs))
        .outerjoin(suppression, suppression.c.key == subscriber.c.key)
        .where(delivery.c.state == state.value)
        .order_by(delivery.c.issue, delivery.c.subscriber)
    )


def _as_claim(row: Found) -> Claim:
    return Claim(row.issue, row.subscriber, row.variant, row.wire, row.unsubscribe_token)


def _claim(connection: Connection, row: Found, engine: str, now: datetime) -> Claim | None:
    """Take a planned row, or release it when its reader is not to be mailed any more."""
    if row.reason is not None or row.unsubscribe_token is None:
        reason = ReleaseReason.LEFT if row.reason is None else ReleaseReason.SUPPRESSED
        _release(connection, row, reason, now)
        return None
    values = {"engine": engine, "attempt": delivery.c.attempt + 1, "changed": now}
    _move(connection, row, (DeliveryState.PLANNED, DeliveryState.SENDING), values)
    return _as_claim(row)


def _release(connection: Connection, row: Found, reason: ReleaseReason, now: datetime) -> None:
    """Release a row and lower the reader's cursors below its entries, so that they are pending again.

    In every digest that has these entries: the others passed them over because of this delivery. No
    cursor goes below where its subscription began.
    """
    step = (DeliveryState.PLANNED, DeliveryState.RELEASED)
    _move(connection, row, step, {"detail": reason.value, "changed": now})
    lowest = (
        select(arrival.c.digest, func.min(arrival.c.seq) - 1)
        .join(variant_entry, variant_entry.c.entry == arrival.c.entry)
        .where(variant_entry.c.issue == row.issue, variant_entry.c.variant == row.variant)
        .group_by(arrival.c.digest)
    )
    for digest, below in connection.execute(lowest).all():
        target = case((subscription.c.since > below, subscription.c.since), else_=below)
        mine = and_(subscription.c.subscriber == row.subscriber, subscription.c.digest == digest)
        higher = and_(mine, subscription.c.cursor > target)
        connection.execute(update(subscription).where(higher).values(cursor=target))


def _move(
    connection: Connection,
    row: Found | Claim,
    step: tuple[DeliveryState, DeliveryState],
    values: Mapping[str, object],
) -> None:
    before, after = step
    if not may_become(before, after):
        raise ValueError(f"a delivery never goes from {before.value} to {after.value}")
    place = and_(
        delivery.c.issue == row.issue,
        delivery.c.subscriber == row.subscriber,
        delivery.c.state == before.value,
    )
    connection.execute(update(delivery).where(place).values({**values, "state": after.value}))
