"""Issues in the store: who reads a digest, and an issue written down whole in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, insert, select, update

from publisher.model.delivery import FINAL, DeliveryState
from publisher.model.issue import Content, Issue, IssueState, Reader
from publisher.model.subscriber import SubscriptionState
from publisher.store.tables import (
    delivery,
    issue,
    slot,
    subscriber,
    subscription,
    suppression,
    variant,
    variant_entry,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection

    from publisher.model.issue import Variant

CHUNK = 500  # SQLite binds a limited number of values in one statement


def readers(connection: Connection, digest: str, cadence: str, entries: Sequence[str]) -> tuple[Reader, ...]:
    """List the confirmed, unsuppressed readers, each with what of ``entries`` they have been given."""
    given = _given(connection, digest, cadence, entries)
    query = (
        select(subscription.c.subscriber, subscription.c.cursor)
        .join(subscriber, subscriber.c.id == subscription.c.subscriber)
        .where(_reads(digest, cadence), subscriber.c.key.not_in(select(suppression.c.key)))
        .order_by(subscription.c.subscriber)
    )
    nothing = frozenset[str]()
    return tuple(
        Reader(row.subscriber, row.cursor, frozenset(given.get(row.subscriber, nothing)))
        for row in connection.execute(query)
    )


def _given(connection: Connection, digest: str, cadence: str, entries: Sequence[str]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    joined = and_(variant_entry.c.issue == delivery.c.issue, variant_entry.c.variant == delivery.c.variant)
    reading = select(subscription.c.subscriber).where(_reads(digest, cadence))
    for start in range(0, len(entries), CHUNK):
        query = (
            select(delivery.c.subscriber, variant_entry.c.entry)
            .join(variant_entry, joined)
            .where(
                variant_entry.c.entry.in_(entries[start : start + CHUNK]),
                delivery.c.state != DeliveryState.RELEASED.value,
                delivery.c.subscriber.in_(reading),
            )
        )
        for person, entry in connection.execute(query):
            found.setdefault(person, set()).add(entry)
    return found


def _reads(digest: str, cadence: str) -> ColumnElement[bool]:
    return and_(
        subscription.c.digest == digest,
        subscription.c.cadence == cadence,
        subscription.c.state == SubscriptionState.CONFIRMED.value,
    )


def next_number(connection: Connection, digest: str) -> int:
    """Tell the number that the digest's next issue gets."""
    query = select(func.max(issue.c.number)).where(issue.c.digest == digest)
    return int(connection.execute(query).scalar_one() or 0) + 1


def insert_issue(connection: Connection, drafted: Issue) -> int:
    """Write what all messages of an issue share; returns the issue's id (``drafted.id`` is not looked at)."""
    values = {
        "digest": drafted.digest,
        "cadence": drafted.cadence,
        "number": drafted.number,
        "state": IssueState.OPEN.value,
        "title": drafted.title,
        "drafted": drafted.drafted,
        "sender": drafted.sender,
        "reply_to": drafted.reply_to,
        "list_id": drafted.list_id,
        "unsubscribe_mail": drafted.unsubscribe_mail,
        "public_url": drafted.public_url,
    }
    return int(connection.execute(insert(issue).values(values).returning(issue.c.id)).scalar_one())


def insert_variant(connection: Connection, number: int, planned: Variant, content: Content, now: datetime) -> None:
    """Write one variant of issue ``number`` (its id): content, entries, and a planned row for each reader."""
    key = {"issue": number, "variant": planned.number}
    frozen = {"subject": content.subject, "html": content.html, "text": content.text}
    connection.execute(insert(variant).values(**key, **frozen))
    connection.execute(insert(variant_entry), [{**key, "entry": entry} for entry in planned.entries])
    domains = _domains(connection, planned.readers)
    connection.execute(
        insert(delivery),
        [
            {
                **key,
                "subscriber": person,
                "domain": domains[person],
                "state": DeliveryState.PLANNED.value,
                "due_at": now,
                "attempt": 0,
                "engine": "",
                "detail": "",
                "changed": now,
            }
            for person in planned.readers
        ],
    )


def _domains(connection: Connection, people: Sequence[int]) -> dict[int, str]:
    found: dict[int, str] = {}
    for start in range(0, len(people), CHUNK):
        chunk = people[start : start + CHUNK]
        rows = connection.execute(select(subscriber.c.id, subscriber.c.wire).where(subscriber.c.id.in_(chunk)))
        found.update((row.id, row.wire.rpartition("@")[2]) for row in rows)
    return found


def cover(connection: Connection, digest: str, cadence: str, at: datetime, *, upto: int, number: int) -> None:
    """Record the slot that issue ``number`` (its id) covered and move its readers' cursors to ``upto``."""
    values = {"digest": digest, "cadence": cadence, "slot": at, "upto_seq": upto, "issue": number}
    connection.execute(insert(slot).values(values))
    connection.execute(update(subscription).where(_reads(digest, cadence)).values(cursor=upto))


def read_issue(connection: Connection, number: int) -> Issue:
    """Read what all messages of an issue share, by its id."""
    row = connection.execute(select(issue).where(issue.c.id == number)).one()
    return Issue(
        row.id,
        row.digest,
        row.cadence,
        row.number,
        row.title,
        row.drafted,
        row.sender,
        row.reply_to,
        row.list_id,
        row.unsubscribe_mail,
        row.public_url,
    )


def read_content(connection: Connection, number: int, variant_number: int) -> Content:
    """Read a variant's frozen content."""
    place = (variant.c.issue == number, variant.c.variant == variant_number)
    row = connection.execute(select(variant.c.subject, variant.c.html, variant.c.text).where(*place)).one()
    return Content(row.subject, row.html, row.text)


def close_finished(connection: Connection) -> tuple[int, ...]:
    """Mark every open issue done whose deliveries are all final; returns their ids."""
    waiting = select(delivery.c.issue).where(delivery.c.state.not_in([state.value for state in FINAL]))
    open_and_final = and_(issue.c.state == IssueState.OPEN.value, issue.c.id.not_in(waiting))
    done = update(issue).where(open_and_final).values(state=IssueState.DONE.value).returning(issue.c.id)
    return tuple(sorted(connection.execute(done).scalars()))
