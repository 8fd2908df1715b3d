"""Subscribers, subscriptions and consent in the store. Every function works in the caller's transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert, select, update

from publisher.model.subscriber import (
    ConsentEvent,
    ConsentKind,
    Record,
    Subscription,
    SubscriptionState,
    SuppressionReason,
)
from publisher.store.once import insert_once
from publisher.store.tables import consent_event, delivery, erasure, issue, subscriber, subscription, suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from publisher.model.subscriber import Choice, Mailbox

CHUNK = 500


class Known(NamedTuple):
    """A person's address in two of its shapes, and since when the store knows it."""

    address: str
    wire: str
    created: datetime


class Suppressed(NamedTuple):
    """Why an address is never mailed, in the words that were noted, and since when."""

    reason: str
    detail: str
    at: datetime


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


def consents(connection: Connection, person: int) -> tuple[ConsentEvent, ...]:
    """List everything that was recorded of a person's consent, oldest first."""
    return tuple(_events(connection, [person]).get(person, ()))


def last_event(connection: Connection, person: int, digest: str, kinds: Collection[ConsentKind]) -> ConsentKind | None:
    """Tell which of some kinds of events was recorded last."""
    query = (
        select(consent_event.c.kind)
        .where(
            consent_event.c.subscriber == person,
            consent_event.c.digest == digest,
            consent_event.c.kind.in_(sorted(kind.value for kind in kinds)),
        )
        .order_by(consent_event.c.id.desc())
        .limit(1)
    )
    found = connection.execute(query).scalar_one_or_none()
    return None if found is None else ConsentKind(found)


def received(connection: Connection, person: int) -> tuple[Received, ...]:
    """List the issues that were made out to a person, oldest first, with what became of each."""
    query = (
        select(issue.c.digest, issue.c.number, issue.c.title, delivery.c.state, delivery.c.changed, delivery.c.detail)
        .join_from(delivery, issue)
        .where(delivery.c.subscriber == person)
        .order_by(issue.c.id)
    )
    return tuple(Received(*row) for row in connection.execute(query))


def suppression_of(connection: Connection, mailbox: Mailbox) -> Suppressed | None:
    """Tell why and since when an address is never mailed; None when it may be."""
    query = select(suppression.c.reason, suppression.c.detail, suppression.c.at)
    row = connection.execute(query.where(suppression.c.key == mailbox.key)).one_or_none()
    return None if row is None else Suppressed(*row)


def suppressed(connection: Connection, mailbox: Mailbox) -> str:
    """Tell why an address is never mailed again; empty when it may be."""
    query = select(suppression.c.reason).where(suppression.c.key == mailbox.key)
    return connection.execute(query).scalar_one_or_none() or ""


def confirmed(connection: Connection) -> dict[tuple[str, str], int]:
    """Count the confirmed subscriptions of each digest and cadence."""
    query = (
        select(subscription.c.digest, subscription.c.cadence, func.count().label("readers"))
        .where(subscription.c.state == SubscriptionState.CONFIRMED.value)
        .group_by(subscription.c.digest, subscription.c.cadence)
    )
    return {(row.digest, row.cadence): row.readers for row in connection.execute(query)}


def last_consent(connection: Connection) -> datetime | None:
    """Tell when the last consent event was recorded."""
    found: datetime | None = connection.execute(select(func.max(consent_event.c.at))).scalar_one()
    return found


def suppress(connection: Connection, mailbox: Mailbox, reason: SuppressionReason, detail: str, now: datetime) -> None:
    """Never mail an address again; the first reason stands."""
    values = {"key": mailbox.key, "reason": reason.value, "detail": detail, "at": now}
    insert_once(connection, suppression, [values])


def lift(connection: Connection, mailbox: Mailbox) -> None:
    """Let an address be mailed again."""
    connection.execute(delete(suppression).where(suppression.c.key == mailbox.key))


def any_erased(connection: Connection) -> bool:
    """Whether anyone was ever erased."""
    return connection.execute(select(erasure.c.hash).limit(1)).first() is not None


def is_erased(connection: Connection, mark: str) -> bool:
    """Whether a person with this hash was erased."""
    return connection.execute(select(erasure.c.hash).where(erasure.c.hash == mark)).first() is not None


def come_back(connection: Connection, mark: str) -> None:
    """Forget that a person was erased: they came back by themselves."""
    connection.execute(delete(erasure).where(erasure.c.hash == mark))


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


def leave_mark(connection: Connection, mark: str, now: datetime) -> None:
    """Remember the hash of an erased address."""
    if not is_erased(connection, mark):
        connection.execute(insert(erasure).values(hash=mark, at=now))


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


# Many at a time


def persons(connection: Connection, keys: Collection[str]) -> dict[str, int]:
    """Look the numbers of many people up by their keys."""
    query = select(subscriber.c.key, subscriber.c.id)
    return {
        row.key: row.id for part in _parts(keys) for row in connection.execute(query.where(subscriber.c.key.in_(part)))
    }


def all_suppressed(connection: Connection, keys: Collection[str]) -> dict[str, str]:
    """Tell which of many addresses are never mailed, and why."""
    query = select(suppression.c.key, suppression.c.reason)
    return {
        row.key: row.reason
        for part in _parts(keys)
        for row in connection.execute(query.where(suppression.c.key.in_(part)))
    }


def all_erased(connection: Connection, marks: Collection[str]) -> frozenset[str]:
    """Tell which of many hashes are those of erased people."""
    query = select(erasure.c.hash)
    return frozenset(
        found for part in _parts(marks) for found in connection.execute(query.where(erasure.c.hash.in_(part))).scalars()
    )


def places(connection: Connection, people: Collection[int]) -> dict[tuple[int, str], Subscription]:
    """Read every subscription of many people, by person and digest."""
    found: dict[tuple[int, str], Subscription] = {}
    for part in _parts(people):
        rows = connection.execute(_subscriptions().where(subscription.c.subscriber.in_(part)))
        found.update({(row.id, row.digest): _subscription(row) for row in rows})
    return found


def spoke_themselves(connection: Connection, people: Collection[int]) -> frozenset[tuple[int, str]]:
    """Tell who of many people confirmed a digest by their own word, ever."""
    query = select(consent_event.c.subscriber, consent_event.c.digest).where(
        consent_event.c.kind == ConsentKind.CONFIRMED.value
    )
    return frozenset(
        (row.subscriber, row.digest)
        for part in _parts(people)
        for row in connection.execute(query.where(consent_event.c.subscriber.in_(part)))
    )


def taken_tokens(connection: Connection, tokens: Collection[str]) -> frozenset[str]:
    """Tell which of many unsubscribe tokens stand already."""
    query = select(subscription.c.unsubscribe_token)
    return frozenset(
        found
        for part in _parts(tokens)
        for found in connection.execute(query.where(subscription.c.unsubscribe_token.in_(part))).scalars()
    )


def enrol_all(connection: Connection, mailboxes: Collection[Mailbox], now: datetime) -> dict[str, int]:
    """Make rows for many new people; returns their numbers by key."""
    rows = [{"address": m.address, "wire": m.wire, "key": m.key, "created": now} for m in mailboxes]
    if rows:
        connection.execute(insert(subscriber), rows)
    return persons(connection, [mailbox.key for mailbox in mailboxes])


def place_all(connection: Connection, made: Collection[Subscription]) -> None:
    """Write many new subscriptions, each beginning at its cursor."""
    if made:
        connection.execute(insert(subscription), [_row(each) for each in made])


def record_all(connection: Connection, events: Collection[ConsentEvent]) -> None:
    """Add many events to the evidence."""
    rows = [
        {
            "subscriber": each.subscriber,
            "digest": each.digest,
            "kind": each.kind.value,
            "wording": each.wording,
            "evidence": each.evidence,
            "at": each.at,
        }
        for each in events
    ]
    if rows:
        connection.execute(insert(consent_event), rows)


def records(connection: Connection, choice: Choice) -> Iterator[Record]:
    """Read all that is known of subscriptions, by digest and address, then of addresses that are only suppressed.

    Never more than a few hundred are in memory.
    """
    query = _subscriptions().add_columns(suppression.c.reason)
    query = query.outerjoin(suppression, suppression.c.key == subscriber.c.key).where(*_chosen(choice))
    query = query.order_by(subscription.c.digest, subscriber.c.key).execution_options(yield_per=CHUNK)
    for rows in connection.execute(query).partitions():
        events = _events(connection, {row.id for row in rows})
        for row in rows:
            theirs = tuple(event for event in events.get(row.id, ()) if event.digest == row.digest)
            reason = SuppressionReason(row.reason) if row.reason else None
            yield Record(row.address, _subscription(row), theirs, reason)
    if choice.state is None and not choice.cadence:
        yield from _only_suppressed(connection, choice.matching)


def _only_suppressed(connection: Connection, matching: str) -> Iterator[Record]:
    known = select(subscriber.c.key).join(subscription).where(subscriber.c.key == suppression.c.key)
    query = select(suppression.c.key, suppression.c.reason).where(~known.exists()).order_by(suppression.c.key)
    if matching:
        query = query.where(suppression.c.key.contains(matching.casefold(), autoescape=True))
    for row in connection.execute(query.execution_options(yield_per=CHUNK)):
        yield Record(row.key, None, (), SuppressionReason(row.reason))


def _events(connection: Connection, people: Collection[int]) -> dict[int, list[ConsentEvent]]:
    query = select(consent_event).where(consent_event.c.subscriber.in_(people)).order_by(consent_event.c.id)
    found: dict[int, list[ConsentEvent]] = {}
    for row in connection.execute(query):
        event = ConsentEvent(row.subscriber, row.digest, ConsentKind(row.kind), row.wording, row.evidence, row.at)
        found.setdefault(row.subscriber, []).append(event)
    return found


def _parts(values: Collection[Any]) -> Iterator[list[Any]]:
    """A statement binds a limited number of values."""
    ordered = sorted(set(values))
    return (ordered[start : start + CHUNK] for start in range(0, len(ordered), CHUNK))


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
