"""Deliver what the ledger holds: claim, hand over, record, until nothing is left.

Rows are committed as ``sending`` before their messages are handed over. A process that dies leaves them
so; the next one asks the transport, which knows messages by their names, and hands over only the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import MailError
from publisher.mail.compose import compose, message_name
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
        touched = {claim.issue for claim in self._settle_stranded()}
        outcomes: Sequence[Outcome] = ()
        while claims := self._turn(outcomes):
            outcomes = self._hand_over(claims)
            touched.update(claim.issue for claim in claims)
        return touched

    def _settle_stranded(self) -> tuple[Claim, ...]:
        """Ask the transport what it has of the messages that were under way when an engine died."""
        with self._store.writing() as connection:
            found = ledger.stranded(connection)
            ledger.settle(connection, [self._fate(claim) for claim in found], self._clock())
        return found

    def _fate(self, claim: Claim) -> Outcome:
        if self._transport.holds(message_name(self._store.id, claim)):
            return Outcome(claim, DeliveryState.SENT, "was there already")
        return Outcome(claim, DeliveryState.PLANNED)

    def _turn(self, outcomes: Sequence[Outcome]) -> tuple[Claim, ...]:
        """Record and claim in one transaction; when nothing is left, close what is finished."""
        with self._store.writing() as connection:
            claims = ledger.turn(connection, self._engine, outcomes, self._window, self._clock())
            self._fetch(connection, claims)
            if not claims:
                issues.close_finished(connection)
        return claims

    def _fetch(self, connection: Connection, claims: Sequence[Claim]) -> None:
        """Read what the claims' messages are made of, unless it is at hand."""
        for number in {claim.issue for claim in claims} - self._issues.keys():
            self._issues[number] = issues.read_issue(connection, number)
        for key in {(claim.issue, claim.variant) for claim in claims} - self._contents.keys():
            self._contents[key] = issues.read_content(connection, *key)

    def _hand_over(self, claims: Sequence[Claim]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            for claim in claims:
                said = self._transport.hand_over(self._message(claim))
                outcomes.append(Outcome(claim, DeliveryState.SENT, said))
        except MailError:
            left = [Outcome(claim, DeliveryState.PLANNED) for claim in claims[len(outcomes) :]]
            with self._store.writing() as connection:
                ledger.settle(connection, [*outcomes, *left], self._clock())
            raise
        return outcomes

    def _message(self, claim: Claim) -> Message:
        content = self._contents[claim.issue, claim.variant]
        return compose(self._store.id, self._issues[claim.issue], content, claim)
