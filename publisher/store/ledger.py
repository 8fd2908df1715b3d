"""The ledger: deliveries and letters claimed, recorded, deferred and settled, one transaction at a time.

A row is ``sending``, in its engine's name, before its message is handed over. States move only as
model/delivery.py allows, and a result is recorded only while the row is still its engine's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, bindparam, func, literal, null, or_, select, update

from publisher.model.delivery import Claim, DeliveryState, ReleaseReason, may_become
from publisher.model.issue import IssueState
from publisher.model.letter import LetterKind
from publisher.model.subscriber import SubscriptionState, SuppressionReason
from publisher.store import bulk
from publisher.store.once import insert_once
from publisher.store.tables import delivery, issue, letter, subscriber, subscription, suppression

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Row, Select, Table

    from publisher.model.delivery import Outcome

    Found = Row[*tuple[Any, ...]]

_S = DeliveryState
_WAITING = (_S.PLANNED, _S.DEFERRED)


class Gone(NamedTuple):
    """A row whose reader is not to be mailed any more, to be released, and why."""

    claim: Claim
    reason: ReleaseReason


class Turn(NamedTuple):
    """What a turn claimed, and the rows that are to be released instead."""

    claims: tuple[Claim, ...]
    gone: tuple[Gone, ...]


class Open(NamedTuple):
    """An issue that is going out: its id and its digest."""

    id: int
    digest: str


def open_issues(connection: Connection) -> tuple[Open, ...]:
    """List what is going out, oldest first."""
    query = select(issue.c.id, issue.c.digest).where(issue.c.state == IssueState.OPEN.value).order_by(issue.c.id)
    return tuple(Open(row.id, row.digest) for row in connection.execute(query))


# Recording


def settle(connection: Connection, engine: str, outcomes: Iterable[Outcome], now: datetime) -> None:
    """Record what became of this engine's claims; rows that are not its own any more stay as they are."""
    outcomes = list(outcomes)
    for outcome in outcomes:
        require_step(_S.SENDING, outcome.state)
    bulk.settle(connection, delivery, [one for one in outcomes if not one.claim.is_letter], engine, now)
    bulk.settle(connection, letter, [one for one in outcomes if one.claim.is_letter], engine, now)
    _suppress(connection, [one for one in outcomes if one.bounced], now)
    for outcome in outcomes:
        if outcome.pause and not outcome.claim.is_letter:
            pause(connection, outcome.claim.issue, outcome.pause)


def _suppress(connection: Connection, bounced: Iterable[Outcome], now: datetime) -> None:
    """Never mail addresses again that do not exist."""
    found = {key: one.detail for one in bounced if (key := _key_of(connection, one.claim)) is not None}
    rows = [
        {"key": key, "reason": SuppressionReason.BOUNCE.value, "detail": found[key], "at": now} for key in sorted(found)
    ]
    insert_once(connection, suppression, rows)


def _key_of(connection: Connection, claim: Claim) -> str | None:
    """The address that a claim was for; None where the person was forgotten meanwhile, or is the editor."""
    person = claim.subscriber
    if claim.is_letter:
        query = select(letter.c.subscriber).where(letter.c.id == claim.subscriber)
        person = connection.execute(query).scalar_one_or_none() or 0
    return connection.execute(select(subscriber.c.key).where(subscriber.c.id == person)).scalar_one_or_none()


def pause(connection: Connection, number: int, reason: str) -> None:
    """Stop an open issue, by its id, for a person to look at."""
    still = and_(issue.c.id == number, issue.c.state == IssueState.OPEN.value)
    connection.execute(update(issue).where(still).values(state=IssueState.PAUSED.value, reason=reason))


# Claiming


def claim_letters(connection: Connection, engine: str, room: int, now: datetime) -> Turn:
    """Claim letters that are due, oldest first."""
    return _take(connection, letter, _LETTERS, {"now": now, "room": room}, engine, now)


def _letters_due() -> Select[*tuple[Any, ...]]:
    """Select letters that are due; parameters now, room."""
    query = (
        select(
            literal(0).label("issue"),
            letter.c.id.label("subscriber"),
            literal(0).label("variant"),
            letter.c.recipient.label("wire"),
            letter.c.token.label("unsubscribe_token"),
            suppression.c.reason,
            letter.c.attempt,
            letter.c.begun,
            letter.c.due_at,
            literal("").label("domain"),
        )
        .outerjoin(subscriber, subscriber.c.id == letter.c.subscriber)
        .outerjoin(suppression, and_(suppression.c.key == subscriber.c.key, _stops_letter()))
        .where(
            letter.c.state.in_([state.value for state in _WAITING]),
            letter.c.due_at <= bindparam("now", type_=letter.c.due_at.type),
        )
        .order_by(letter.c.id)
        .limit(bindparam("room"))
    )
    return _locked(query, letter)


def _stops_letter() -> ColumnElement[bool]:
    """A question, or a link that was asked for, reaches also who bounced or left. A complaint is for good."""
    asks = letter.c.kind.in_([LetterKind.CONFIRMATION.value, LetterKind.SETTINGS.value])
    return or_(~asks, suppression.c.reason == SuppressionReason.COMPLAINT.value)


def claim(
    connection: Connection,
    engine: str,
    going: Open,
    room: int,
    now: datetime,
    *,
    state: DeliveryState = _S.PLANNED,
    without: Collection[str] = (),
) -> Turn:
    """Claim at most ``room`` due rows of an issue in a waiting state, but none to the domains ``without``.

    Consent and suppression are read in the statement that picks the rows: who left since the drafting is
    never claimed, but told as gone.
    """
    query = _due().where(delivery.c.domain.not_in(sorted(without))) if without else _DUE
    given = {"issue": going.id, "digest": going.digest, "state": state.value, "now": now, "room": room}
    return _take(connection, delivery, query, given, engine, now)


def _rows(theirs: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    """Select rows with what decides about them: the subscription meant, and a suppression.

    These two are asked for row by row, by their keys. A planner that has not seen the tables yet would join them
    from their far end.
    """
    token = select(subscription.c.unsubscribe_token).where(theirs).scalar_subquery()
    reason = select(suppression.c.reason).where(suppression.c.key == subscriber.c.key).scalar_subquery()
    return (
        select(
            delivery.c.issue,
            delivery.c.subscriber,
            delivery.c.variant,
            subscriber.c.wire,
            token.label("unsubscribe_token"),
            reason.label("reason"),
            delivery.c.attempt,
            delivery.c.begun,
            delivery.c.due_at,
            delivery.c.domain,
        )
        .select_from(delivery)
        .join(issue, issue.c.id == delivery.c.issue)
        .join(subscriber, subscriber.c.id == delivery.c.subscriber)
    )


def _due() -> Select[*tuple[Any, ...]]:
    """Select what is due of an issue in a state; parameters issue, digest, state, now, room."""
    theirs = and_(
        subscription.c.subscriber == delivery.c.subscriber,
        subscription.c.digest == bindparam("digest"),
        subscription.c.state == SubscriptionState.CONFIRMED.value,
    )
    query = (
        _rows(theirs)
        .where(
            delivery.c.issue == bindparam("issue"),
            issue.c.state == IssueState.OPEN.value,
            delivery.c.state == bindparam("state"),
            delivery.c.due_at <= bindparam("now", type_=delivery.c.due_at.type),
        )
        .order_by(delivery.c.due_at, delivery.c.subscriber)
        .limit(bindparam("room"))
    )
    return _locked(query, delivery)


def _locked(query: Select[*tuple[Any, ...]], table: Table) -> Select[*tuple[Any, ...]]:
    """On PostgreSQL engines pass over each other's rows; SQLite has one engine and ignores this."""
    return query.with_for_update(of=table, skip_locked=True)


def _take(
    connection: Connection,
    table: Table,
    query: Select[*tuple[Any, ...]],
    given: Mapping[str, object],
    engine: str,
    now: datetime,
) -> Turn:
    claims: list[Claim] = []
    gone: list[Gone] = []
    for row in connection.execute(query, given).all():  # at once: each fetch would wait its turn among the threads
        if row.reason is not None:
            gone.append(Gone(_claim(row), ReleaseReason.SUPPRESSED))
        elif row.unsubscribe_token is None:
            gone.append(Gone(_claim(row), ReleaseReason.LEFT))
        else:
            claims.append(_claim(row, now))
    bulk.claim(connection, table, claims, engine, now)
    return Turn(tuple(claims), tuple(gone))


def _claim(row: Found, now: datetime | None = None) -> Claim:
    """A row as a claim; ``now`` where it is being claimed, and so is in its next attempt."""
    issue_, person, variant, wire, token, _, attempt, begun, due_at, domain = row
    if now is None:
        return Claim(issue_, person, variant, wire or "", token or "", domain, attempt, begun, due_at)
    return Claim(issue_, person, variant, wire or "", token or "", domain, attempt + 1, begun or now, now)


# made once: building a statement costs more than running it
_DUE, _LETTERS = _due(), _letters_due()


# What is left over


def stranded(connection: Connection, engine: str) -> tuple[Claim, ...]:
    """List the rows that an engine left in ``sending``. Only for an engine that is known to be dead."""
    return (*_in_state(connection, _S.SENDING, engine), *_letters_in(connection, _S.SENDING, engine))


def engines_sending(connection: Connection) -> frozenset[str]:
    """Name the engines that have rows in ``sending``, dead or alive."""
    found: set[str] = set()
    for table in (delivery, letter):
        query = select(table.c.engine).distinct().where(table.c.state == _S.SENDING.value)
        if table is delivery:
            query = query.where(delivery.c.issue.in_(select(issue.c.id).where(issue.c.state != IssueState.DONE.value)))
        found.update(connection.execute(query).scalars())
    return frozenset(found)


def doubtful(connection: Connection) -> tuple[Claim, ...]:
    """List the rows of which nobody knows yet whether their message was taken."""
    return (*_in_state(connection, _S.DOUBTFUL), *_letters_in(connection, _S.DOUBTFUL))


def _in_state(connection: Connection, state: DeliveryState, engine: str = "") -> tuple[Claim, ...]:
    anyone = and_(subscription.c.subscriber == delivery.c.subscriber, subscription.c.digest == issue.c.digest)
    alive = select(issue.c.id).where(issue.c.state.not_in([IssueState.DONE.value, IssueState.CANCELLED.value]))
    query = (
        _rows(anyone)
        .where(delivery.c.issue.in_(alive), delivery.c.state == state.value, delivery.c.engine == engine)
        .order_by(delivery.c.issue, delivery.c.subscriber)
    )
    return tuple(_claim(row) for row in connection.execute(query))


def _letters_in(connection: Connection, state: DeliveryState, engine: str = "") -> tuple[Claim, ...]:
    query = select(letter).where(letter.c.state == state.value, letter.c.engine == engine).order_by(letter.c.id)
    return tuple(
        Claim(0, row.id, 0, row.recipient, row.token, "", row.attempt, row.begun, row.due_at)
        for row in connection.execute(query)
    )


def decide(
    connection: Connection,
    before: DeliveryState,
    claim: Claim,
    after: DeliveryState,
    detail: str,
    *,
    due_at: datetime,
    now: datetime,
) -> None:
    """Lead one row to a state that was decided about it, with the reason."""
    table = letter if claim.is_letter else delivery
    own = letter.c.id == claim.subscriber
    if table is delivery:
        own = and_(delivery.c.issue == claim.issue, delivery.c.subscriber == claim.subscriber)
    state = require_step(before, after).value
    values = {"state": state, "detail": detail, "engine": "", "due_at": due_at, "changed": now}
    connection.execute(update(table).where(own, table.c.state == before.value).values(values))


def defer_due(connection: Connection, reason: str, until: datetime, now: datetime) -> int:
    """Put off everything that is due, for a relay that cannot be reached; returns how many rows that were."""
    going = select(issue.c.id).where(issue.c.state == IssueState.OPEN.value)
    waiting = [state.value for state in _WAITING]
    values = {"state": _S.DEFERRED.value, "detail": reason, "due_at": until, "changed": now}
    due = and_(delivery.c.issue.in_(going), delivery.c.state.in_(waiting), delivery.c.due_at <= now)
    letters = and_(letter.c.state.in_(waiting), letter.c.due_at <= now)
    return (
        connection.execute(update(delivery).where(due).values(values)).rowcount
        + connection.execute(update(letter).where(letters).values(values)).rowcount
    )


def hurry(connection: Connection, number: int, now: datetime) -> None:
    """Make the deferred rows of an issue (by its id) due now: its author asked to go on."""
    mine = and_(delivery.c.issue == number, delivery.c.state == _S.DEFERRED.value)
    connection.execute(update(delivery).where(mine).values(due_at=now, changed=now, begun=null()))


def send_held(connection: Connection, number: int, now: datetime) -> int:
    """Plan the held rows of an issue (by its id) anew; returns how many."""
    require_step(_S.HELD, _S.PLANNED)
    mine = and_(delivery.c.issue == number, delivery.c.state == _S.HELD.value)
    values = {"state": _S.PLANNED.value, "due_at": now, "changed": now}
    return connection.execute(update(delivery).where(mine).values(values)).rowcount


# Counting


def tally(connection: Connection, number: int) -> dict[DeliveryState, int]:
    """Count an issue's deliveries (by the issue's id) in each state."""
    query = select(delivery.c.state, func.count()).where(delivery.c.issue == number).group_by(delivery.c.state)
    return {DeliveryState(state): count for state, count in connection.execute(query)}


def reasons(connection: Connection, number: int, state: DeliveryState, most: int) -> tuple[tuple[str, int], ...]:
    """Count what was said of an issue's rows in a state, most frequent first."""
    query = (
        select(delivery.c.detail, func.count().label("rows"))
        .where(delivery.c.issue == number, delivery.c.state == state.value)
        .group_by(delivery.c.detail)
        .order_by(func.count().desc(), delivery.c.detail)
        .limit(most)
    )
    return tuple((row.detail, row.rows) for row in connection.execute(query))


def letters(connection: Connection) -> dict[DeliveryState, int]:
    """Count the letters in each state."""
    query = select(letter.c.state, func.count()).group_by(letter.c.state)
    return {DeliveryState(state): count for state, count in connection.execute(query)}


def next_due(connection: Connection) -> datetime | None:
    """Tell when the next row is due, overdue ones included; None when nothing waits."""
    waiting = [state.value for state in _WAITING]
    going = select(issue.c.id).where(issue.c.state == IssueState.OPEN.value)
    moments = [
        connection.execute(
            select(func.min(delivery.c.due_at)).where(delivery.c.issue.in_(going), delivery.c.state.in_(waiting))
        ).scalar_one(),
        connection.execute(select(func.min(letter.c.due_at)).where(letter.c.state.in_(waiting))).scalar_one(),
    ]
    return min((moment for moment in moments if moment is not None), default=None)


def require_step(before: DeliveryState, after: DeliveryState) -> DeliveryState:
    """Give the state after a step, if the state machine has it. Raises ValueError: a fault of ours."""
    if not may_become(before, after):
        raise ValueError(f"a delivery never goes from {before.value} to {after.value}")
    return after
