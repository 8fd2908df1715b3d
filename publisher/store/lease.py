"""Who delivers: one engine a store with SQLite, held by a file lock; with PostgreSQL each under a lease that it renews.

A lease ends ten minutes after its last beat that was committed (RFC 5321 4.5.3.2.6: so long may a relay take to
answer). An engine reckons its own from before that commit, on a clock that runs while the machine sleeps, and ends
a minute sooner: once another may have taken its rows, it writes no message's content any more.
"""

from __future__ import annotations

import os
import platform
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from publisher.errors import StoreError
from publisher.store.lock import engine_lock
from publisher.store.tables import engine as engines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.store.database import Store

LEASE = 600.0  # seconds
MARGIN = 0.1  # of the lease, at its end: neither clocks nor commits are exact
BEATS = 20  # to a lease


def _awake() -> float:
    """Seconds on a clock that a sleeping machine does not stop."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Lease:
    """An engine's right to deliver. ``seconds`` is 0 where a lock on a file stands for it."""

    engine: str
    seconds: float
    awake: Callable[[], float] = _awake
    _beaten: float = field(default=0.0)

    def holds(self) -> bool:
        """Whether nobody can have taken this engine's rows yet."""
        return not self.seconds or self.awake() < self._beaten + self.seconds * (1 - MARGIN)

    def is_due(self) -> bool:
        """Whether it is time to renew it."""
        return bool(self.seconds) and self.awake() >= self._beaten + self.seconds / BEATS

    def beat(self, connection: Connection, now: datetime) -> float:
        """Renew it in an open transaction; give what ``beaten`` is to be called with once that is committed.

        Raises StoreError when another engine has taken this one's rows.
        """
        began = self.awake()
        if connection.execute(update(engines).where(engines.c.id == self.engine).values(beat=now)).rowcount == 0:
            raise StoreError(
                "this process was away for longer than its lease, and another has taken its work over",
                "Nothing is lost. Run it again if it is still wanted.",
            )
        return began

    def beaten(self, began: float) -> None:
        """Count from a renewal that was committed; ``began`` is when it was asked for."""
        self._beaten = began


@contextmanager
def engine(
    store: Store, name: str, clock: Callable[[], datetime], seconds: float = LEASE, awake: Callable[[], float] = _awake
) -> Iterator[Lease | None]:
    """Be an engine of the store for the block; None, at once, where another is the only one there may be."""
    if store.path is not None:
        with engine_lock(store.path) as ours:
            yield Lease(name, 0.0, awake) if ours else None
        return
    lease = Lease(name, seconds, awake)
    began = awake()
    with store.turning() as connection:
        now = clock()
        connection.execute(insert(engines).values(id=name, host=host(), started=now, beat=now))
    lease.beaten(began)
    try:
        yield lease
    finally:
        with store.turning() as connection:
            connection.execute(delete(engines).where(engines.c.id == name))


def ended_leases(connection: Connection, sending: frozenset[str], before: datetime) -> frozenset[str]:
    """Of the engines with rows under way, those whose lease ended: unknown ones, and last beats before a moment."""
    alive = set(connection.execute(select(engines.c.id).where(engines.c.beat >= before)).scalars())
    return sending - alive


def bury(connection: Connection, dead: frozenset[str]) -> None:
    """Strike engines from the table: one that only slept learns of it when it wakes."""
    connection.execute(delete(engines).where(engines.c.id.in_(dead)))


def host() -> str:
    """Name this machine and process, for people to read."""
    return f"{platform.node()}:{os.getpid()}"
