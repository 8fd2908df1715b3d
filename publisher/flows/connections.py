"""The connections to a relay: threads that compose, hand over and judge, and put what they hear into one queue."""

from __future__ import annotations

import threading
import zlib
from collections import deque
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import PublisherError
from publisher.model.delivery import DeliveryState, Outcome
from publisher.rules.retry import judge

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from publisher.mail.compose import Message
    from publisher.mail.transports import Session, Transport
    from publisher.model.delivery import Claim
    from publisher.model.reply import Reply
    from publisher.store.journal import Journal

    Make = Callable[[Claim], Message]


class Heard(NamedTuple):
    """What became of a claim. ``relay``: the fault is the relay's, not the message's. ``fault`` ends the run."""

    outcome: Outcome
    relay: bool = False
    fault: BaseException | None = None


class _Job(NamedTuple):
    """A claim with its message."""

    claim: Claim
    message: Message


@dataclass(frozen=True, slots=True)
class Rules:
    """What a connection must know to go ahead and to judge. ``may_start`` is asked before any content leaves."""

    may_start: Callable[[], bool]
    clock: Callable[[], datetime]
    retry_for: timedelta


class Connections:
    """So many threads with a session each, started as there is work for them."""

    def __init__(self, transport: Transport, journal: Journal | None, rules: Rules, most: int) -> None:
        self._heard: deque[Heard] = deque()
        self._enough, self._ready = 1, threading.Event()
        self._transport, self._journal, self._rules, self._most = transport, journal, rules, most
        self._work: SimpleQueue[tuple[Claim, Make] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._stopping = False

    def put(self, claim: Claim, make: Make) -> None:
        """Have a message handed over; what becomes of it is heard later."""
        if len(self._threads) < self._most:
            thread = threading.Thread(target=self._serve, name=f"connection-{len(self._threads) + 1}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.put((claim, make))

    def heard(self, enough: int, seconds: float) -> list[Heard]:
        """Wait until ``enough`` results are there, or so long; take all there are.

        Nobody is woken for a single result: that would cost more than the message.
        """
        self._enough = enough
        if len(self._heard) < enough:
            self._ready.wait(seconds)
        self._ready.clear()
        return [self._heard.popleft() for _ in range(len(self._heard))]

    def stop(self) -> None:
        """Let no further message begin; those under way are finished and heard."""
        self._stopping = True

    def close(self) -> None:
        """End every thread, after what it has at hand."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        session = self._transport.session()
        try:
            job = self._next()
            while job is not None:
                following = self._at_hand()
                self._tell(self._handed_over(session, job, following))
                job = following or self._next()
        finally:
            session.close()

    def _next(self) -> _Job | None:
        """Wait for work, and write the message that it is for; None when there will be no more."""
        while (work := self._work.get()) is not None:
            if (job := self._written(*work)) is not None:
                return job
        return None

    def _at_hand(self) -> _Job | None:
        """Take the next work already where there is plenty, so that its envelope may go ahead; never wait for it."""
        if self._work.qsize() < self._most:
            return None
        try:
            work = self._work.get_nowait()
        except Empty:
            return None
        if work is None:
            self._work.put(None)  # it ends a thread, and none is to end with a message in its hand
            return None
        return self._written(*work)

    def _written(self, claim: Claim, make: Make) -> _Job | None:
        try:
            return _Job(claim, make(claim))
        except (ValueError, PublisherError) as fault:
            self._tell(self._judged(Outcome(claim, DeliveryState.FAILED, f"cannot be written: {fault}")))
        except BaseException as fault:  # noqa: BLE001 - raised again where the run is
            self._tell(Heard(Outcome(claim, DeliveryState.PLANNED), fault=fault))
        return None

    def _tell(self, heard: Heard) -> None:
        self._heard.append(heard)
        if len(self._heard) >= self._enough:
            self._ready.set()

    def _handed_over(self, session: Session, job: _Job, following: _Job | None) -> Heard:
        try:
            reply = session.hand_over(
                job.message, lambda: self._may_start(job.claim), following.message if following else None
            )
            return self._after(job.claim, reply)
        except BaseException as fault:  # noqa: BLE001 - as above
            return Heard(Outcome(job.claim, DeliveryState.PLANNED), fault=fault)

    def _may_start(self, claim: Claim) -> bool:
        if self._stopping or not self._rules.may_start():
            return False
        if self._journal is not None:
            self._journal.begin(claim)
        return self._rules.may_start()  # a process that slept over the line above has lost its turn

    def _after(self, claim: Claim, reply: Reply) -> Heard:
        if reply.accepted:  # what nearly all are: nothing to weigh
            return self._judged(Outcome(claim, DeliveryState.SENT, str(reply)))
        now = self._rules.clock()
        verdict = judge(
            reply,
            attempt=claim.attempt,
            begun=claim.begun or now,
            now=now,
            retry_for=self._rules.retry_for,
            jitter=jitter(claim),
        )
        if verdict.relay:  # nothing about this message: it is planned as before
            return self._judged(Outcome(claim, DeliveryState.PLANNED, verdict.detail, pause=verdict.pause), relay=True)
        return self._judged(
            Outcome(claim, verdict.state, verdict.detail, verdict.due_at, verdict.bounced, verdict.pause)
        )

    def _judged(self, outcome: Outcome, *, relay: bool = False) -> Heard:
        if self._journal is not None:
            self._journal.reply(outcome)
        return Heard(outcome, relay)


def jitter(claim: Claim) -> float:
    """A number from 0 to below 1 that follows from an attempt: equal runs wait equally long."""
    return zlib.crc32(f"{claim.issue}.{claim.subscriber}.{claim.attempt}".encode()) / 2**32
