"""The ledger: deliveries claimed, recorded and released, one transaction at a time.

A row is ``sending`` before its message is handed over and ``sent`` after; what one engine left behind
when it died is settled by ``recover``. States move only as model/delivery.py allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select, update

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

    from sqlalchemy import Connection, Row, Select

    from publisher.model.delivery import Outcome

    Found = Row[*tuple[Any, ...]]


def recover(connection: Connection, now: datetime) -> int:
    """Plan again what a dead engine left in ``sending``; returns how many rows.

    Only for a transport where handing a message over twice leaves one message, and only by the
    engine that holds the store's lock: then nothing is doubtful.
    """
    again = {"state": DeliveryState.PLANNED.value, "engine": "", "changed": now}
    sending = delivery.c.state == DeliveryState.SENDING.value
    return connection.execute(update(delivery).where(sending).values(again)).rowcount


def turn(
    connection: Connection, engine: str, outcomes: Iterable[Outcome], window: int, now: datetime
) -> tuple[Claim, ...]:
    """Record the last claims' outcomes and claim the next ones, oldest issue first, at most ``window``.

    Consent and suppression are read in this same transaction: who left since the drafting is
    released instead of claimed. Returns no claim only when no planned row is left.
    """
    for outcome in outcomes:
        _settle(connection, outcome, now)
    while rows := connection.execute(_planned().limit(window)).all():
        claims = tuple(_claim(connection, row, engine, now) for row in rows)
        if made := tuple(claim for claim in claims if claim is not None):
            return made
    return ()


def outstanding(connection: Connection) -> int:
    """Count the rows that wait to be handed over."""
    waiting = delivery.c.state == DeliveryState.PLANNED.value
    return int(connection.execute(select(func.count()).select_from(delivery).where(waiting)).scalar_one())


def tally(connection: Connection, number: int) -> dict[DeliveryState, int]:
    """Count an issue's deliveries (by the issue's id) in each state."""
    query = select(delivery.c.state, func.count()).where(delivery.c.issue == number).group_by(delivery.c.state)
    return {DeliveryState(state): count for state, count in connection.execute(query)}


def _planned() -> Select[*tuple[Any, ...]]:
    """Select planned rows with what decides about them: a confirmed subscription, no suppression."""
    confirmed = and_(
        subscription.c.subscriber == delivery.c.subscriber,
        subscription.c.digest == issue.c.digest,
        subscription.c.state == SubscriptionState.CONFIRMED.value,
    )
    return (
        select(
            delivery.c.issue,
            delivery.c.subscriber,
            delivery.c.variant,
            issue.c.digest,
            subscriber.c.wire,
            subscription.c.unsubscribe_token,
            suppression.c.reason,
        )
        .join(issue, issue.c.id == delivery.c.issue)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
        .outerjoin(subscription, confirmed)
        .outerjoin(suppression, suppression.c.key == subscriber.c.key)
        .where(delivery.c.state == DeliveryState.PLANNED.value)
        .order_by(delivery.c.issue, delivery.c.subscriber)
    )


def _claim(connection: Connection, row: Found, engine: str, now: datetime) -> Claim | None:
    """Take a planned row, or release it when its reader is not to be mailed any more."""
    if row.reason is not None or row.unsubscribe_token is None:
        reason = ReleaseReason.LEFT if row.reason is None else ReleaseReason.SUPPRESSED
        _release(connection, row, reason, now)
        return None
    values = {"engine": engine, "attempt": delivery.c.attempt + 1, "changed": now}
    _move(connection, row, (DeliveryState.PLANNED, DeliveryState.SENDING), values)
    return Claim(row.issue, row.subscriber, row.variant, row.wire, row.unsubscribe_token)


def _release(connection: Connection, row: Found, reason: ReleaseReason, now: datetime) -> None:
    """Release a row and lower the reader's cursor below its entries, so that they are pending again."""
    step = (DeliveryState.PLANNED, DeliveryState.RELEASED)
    _move(connection, row, step, {"detail": reason.value, "changed": now})
    lowest = (
        select(func.min(arrival.c.seq))
        .join(variant_entry, variant_entry.c.entry == arrival.c.entry)
        .where(
            arrival.c.digest == row.digest,
            variant_entry.c.issue == row.issue,
            variant_entry.c.variant == row.variant,
        )
    )
    below = int(connection.execute(lowest).scalar_one() or 1) - 1
    mine = and_(subscription.c.subscriber == row.subscriber, subscription.c.digest == row.digest)
    higher = and_(mine, subscription.c.cursor > below)
    connection.execute(update(subscription).where(higher).values(cursor=below))


def _settle(connection: Connection, outcome: Outcome, now: datetime) -> None:
    values = {"engine": "", "detail": outcome.detail, "changed": now}
    _move(connection, outcome.claim, (DeliveryState.SENDING, outcome.state), values)


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
