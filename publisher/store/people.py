"""Subscribers and their subscriptions in the store. Every function works in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from publisher.model.subscriber import (
    Record,
    Subscription,
    SubscriptionState,
    Suppression,
    SuppressionReason,
)
from publisher.store import consents
from publisher.store.parts import CHUNK, parts
from publisher.store.tables import consent_event, delivery, issue, subscriber, subscription, suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from publisher.model.subscriber import Choice, Mailbox


class Known(NamedTuple):
    """A person's address in two of its shapes, and since when the store knows it."""

    address: str
    wire: str
    created: datetime


class Received(NamedTuple):
    """What became of an issue on its way to a person. ``detail`` is the relay's words, or why it was not sent."""

    digest: str
    number: int
    title: str
    state: str
    at: datetime
    detail: str


def find(connection: Connection, mailbox: Mailbox, digest: str) -> Subscription | None:
    """Look a person's subscription to a digest up, whatever its state."""
    return _one(connection, subscriber.c.key == mailbox.key, subscription.c.digest == digest)


def by_number(connection: Connection, person: int, digest: str) -> Subscription | None:
    """Look a subscription up by its person's number."""
    return _one(connection, subscription.c.subscriber == person, subscription.c.digest == digest)


def by_token(connection: Connection, token: str) -> Subscription | None:
    """Look a subscription up by the token of its unsubscribe links."""
    return _one(connection, subscription.c.unsubscribe_token == token)


def of(connection: Connection, mailbox: Mailbox) -> tuple[Subscription, ...]:
    """List all subscriptions of a person, by digest."""
    query = _subscriptions().where(subscriber.c.key == mailbox.key).order_by(subscription.c.digest)
    return tuple(_subscription(row) for row in connection.execute(query))


def listing(connection: Connection, choice: Choice, *, skip: int = 0, most: int = 0) -> tuple[Subscription, ...]:
    """List subscriptions by digest and address; ``most`` 0 means all after the first ``skip``."""
    query = _subscriptions().where(*_chosen(choice)).order_by(subscription.c.digest, subscriber.c.key)
    if most:
        query = query.limit(most).offset(skip)
    return tuple(_subscription(row) for row in connection.execute(query))


def count(connection: Connection, choice: Choice) -> int:
    """Count the subscriptions that a listing without end would have."""
    query = select(func.count()).select_from(subscription).join(subscriber).where(*_chosen(choice))
    return int(connection.execute(query).scalar_one())


def number_of(connection: Connection, mailbox: Mailbox) -> int:
    """Return the number of a person whom the store knows, else 0."""
    query = select(subscriber.c.id).where(subscriber.c.key == mailbox.key)
    return int(connection.execute(query).scalar_one_or_none() or 0)


def known(connection: Connection, person: int) -> Known | None:
    """Tell who a number belongs to; None where it is nobody's, or was somebody's who is erased."""
    query = select(subscriber.c.address, subscriber.c.wire, subscriber.c.created)
    row = connection.execute(query.where(subscriber.c.id == person, subscriber.c.address != "")).one_or_none()
    return None if row is None else Known(*row)


def subscriptions(connection: Connection, person: int) -> tuple[Subscription, ...]:
    """List all subscriptions of a person by their number, by digest."""
    query = _subscriptions().where(subscription.c.subscriber == person).order_by(subscription.c.digest)
    return tuple(_subscription(row) for row in connection.execute(query))


def received(connection: Connection, person: int) -> tuple[Received, ...]:
    """List the issues that were made out to a person, oldest first, with what became of each."""
    query = (
        select(issue.c.digest, issue.c.number, issue.c.title, delivery.c.state, delivery.c.changed, delivery.c.detail)
        .join_from(delivery, issue)
        .where(delivery.c.subscriber == person)
        .order_by(issue.c.id)
    )
    return tuple(Received(*row) for row in connection.execute(query))


def confirmed(connection: Connection) -> dict[tuple[str, str], int]:
    """Count the confirmed subscriptions of each digest and cadence."""
    query = (
        select(subscription.c.digest, subscription.c.cadence, func.count().label("readers"))
        .where(subscription.c.state == SubscriptionState.CONFIRMED.value)
        .group_by(subscription.c.digest, subscription.c.cadence)
    )
    return {(row.digest, row.cadence): row.readers for row in connection.execute(query)}


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


def ask(connection: Connection, person: int, digest: str, *, cadence: str, token: str) -> None:
    """Make a subscription that waits for its owner's word. One that stands keeps its state.

    Who left stays a person who left until they confirm, or a stranger's question would undo their leaving.
    """
    pending = SubscriptionState.PENDING.value
    place = _place(person, digest)
    if connection.execute(select(subscription.c.state).where(*place)).first() is None:
        values = {"state": pending, "cadence": cadence, "cursor": 0, "since": 0, "unsubscribe_token": token}
        connection.execute(insert(subscription).values(subscriber=person, digest=digest, **values))
    else:
        connection.execute(update(subscription).where(*place, subscription.c.state == pending).values(cadence=cadence))


def change_pace(connection: Connection, person: int, digest: str, cadence: str) -> None:
    """Move a subscription to another cadence; what is pending stays pending."""
    connection.execute(update(subscription).where(*_place(person, digest)).values(cadence=cadence))


def leave(connection: Connection, person: int, digest: str) -> None:
    """End a subscription; its row and token stay, and links to confirm it end."""
    values = {"state": SubscriptionState.UNSUBSCRIBED.value, "generation": subscription.c.generation + 1}
    connection.execute(update(subscription).where(*_place(person, digest)).values(values))


def erase(connection: Connection, person: int) -> None:
    """Delete what is known of a person but their number, at which deliveries point.

    Relays repeat addresses in their words, and a domain may be a person's own, so these go from deliveries too.
    """
    connection.execute(delete(consent_event).where(consent_event.c.subscriber == person))
    connection.execute(delete(subscription).where(subscription.c.subscriber == person))
    connection.execute(update(delivery).where(delivery.c.subscriber == person).values(detail="", domain=""))
    nobody = {"address": "", "wire": "", "key": f"erased:{person}"}  # no address is without an @
    connection.execute(update(subscriber).where(subscriber.c.id == person).values(nobody))


# Many at a time


def persons(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Look the numbers of many people up by their keys."""
    query = select(subscriber.c.key, subscriber.c.id)
    return {
        row.key: row.id for part in parts(keys) for row in connection.execute(query.where(subscriber.c.key.in_(part)))
    }


def places(connection: Connection, people: Collection[int]) -> dict[tuple[int, str], Subscription]:
    """Read every subscription of many people, by person and digest."""
    found: dict[tuple[int, str], Subscription] = {}
    for part in parts(people):
        rows = connection.execute(_subscriptions().where(subscription.c.subscriber.in_(part)))
        found.update({(row.id, row.digest): _subscription(row) for row in rows})
    return found


def taken_tokens(connection: Connection, tokens: Collection[str]) -> frozenset[str]:
    """Tell which of many unsubscribe tokens stand already."""
    query = select(subscription.c.unsubscribe_token)
    return frozenset(
        found
        for part in parts(tokens)
        for found in connection.execute(query.where(subscription.c.unsubscribe_token.in_(part))).scalars()
    )


def enrol_all(connection: Connection, made: Collection[tuple[Mailbox, datetime]]) -> dict[str, int]:
    """Make rows for many new people, with the moment since when they are known; returns their numbers by key."""
    rows = [{"address": m.address, "wire": m.wire, "key": m.key, "created": since} for m, since in made]
    if rows:
        connection.execute(insert(subscriber), rows)
    return persons(connection, [mailbox.key for mailbox, _ in made])


def place_all(connection: Connection, made: Collection[Subscription]) -> None:
    """Write many new subscriptions, each beginning at its cursor."""
    if made:
        connection.execute(insert(subscription), [_row(each) for each in made])


def records(connection: Connection, choice: Choice) -> Iterator[Record]:
    """Read all that is known of subscriptions, by digest and address, then of addresses that are only suppressed.

    Never more than a few hundred are in memory.
    """
    query = _subscriptions().add_columns(
        subscriber.c.created, suppression.c.reason, suppression.c.detail, suppression.c.at
    )
    query = query.outerjoin(suppression, suppression.c.key == subscriber.c.key).where(*_chosen(choice))
    query = query.order_by(subscription.c.digest, subscriber.c.key).execution_options(yield_per=CHUNK)
    for rows in connection.execute(query).partitions():
        events = consents.by_person(connection, {row.id for row in rows})
        for row in rows:
            theirs = tuple(event for event in events.get(row.id, ()) if event.digest == row.digest)
            yield Record(row.address, _subscription(row), theirs, _suppression(row), row.created)
    if choice.state is None and not choice.cadence:
        yield from _only_suppressed(connection, choice.matching)


def _only_suppressed(connection: Connection, matching: str) -> Iterator[Record]:
    known = select(subscriber.c.key).join(subscription).where(subscriber.c.key == suppression.c.key)
    query = select(suppression).where(~known.exists()).order_by(suppression.c.key)
    if matching:
        query = query.where(suppression.c.key.contains(matching.casefold(), autoescape=True))
    for row in connection.execute(query.execution_options(yield_per=CHUNK)):
        yield Record(row.key, None, (), _suppression(row))


def _suppression(row: Row[*tuple[Any, ...]]) -> Suppression | None:
    return Suppression(SuppressionReason(row.reason), row.detail, row.at) if row.reason else None


def _row(made: Subscription) -> dict[str, object]:
    return {
        "subscriber": made.subscriber,
        "digest": made.digest,
        "state": made.state.value,
        "cadence": made.cadence,
        "cursor": made.cursor,
        "since": made.cursor,
        "unsubscribe_token": made.token,
    }


def _chosen(choice: Choice) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if choice.digest:
        wanted.append(subscription.c.digest == choice.digest)
    if choice.state is not None:
        wanted.append(subscription.c.state == choice.state.value)
    if choice.cadence:
        wanted.append(subscription.c.cadence == choice.cadence)
    if choice.matching:
        wanted.append(subscriber.c.key.contains(choice.matching.casefold(), autoescape=True))
    return wanted


def _one(connection: Connection, *where: ColumnElement[bool]) -> Subscription | None:
    row = connection.execute(_subscriptions().where(*where)).one_or_none()
    return None if row is None else _subscription(row)


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
        subscription.c.generation,
        subscriber.c.wire,
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
        row.generation,
        row.wire,
    )
