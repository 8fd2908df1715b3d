"""Consent in the store, event by event: what people said, and what an author vouched for.

Events are added and never changed; they go with their person. Every function works in the caller's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from publisher.model.subscriber import ConsentEvent, ConsentKind
from publisher.store.parts import parts
from publisher.store.tables import consent_event

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection


def of(connection: Connection, person: int) -> tuple[ConsentEvent, ...]:
    """List everything that was recorded of a person's consent, oldest first."""
    return tuple(by_person(connection, [person]).get(person, ()))


def last_kind(connection: Connection, person: int, digest: str, kinds: Collection[ConsentKind]) -> ConsentKind | None:
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


def last_moment(connection: Connection) -> datetime | None:
    """Tell when the last consent event was recorded."""
    found: datetime | None = connection.execute(select(func.max(consent_event.c.at))).scalar_one()
    return found


def record(
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


def spoke_themselves(connection: Connection, people: Collection[int]) -> frozenset[tuple[int, str]]:
    """Tell who of many people confirmed a digest by their own word, ever."""
    query = select(consent_event.c.subscriber, consent_event.c.digest).where(
        consent_event.c.kind == ConsentKind.CONFIRMED.value
    )
    return frozenset(
        (row.subscriber, row.digest)
        for part in parts(people)
        for row in connection.execute(query.where(consent_event.c.subscriber.in_(part)))
    )


def by_person(connection: Connection, people: Collection[int]) -> dict[int, list[ConsentEvent]]:
    """Read the events of some people, few enough for one statement, oldest first."""
    query = select(consent_event).where(consent_event.c.subscriber.in_(people)).order_by(consent_event.c.id)
    found: dict[int, list[ConsentEvent]] = {}
    for row in connection.execute(query):
        event = ConsentEvent(row.subscriber, row.digest, ConsentKind(row.kind), row.wording, row.evidence, row.at)
        found.setdefault(row.subscriber, []).append(event)
    return found
