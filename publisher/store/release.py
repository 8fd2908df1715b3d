"""Releasing deliveries: what was never handed over becomes pending again, in every digest that has it.

Other digests passed these entries over because of the delivery, so the reader's cursors go down in all of
them, but never below where a subscription began. Runs in a ``writing`` transaction only: drafting moves cursors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select, update

from publisher.model.delivery import DeliveryState, ReleaseReason
from publisher.store.ledger import require_step
from publisher.store.tables import arrival, delivery, issue, letter, subscription, variant_entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from publisher.model.delivery import Claim

UNSENT = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.HELD)
CHUNK = 500  # a statement binds a limited number of values


def release_issue(
    connection: Connection, number: int, reason: ReleaseReason, now: datetime, *, lower: bool = True
) -> int:
    """Release everything of an issue (by its id) that is not handed over; returns how many rows that were.

    With ``lower`` its entries go to the next issue, else they count as given up.
    """
    mine = and_(delivery.c.issue == number, delivery.c.state.in_([state.value for state in UNSENT]))
    return _release(connection, mine, UNSENT, reason.value, now, lower=lower)


def release_readers(
    connection: Connection, people: Sequence[int], reason: ReleaseReason, now: datetime, *, digest: str = ""
) -> int:
    """Release everything that waits for these people, of one digest or of all; returns how many rows that were."""
    count = 0
    waiting = [delivery.c.state.in_([state.value for state in UNSENT])]
    if digest:
        waiting.append(delivery.c.issue.in_(select(issue.c.id).where(issue.c.digest == digest)))
    for start in range(0, len(people), CHUNK):
        mine = and_(delivery.c.subscriber.in_(people[start : start + CHUNK]), *waiting)
        count += _release(connection, mine, UNSENT, reason.value, now)
    return count


def release_claims(
    connection: Connection, claims: Iterable[Claim], before: DeliveryState, detail: str, now: datetime
) -> None:
    """Release single rows that are in a state: their readers are gone, or they were tried for too long."""
    for claim in claims:
        if claim.is_letter:
            place = and_(letter.c.id == claim.subscriber, letter.c.state == before.value)
            values = {"state": DeliveryState.RELEASED.value, "detail": detail, "engine": "", "changed": now}
            connection.execute(update(letter).where(place).values(values))
            continue
        mine = and_(
            delivery.c.issue == claim.issue,
            delivery.c.subscriber == claim.subscriber,
            delivery.c.state == before.value,
        )
        _release(connection, mine, (before,), detail, now)


def _release(
    connection: Connection,
    mine: ColumnElement[bool],
    before: Iterable[DeliveryState],
    detail: str,
    now: datetime,
    *,
    lower: bool = True,
) -> int:
    for state in before:
        require_step(state, DeliveryState.RELEASED)
    if lower:
        _lower_cursors(connection, mine)
    values = {"state": DeliveryState.RELEASED.value, "detail": detail, "engine": "", "changed": now}
    return connection.execute(update(delivery).where(mine).values(values)).rowcount


def _lower_cursors(connection: Connection, mine: ColumnElement[bool]) -> None:
    """Variant by variant and digest by digest: all its readers at once."""
    kinds = connection.execute(select(delivery.c.issue, delivery.c.variant).distinct().where(mine)).all()
    for kind in kinds:
        lowest = (
            select(arrival.c.digest, func.min(arrival.c.seq) - 1)
            .join(variant_entry, variant_entry.c.entry == arrival.c.entry)
            .where(variant_entry.c.issue == kind.issue, variant_entry.c.variant == kind.variant)
            .group_by(arrival.c.digest)
        )
        people = select(delivery.c.subscriber).where(
            mine, delivery.c.issue == kind.issue, delivery.c.variant == kind.variant
        )
        for digest, below in connection.execute(lowest).all():
            target = case((subscription.c.since > below, subscription.c.since), else_=below)
            theirs = and_(subscription.c.digest == digest, subscription.c.subscriber.in_(people))
            connection.execute(update(subscription).where(theirs, subscription.c.cursor > target).values(cursor=target))
