"""Issues in the store: written down whole in one transaction, found again, and led from state to state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, delete, func, insert, or_, select, tuple_, update

from publisher.model.delivery import FINAL, DeliveryState
from publisher.model.issue import Content, Issue, IssueState
from publisher.store.tables import arrival, delivery, issue, slot, variant, variant_entry

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy import Connection, Row

    from publisher.model.issue import Variant

ALIVE = frozenset({IssueState.HELD, IssueState.OPEN, IssueState.PAUSED})
LARGEST = 2**31 - 1  # of the numbers that a database can be asked for
LEAVING = frozenset({IssueState.OPEN, IssueState.PAUSED, IssueState.DONE})  # held no more


class Fullest(NamedTuple):
    """An issue with the variant that holds the most entries; the first of several."""

    issue: Issue
    variant: int
    subject: str
    entries: int


def next_number(connection: Connection, digest: str) -> int:
    """Tell the number that the digest's next issue gets."""
    query = select(func.max(issue.c.number)).where(issue.c.digest == digest)
    return int(connection.execute(query).scalar_one() or 0) + 1


def list_id(connection: Connection, digest: str) -> str:
    """Tell by which List-Id the digest's newest issue went; "" where there is none."""
    query = select(issue.c.list_id).where(issue.c.digest == digest).order_by(issue.c.number.desc()).limit(1)
    return str(connection.execute(query).scalar_one_or_none() or "")


def insert_issue(connection: Connection, drafted: Issue) -> int:
    """Write what all messages of an issue share; returns the issue's id (``drafted.id`` is not looked at)."""
    values = {
        "digest": drafted.digest,
        "cadence": drafted.cadence,
        "number": drafted.number,
        "state": drafted.state.value,
        "title": drafted.title,
        "drafted": drafted.drafted,
        "sender": drafted.sender,
        "reply_to": drafted.reply_to,
        "list_id": drafted.list_id,
        "unsubscribe_mail": drafted.unsubscribe_mail,
        "public_url": drafted.public_url,
        "slot": drafted.slot,
        "release_at": drafted.release_at,
        "reason": drafted.reason,
        "private": drafted.private,
        "touched": drafted.drafted,
    }
    return int(connection.execute(insert(issue).values(values).returning(issue.c.id)).scalar_one())


def insert_variant(connection: Connection, number: int, planned: Variant, content: Content) -> None:
    """Write one variant of issue ``number`` (its id): its content and entries."""
    key = {"issue": number, "variant": planned.number}
    frozen = {"subject": content.subject, "html": content.html, "text": content.text}
    connection.execute(insert(variant).values(**key, **frozen))
    connection.execute(insert(variant_entry), [{**key, "entry": entry} for entry in planned.entries])


def read_issue(connection: Connection, number: int) -> Issue:
    """Read what all messages of an issue share, by its id."""
    return _issue(connection.execute(select(issue).where(issue.c.id == number)).one())


def find(connection: Connection, digest: str, number: int) -> Issue | None:
    """Look an issue up by its number, whatever number that is."""
    if number > LARGEST:
        return None
    row = connection.execute(select(issue).where(issue.c.digest == digest, issue.c.number == number)).one_or_none()
    return None if row is None else _issue(row)


def listing(connection: Connection, digest: str = "", *states: IssueState) -> tuple[Issue, ...]:
    """List issues of one digest, or of all, in some states or in any; oldest first."""
    query = select(issue).order_by(issue.c.id)
    if digest:
        query = query.where(issue.c.digest == digest)
    if states:
        query = query.where(issue.c.state.in_([state.value for state in states]))
    return tuple(_issue(row) for row in connection.execute(query))


def read_content(connection: Connection, number: int, variant_number: int) -> Content:
    """Read a variant's frozen content."""
    place = (variant.c.issue == number, variant.c.variant == variant_number)
    row = connection.execute(select(variant.c.subject, variant.c.html, variant.c.text).where(*place)).one()
    return Content(row.subject, row.html, row.text)


def entries(connection: Connection, number: int) -> tuple[str, ...]:
    """List the ids of an issue's entries, over all its variants."""
    query = select(variant_entry.c.entry).distinct().where(variant_entry.c.issue == number)
    return tuple(connection.execute(query.order_by(variant_entry.c.entry)).scalars())


def fullest(connection: Connection, digests: Collection[str], number: int = 0) -> tuple[Fullest, ...]:
    """List the issues of some digests that everybody may read, newest first; with a ``number``, those that have it.

    Those are the ones that are not private and are going out, or went out to anybody before they were cancelled.
    """
    sent = select(delivery.c.issue).where(delivery.c.issue == issue.c.id, delivery.c.state == DeliveryState.SENT.value)
    leaving = issue.c.state.in_([state.value for state in LEAVING])
    shown = [
        issue.c.digest.in_(digests),
        ~issue.c.private,
        or_(leaving, and_(issue.c.state == IssueState.CANCELLED.value, sent.exists())),
    ]
    if number > LARGEST:
        return ()
    if number:
        shown.append(issue.c.number == number)
    held = func.count(variant_entry.c.entry)
    key = (variant.c.issue, variant.c.variant)
    first = func.row_number().over(partition_by=variant.c.issue, order_by=(held.desc(), variant.c.variant))
    counted = (
        select(*key, held.label("held"), first.label("place"))
        .join(variant_entry, and_(variant_entry.c.issue == key[0], variant_entry.c.variant == key[1]))
        .join(issue, issue.c.id == variant.c.issue)
        .where(*shown)
        .group_by(*key)
        .subquery()
    )
    query = (
        select(issue, variant.c.variant, variant.c.subject, counted.c.held)
        .join(counted, and_(counted.c.issue == issue.c.id, counted.c.place == 1))
        .join(variant, and_(variant.c.issue == issue.c.id, variant.c.variant == counted.c.variant))
    )
    found = [Fullest(_issue(row), row.variant, row.subject, row.held) for row in connection.execute(query)]
    return tuple(sorted(found, key=lambda one: (one.issue.slot or one.issue.drafted, one.issue.id), reverse=True))


def titles(
    connection: Connection, variants: Collection[tuple[int, int]]
) -> dict[tuple[int, int], tuple[tuple[str, str], ...]]:
    """Name the entries of variants (issue's id, variant) by title and address, newest first."""
    key = (variant_entry.c.issue, variant_entry.c.variant)
    query = (
        select(*key, arrival.c.title, arrival.c.url)
        .join(issue, issue.c.id == variant_entry.c.issue)
        .join(arrival, and_(arrival.c.digest == issue.c.digest, arrival.c.entry == variant_entry.c.entry))
        .where(tuple_(*key).in_(list(variants)))
        .order_by(arrival.c.published.desc(), arrival.c.entry)
    )
    found: dict[tuple[int, int], tuple[tuple[str, str], ...]] = {}
    for row in connection.execute(query):
        place = (row.issue, row.variant)
        found[place] = (*found.get(place, ()), (row.title, row.url))
    return found


def set_private(connection: Connection, number: int, *, private: bool) -> None:
    """Keep an issue, by its id, out of the archive, or let it in."""
    connection.execute(update(issue).where(issue.c.id == number).values(private=private))


def entry_counts(connection: Connection, digest: str, cadence: str, most: int) -> tuple[int, ...]:
    """Count the entries of the last issues of a cadence that went out, newest first."""
    counted = func.count(func.distinct(variant_entry.c.entry))
    query = (
        select(counted)
        .join(issue, issue.c.id == variant_entry.c.issue)
        .where(issue.c.digest == digest, issue.c.cadence == cadence, issue.c.state != IssueState.CANCELLED.value)
        .group_by(issue.c.id)
        .order_by(issue.c.id.desc())
        .limit(most)
    )
    return tuple(connection.execute(query).scalars())


def last_drafted(connection: Connection, digest: str, cadence: str) -> datetime | None:
    """Tell when the last issue of a cadence was drafted."""
    query = select(func.max(issue.c.drafted)).where(
        issue.c.digest == digest, issue.c.cadence == cadence, issue.c.state != IssueState.CANCELLED.value
    )
    found: datetime | None = connection.execute(query).scalar_one()
    return found


def move(
    connection: Connection,
    number: int,
    state: IssueState,
    now: datetime,
    *,
    reason: str = "",
    release_at: datetime | None = None,
) -> None:
    """Lead an issue, by its id, to a state."""
    values = {"state": state.value, "reason": reason, "release_at": release_at, "touched": now}
    connection.execute(update(issue).where(issue.c.id == number).values(values))


def touch(connection: Connection, numbers: set[int], now: datetime) -> None:
    """Note that an engine has just worked on these issues."""
    connection.execute(update(issue).where(issue.c.id.in_(numbers)).values(touched=now))


def untouched(connection: Connection, since: datetime) -> tuple[tuple[Issue, datetime], ...]:
    """List the open issues that no engine has worked on since a moment, each with when one last did."""
    query = select(issue).where(issue.c.state == IssueState.OPEN.value, issue.c.touched < since)
    return tuple((_issue(row), row.touched) for row in connection.execute(query.order_by(issue.c.id)))


def discard(connection: Connection, number: int) -> None:
    """Delete an issue of which nothing was ever mailed, and the slot it stood for."""
    connection.execute(delete(slot).where(slot.c.issue == number))
    connection.execute(delete(delivery).where(delivery.c.issue == number))
    connection.execute(delete(variant_entry).where(variant_entry.c.issue == number))
    connection.execute(delete(variant).where(variant.c.issue == number))
    connection.execute(delete(issue).where(issue.c.id == number))


def close_finished(connection: Connection) -> tuple[int, ...]:
    """Mark every open issue done whose deliveries are all final; returns their ids."""
    busy = [state.value for state in DeliveryState if state not in FINAL]
    waiting = select(delivery.c.issue).where(delivery.c.issue == issue.c.id, delivery.c.state.in_(busy)).exists()
    open_and_final = and_(issue.c.state == IssueState.OPEN.value, ~waiting)
    done = update(issue).where(open_and_final).values(state=IssueState.DONE.value).returning(issue.c.id)
    return tuple(sorted(connection.execute(done).scalars()))


def _issue(row: Row[*tuple[Any, ...]]) -> Issue:
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
        IssueState(row.state),
        row.reason,
        row.slot or row.drafted,
        row.release_at,
        row.private,
    )
