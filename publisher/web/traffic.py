"""What the connections of a server share: their bounds, the time, and the order in which the application is asked."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.server import ServerState

    from publisher.web.documents import Answer
    from publisher.web.heads import Header, Incoming
    from publisher.web.protocol import Connection

    # method, path as it came but without a query, headers with names in lower case
    Front = Callable[[bytes, bytes, list[Header]], Answer | None]

_AT_ONCE = 8  # requests that the application begins with before the next look at what came


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes, seconds and numbers. ``queued`` are requests that wait behind the one that is being answered."""

    head: int = 16 * 1024
    headers: int = 100
    body: int = 64 * 1024
    queued: int = 16
    connections: int = 4_000
    head_seconds: float = 10
    body_seconds: float = 20
    idle_seconds: float = 30
    write_seconds: float = 30
    linger_seconds: float = 2

    @property
    def look(self) -> float:
        """Seconds between two looks at the deadlines."""
        shortest = min(self.head_seconds, self.body_seconds, self.idle_seconds, self.write_seconds, self.linger_seconds)
        return min(0.5, shortest / 4)


class Traffic:
    """What the connections of a server share."""

    def __init__(self, front: Front, bounds: Bounds) -> None:
        self.front, self.bounds = front, bounds
        self.idle: dict[Connection, None] = {}  # who waits for a further request, for the longest time first
        self.stopping = False
        self.now = 0.0
        self.date = b""
        self._late: deque[tuple[Connection, Incoming]] = deque()  # what the application has yet to be asked

    def start(self, connection: Connection, asked: Incoming) -> None:
        """Have the application asked: in order, and by a few at a time, for bytes from memory to go out in between."""
        self._late.append((connection, asked))
        if len(self._late) == 1:
            connection.loop.call_soon(self._start_some, connection.loop)

    def _start_some(self, loop: asyncio.AbstractEventLoop) -> None:
        some = [self._late.popleft() for _ in range(min(_AT_ONCE, len(self._late)))]
        if self._late:
            loop.call_soon(self._start_some, loop)
        for connection, asked in some:
            connection.start(asked)

    async def watch(self, state: ServerState) -> None:
        """Keep the time, and the deadlines of all connections; until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            self.look(state, loop.time())
            await asyncio.sleep(self.bounds.look)

    def look(self, state: ServerState, now: float) -> None:
        """Do what is due at ``now``, in the loop's time."""
        self.now = now
        date = formatdate(time.time(), usegmt=True).encode()
        self.date = b"date: " + date + b"\r\n"
        state.default_headers = [(b"date", date)]
        for connection in tuple(state.connections):
            connection.look(now)  # type: ignore[union-attr] # this server makes no others
