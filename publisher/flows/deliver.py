"""Deliver what the ledger holds: claim, hand over, record, until nothing is left.

Rows are committed as ``sending`` before their messages are handed over. A process that dies leaves them
so, and the next one hands them over again under the same names, which the transport knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import MailError
from publisher.mail.compose import compose
from publisher.model.delivery import DeliveryState, Outcome
from publisher.store import issues, ledger
from publisher.store.lock import engine_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.mail.compose import Message
    from publisher.mail.transports import Transport
    from publisher.model.delivery import Claim
    from publisher.model.issue import Content, Issue
    from publisher.store.database import Store

    Clock = Callable[[], datetime]

WINDOW = 100  # rows that may be ``sending`` at one time


@dataclass(frozen=True, slots=True)
class Progress:
    """An issue that this run worked on, with its deliveries counted by state."""

    issue: Issue
    counts: dict[DeliveryState, int]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a run delivered. ``elsewhere``: another process holds the store's engine and goes on with it."""

    worked_on: tuple[Progress, ...]
    elsewhere: bool = False


def deliver(store: Store, transport: Transport, engine: str, clock: Clock, *, window: int = WINDOW) -> Delivery:
    """Hand over every planned message of the store, oldest issue first.

    ``engine`` names this process in the ledger. Raises MailError when the transport cannot go on; what
    was not handed over is then planned again.
    """
    touched: set[int] = set()
    while _waiting(store):
        with engine_lock(store.path) as ours:
            if not ours:
                return Delivery(_progress(store, touched), elsewhere=True)
            touched |= _Run(store, transport, engine, clock, window).drain()
        # Someone may have drafted between our last look and giving the lock back: look again.
    return Delivery(_progress(store, touched))


def _waiting(store: Store) -> bool:
    with store.reading() as connection:
        return ledger.outstanding(connection) > 0


def _progress(store: Store, touched: set[int]) -> tuple[Progress, ...]:
    with store.reading() as connection:
        return tuple(
            Progress(issues.read_issue(connection, number), ledger.tally(connection, number))
            for number in sorted(touched)
        )


class _Run:
    """One engine's work while it holds the lock. Frozen content is read once a variant."""

    def __init__(self, store: Store, transport: Transport, engine: str, clock: Clock, window: int) -> None:
        self._store, self._transport, self._engine = store, transport, engine
        self._clock, self._window = clock, window
        self._issues: dict[int, Issue] = {}
        self._contents: dict[tuple[int, int], Content] = {}

    def drain(self) -> set[int]:
        """Work until no planned row is left; returns the ids of the issues worked on."""
        with self._store.writing() as connection:
            ledger.recover(connection, self._clock())
        outcomes: Sequence[Outcome] = ()
        touched: set[int] = set()
        while work := self._turn(outcomes):
            outcomes = self._hand_over(work)
            touched.update(claim.issue for claim, _ in work)
        return touched

    def _turn(self, outcomes: Sequence[Outcome]) -> list[tuple[Claim, Message]]:
        """Record and claim in one transaction; when nothing is left, close what is finished."""
        with self._store.writing() as connection:
            claims = ledger.turn(connection, self._engine, outcomes, self._window, self._clock())
            if not claims:
                issues.close_finished(connection)
            return [(claim, self._compose(connection, claim)) for claim in claims]

    def _compose(self, connection: Connection, claim: Claim) -> Message:
        if claim.issue not in self._issues:
            self._issues[claim.issue] = issues.read_issue(connection, claim.issue)
        key = (claim.issue, claim.variant)
        if key not in self._contents:
            self._contents[key] = issues.read_content(connection, *key)
        return compose(self._store.id, self._issues[claim.issue], self._contents[key], claim)

    def _hand_over(self, work: Sequence[tuple[Claim, Message]]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            for claim, message in work:
                outcomes.append(Outcome(claim, DeliveryState.SENT, self._transport.hand_over(message)))
        except MailError:
            left = [Outcome(claim, DeliveryState.PLANNED) for claim, _ in work[len(outcomes) :]]
            with self._store.writing() as connection:
                ledger.turn(connection, self._engine, [*outcomes, *left], 0, self._clock())
            raise
        return outcomes
