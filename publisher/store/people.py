"""Subscribers, subscriptions and consent in the store. Every function works in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from publisher.model.subscriber import ConsentKind, Mailbox, Subscription, SubscriptionState
from publisher.store.tables import consent_event, subscriber, subscription, suppression

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select


def find(connection: Connection, mailbox: Mailbox, digest: str) -> Subscription | None:
    """Look a person's subscription to a digest up, whatever its state."""
    row = connection.execute(
        _subscriptions().where(subscriber.c.key == mailbox.key, subscription.c.digest == digest)
    ).one_or_none()
    return None if row is None else _subscription(row)


def listing(connection: Connection, digest: str = "") -> tuple[Subscription, ...]:
    """List the subscriptions of one digest, or of all, by digest and address."""
    query = _subscriptions().order_by(subscription.c.digest, subscriber.c.key)
    if digest:
        query = query.where(subscription.c.digest == digest)
    return tuple(_subscription(row) for row in connection.execute(query))


def suppressed(connection: Connection, mailbox: Mailbox) -> str:
    """Tell why an address is never mailed again; empty when it may be."""
    query = select(suppression.c.reason).where(suppression.c.key == mailbox.key)
    return connection.execute(query).scalar_one_or_none() or ""


def enrol(connection: Connection, mailbox: Mailbox, now: datetime) -> int:
    """Return the person's number, making a row for someone new."""
    query = select(subscriber.c.id).where(subscriber.c.key == mailbox.key)
    found = connection.execute(query).scalar_one_or_none()
    if found is not None:
        return int(found)
    values = {"address": mailbox.address, "wire": mailbox.wire, "key": mailbox.key, "created": now}
    made = connection.execute(insert(subscriber).values(values).returning(subscriber.c.id))
    return int(made.scalar_one())


def confirm(connection: Connection, person: int, digest: str, *, cadence: str, cursor: int, token: str) -> None:
    """Confirm a subscription, new or come back, that begins at ``cursor``.

    A token that stands is kept: old links stay good.
    """
    state = SubscriptionState.CONFIRMED.value
    values = {"state": state, "cadence": cadence, "cursor": cursor, "since": cursor}
    changed = connection.execute(update(subscription).where(*_place(person, digest)).values(values))
    if changed.rowcount == 0:
        made = {**values, "subscriber": person, "digest": digest, "unsubscribe_token": token}
        connection.execute(insert(subscription).values(made))


def change_pace(connection: Connection, person: int, digest: str, cadence: str) -> None:
    """Move a subscription to another cadence; what is pending stays pending."""
    connection.execute(update(subscription).where(*_place(person, digest)).values(cadence=cadence))


def leave(connection: Connection, person: int, digest: str) -> None:
    """End a subscription; its row and token stay."""
    state = SubscriptionState.UNSUBSCRIBED.value
    connection.execute(update(subscription).where(*_place(person, digest)).values(state=state))


def record_consent(
    connection: Connection,
    person: int,
    digest: str,
    kind: ConsentKind,
    *,
    wording: str,
    evidence: str,
    now: datetime,
) -> None:
    """Add one event to the evidence."""
    connection.execute(
        insert(consent_event).values(
            subscriber=person, digest=digest, kind=kind.value, wording=wording, evidence=evidence, at=now
        )
    )


def _place(person: int, digest: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return subscription.c.subscriber == person, subscription.c.digest == digest


def _subscriptions() -> Select[*tuple[Any, ...]]:
    return select(
        subscriber.c.id,
        subscriber.c.address,
        subscription.c.digest,
        subscription.c.state,
        subscription.c.cadence,
        subscription.c.cursor,
        subscription.c.unsubscribe_token,
    ).join_from(subscriber, subscription)


def _subscription(row: Row[*tuple[Any, ...]]) -> Subscription:
    return Subscription(
        row.id,
        row.address,
        row.digest,
        SubscriptionState(row.state),
        row.cadence,
        row.cursor,
        row.unsubscribe_token,
    )
