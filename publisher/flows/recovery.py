"""After a break: what became of messages that were under way, as far as anything can prove it.

The transport is asked where it knows messages by name; else the dead engine's journal, then the relay's log.
What stays in doubt is sent again under the same Message-ID, or held, as [mail] on_doubt says.
"""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.mail.addresses import parse_sender
from publisher.mail.compose import message_name
from publisher.mail.relay_log import Proof, prove
from publisher.model.delivery import DeliveryState, Outcome
from publisher.store import issues, journal, ledger, letters
from publisher.store.lease import bury, ended_leases
from publisher.store.release import release_claims

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.mail.transports import Transport
    from publisher.model.delivery import Claim
    from publisher.store.database import Store
    from publisher.store.journal import Left

_S = DeliveryState
SOON = timedelta(minutes=5)  # when a row that was refused for now before the break is due again
BEFORE = timedelta(seconds=1)  # a log tells whole seconds
LOOKS, PAUSE = 20, 0.5  # how often the log is read, and seconds between: a relay writes it a moment later


def recover(store: Store, transport: Transport, clock: Callable[[], datetime], *, lease: float) -> tuple[Claim, ...]:
    """Settle what dead engines left under way; returns those rows. ``lease`` is in seconds."""
    left = {one.engine: one for one in journal.left_behind(store.folder, store.id)}
    settled: list[Claim] = []
    with store.writing() as connection:
        now = clock()
        dead = dead_engines(connection, store, now, lease, frozenset(left))
        bury(connection, dead)
        for engine in sorted(dead):
            settled += _settle(connection, store, transport, engine, left.get(engine), now)
    for engine in left:
        journal.remove(store.folder, store.id, engine)
    return tuple(settled)


def dead_engines(
    connection: Connection, store: Store, now: datetime, lease: float, here: frozenset[str] | None = None
) -> frozenset[str]:
    """Name the engines that left rows under way and work no more.

    With SQLite all of them, for whoever holds the store's lock. With PostgreSQL those whose lease ended, and
    those of this machine whose journal nobody holds any more: ``here``, where they were looked up before.
    """
    sending = ledger.engines_sending(connection)
    if not sending or store.path is not None:
        return sending
    if here is None:
        here = frozenset(one.engine for one in journal.left_behind(store.folder, store.id))
    return frozenset(sending & here) | ended_leases(connection, sending, now - timedelta(seconds=lease))


def _settle(
    connection: Connection, store: Store, transport: Transport, engine: str, left: Left | None, now: datetime
) -> tuple[Claim, ...]:
    claims = ledger.stranded(connection, engine)
    fates = [_fate(store, transport, claim, left, now) for claim in claims]
    released = [fate for fate in fates if fate.state is _S.RELEASED]
    for fate in released:
        release_claims(connection, [fate.claim], _S.SENDING, fate.detail, now)
    ledger.settle(connection, engine, [fate for fate in fates if fate.state is not _S.RELEASED], now)
    return claims


def _fate(store: Store, transport: Transport, claim: Claim, left: Left | None, now: datetime) -> Outcome:
    if transport.remembers:
        if transport.holds(message_name(store.id, claim)):
            return Outcome(claim, _S.SENT, "was there already")
        return Outcome(claim, _S.PLANNED, due_at=now)
    noted = left.noted.get(journal.key_of(claim)) if left else None
    if noted is None:
        if left is not None and left.whole:
            return Outcome(claim, _S.PLANNED, "was not begun when the process died", due_at=now)
        return Outcome(claim, _S.DOUBTFUL, "the process died, and its journal is lost")
    if noted.state is None:
        return Outcome(claim, _S.DOUBTFUL, "the process died while this message was under way")
    due = now + SOON if noted.state is _S.DEFERRED else None
    return Outcome(claim, noted.state, noted.detail, due_at=due, bounced=noted.bounced)


def settle_doubts(
    store: Store,
    clock: Callable[[], datetime],
    *,
    relay_log: str,
    on_doubt: str,
    retry_for: timedelta,
    again_after: Callable[[int], timedelta],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Claim, ...]:
    """Decide about every doubtful row; returns those rows.

    ``again_after`` tells how long a row waits that was tried so often; one that was tried for longer than
    ``retry_for`` is held, whatever ``on_doubt`` says.
    """
    with store.reading() as connection:
        claims = ledger.doubtful(connection)
        ids = {claim: _message_id(connection, store, claim) for claim in claims}
    if not claims:
        return ()
    proofs = _proofs(Path(relay_log), ids, clock(), sleep) if relay_log else {}
    with store.writing() as connection:
        now = clock()
        for claim in claims:
            state, detail = _verdict(proofs.get(ids[claim], Proof.UNKNOWN), claim, on_doubt, now - retry_for)
            due = now + again_after(claim.attempt) if state is _S.PLANNED else now
            ledger.decide(connection, _S.DOUBTFUL, claim, state, detail, due_at=due, now=now)
    return claims


def _verdict(proof: Proof, claim: Claim, on_doubt: str, oldest: datetime) -> tuple[DeliveryState, str]:
    if proof is Proof.ACCEPTED:
        return _S.SENT, "the relay's log shows that it was taken"
    if proof is Proof.NOT_ACCEPTED:
        return _S.PLANNED, "the relay's log shows that it was not taken"
    if on_doubt == "hold":
        return _S.HELD, "nobody knows whether it was taken"
    if claim.begun is not None and claim.begun < oldest:
        return _S.HELD, "nobody knows whether it was taken, after many tries"
    return _S.PLANNED, "sent again: nobody knows whether it was taken"


def _proofs(log: Path, ids: dict[Claim, str], over: datetime, sleep: Callable[[float], None]) -> dict[str, Proof]:
    """Read the log until it knows of each message, or had time enough to. Nothing was handed over after ``over``."""
    since = min((claim.started for claim in ids if claim.started), default=over) - BEFORE
    found: dict[str, Proof] = {}
    for look in range(LOOKS):
        if look:
            sleep(PAUSE)
        found = prove(log, ids.values(), since, over + timedelta(seconds=look * PAUSE), over=over)
        if Proof.UNKNOWN not in found.values():
            break
    return found


def _message_id(connection: Connection, store: Store, claim: Claim) -> str:
    if claim.is_letter:
        sender = letters.read(connection, claim.subscriber).sender
    else:
        sender = issues.read_issue(connection, claim.issue).sender
    return f"{message_name(store.id, claim)}@{parse_sender(sender, '[mail] from').domain}"
