"""One connection: what it may ask, how long it may take, and the short way to an answer from memory.

The rules, each for a connection that is met bare, without a proxy in front of it:

- The head of a request (line and headers) and its body have a size and a time. A body is taken in whole before
  anybody is asked about it, so a slow one costs memory of a known size, and no thread.
- One request is answered at a time, in order. What a client sends meanwhile is left unread, or waits.
- What could be read in two ways (RFC 9112, 6.3 and 11.2) is refused, and the connection ends with the refusal: the
  parser sees to lengths, chunks and names; here are the rest.
- GET and HEAD without a body are offered to the front first: bytes from memory, written at once. Only what the front
  does not know becomes a task and a call of the application.
- A crowd does not keep the front waiting: the application begins with a few requests at a time.
- No timer for each request: all deadlines are looked at together, a few times a second.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import termios
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from email.utils import formatdate
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from publisher.web.documents import PIECE, FilePart

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from publisher.web.documents import Answer

    Header = tuple[bytes, bytes]
    # method, path as it came but without a query, headers with names in lower case
    Front = Callable[[bytes, bytes, list[Header]], Answer | None]

_ENOUGH = 1 << 14  # bytes that a client has to take in a while to count as reading
_LINGERING = 100  # connections above the limit that are told why, not just closed
_AT_ONCE = 8  # requests that the application begins with before the next look at what came


@dataclass(frozen=True, slots=True)
class Limits:
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

    def __init__(self, front: Front, limits: Limits) -> None:
        self.front, self.limits = front, limits
        self.idle: dict[Connection, None] = {}  # who waits for a further request, for the longest time first
        self.stopping = False
        self.now = 0.0
        self.date = b""
        self._late: deque[tuple[Connection, Asked]] = deque()  # what the application has yet to be asked

    def start(self, connection: Connection, asked: Asked) -> None:
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
            await asyncio.sleep(self.limits.look)

    def look(self, state: ServerState, now: float) -> None:
        """Do what is due at ``now``, in the loop's time."""
        self.now = now
        date = formatdate(time.time(), usegmt=True).encode()
        self.date = b"date: " + date + b"\r\n"
        state.default_headers = [(b"date", date)]
        for connection in tuple(state.connections):
            connection.look(now)  # type: ignore[union-attr] # this server makes no others


class Phase(Enum):
    """Where a connection is, which says what its deadline means."""

    FRESH = 1  # nothing came yet
    HEAD = 2  # a head has begun
    BODY = 3  # a body is coming
    BUSY = 4  # the application is making an answer, or a file is being sent
    DRAINING = 5  # the client has yet to take what was written
    IDLE = 6  # answered; another request may come
    LEAVING = 7  # the last was written; what comes is not heard any more


_FRESH, _HEAD, _BODY, _BUSY, _DRAINING, _IDLE, _LEAVING = Phase

_HOST, _LENGTH, _CODING, _EXPECT = b"host", b"content-length", b"transfer-encoding", b"expect"
_WATCHED = frozenset({_HOST, _LENGTH, _CODING, _EXPECT})
_READING = frozenset({b"GET", b"HEAD"})
_VERSIONS = frozenset({"1.1", "1.0"})
_SLASH = 0x2F
_INT = struct.Struct("i")
_RESET = struct.pack("ii", 1, 0)  # on closing, wait 0 seconds for the other side
_CLOSE, _END = b"connection: close\r\n\r\n", b"\r\n"
_WORDS = {
    400: "This request is not written as HTTP has it.",
    404: "It is not here any more.",
    405: "This is no proxy.",
    408: "The request did not come in time.",
    413: "The request's body is too large.",
    417: "That cannot be expected here.",
    431: "The request's headers are too large.",
    500: "Something went wrong here.",
    501: "This way to send a body is not known here.",
    503: "Too many are connected just now. Try again in a minute.",
    505: "Only HTTP/1.1 and HTTP/1.0 are spoken here.",
}


class _Refused(Exception):
    """Ends the parsing of what a refused client sent."""


@dataclass(slots=True)
class Asked:
    """A request as it came. ``path`` begins with a slash and is not decoded."""

    method: bytes
    path: bytes
    query: bytes
    version: str
    headers: list[Header]
    keep_alive: bool
    has_body: bool
    body: bytes = b""


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with limits, and with a front."""

    def __init__(
        self,
        traffic: Traffic,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any] | None = None,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state or {}, _loop)
        self.url: bytes = b""
        self._traffic, self._limits = traffic, traffic.limits
        self._phase = _FRESH
        self._busy = False  # an answer is under way: a further request has to wait
        self._deaf = False  # nothing that comes is heard any more
        self._begun = False  # a message has begun and is not complete
        self._suspect = False  # more came at once than a head may be: heads are measured
        self._paused = self._ended = False  # we do not read; the client will not write
        self._fed = 0  # bytes since the last message ended
        self._asked: Asked | None = None
        self._body = bytearray()
        self._rest = bytearray()  # what came while an answer was under way
        self._waiting: deque[Asked | bytes] = deque()  # requests, and as the last a refusal
        self._deadline = self._stall = self._left = inf

    # The transport's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Take in a connection, or tell it that there are too many."""
        super().connection_made(transport)
        self._deadline = self._traffic.now + self._limits.head_seconds
        if len(self.connections) > self._limits.connections:
            self._make_room()

    def _make_room(self) -> None:
        idle = next(iter(self._traffic.idle), None)
        if idle is not None:
            idle.close()
        elif len(self.connections) > self._limits.connections + _LINGERING:
            self.transport.abort()
        else:
            self._refuse(503)

    def data_received(self, data: bytes) -> None:
        """Hear what came, unless an answer is under way: it waits then, and the client with it."""
        if self._busy:
            if not self._deaf:
                self._rest += data
            self._paused = True
            self.transport.pause_reading()
            return
        if self._deaf:
            return
        self._traffic.idle.pop(self, None)
        self._feed(data)

    def eof_received(self) -> bool:  # type: ignore[override] # uvicorn always gives up
        """Let a client that has asked everything have its answers."""
        self._ended = True
        return self._busy

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._deaf = True
        self._traffic.idle.pop(self, None)
        self._waiting.clear()
        self._phase = _LEAVING
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Begin to watch whether the client reads."""
        super().pause_writing()
        self._stall = self._traffic.now + self._limits.write_seconds
        self._left = self._untaken()

    def resume_writing(self) -> None:
        """Go on after the client has read."""
        super().resume_writing()
        if self._phase is _DRAINING:
            self._next()

    # The server's calls

    def look(self, now: float) -> None:
        """Do what is due."""
        if self.flow.write_paused and now >= self._stall and not self._is_read(now):
            self._cut()
        elif self._phase is not _LEAVING and self.transport.is_closing():
            self._depart(self._limits.write_seconds)
        elif now >= self._deadline:
            self._expire(now)

    def shutdown(self) -> None:
        """End it: at once where nothing is under way, else after that."""
        if self._busy:
            self._deaf = True
            if self.cycle is not None:
                self.cycle.keep_alive = False
        elif self._phase in {_FRESH, _HEAD, _IDLE}:
            self.close()

    def close(self) -> None:
        """End it without a word, after what was written before."""
        self._depart(self._limits.write_seconds)
        self.transport.close()

    def _expire(self, now: float) -> None:
        if self._phase is _LEAVING:
            if not self._untaken():
                self.transport.abort()
            elif not self._is_read(now):
                self._cut()
        elif self._phase in {_HEAD, _BODY}:
            self._refuse(408)
        else:
            self.close()

    def _is_read(self, now: float) -> bool:
        """Whether the client took enough since the last look, and is given more time."""
        left = self._untaken()
        is_read = self._left - left >= _ENOUGH
        self._left = left
        self._stall = now + self._limits.write_seconds
        if self._phase is _LEAVING:
            self._deadline = self._stall
        return is_read

    def _untaken(self) -> int:
        """Bytes that the client has yet to take, those that the kernel holds included: it holds up to megabytes."""
        left = self.transport.get_write_buffer_size()
        with suppress(OSError):
            held = fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, bytes(4))
            left += int(_INT.unpack(held)[0])
        return left

    # What came

    def _feed(self, data: bytes) -> None:
        limits, size = self._limits, len(data)
        self._fed += size
        if self._fed > limits.head or size > limits.head:
            self._suspect = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # declined by answering; the connection ends with that
            self._deaf = True
        except httptools.HttpParserCallbackError as fault:
            if not isinstance(fault.__context__, _Refused):
                self.logger.exception("A request could not be read", exc_info=fault.__context__)
                self._refuse(500)
        except httptools.HttpParserError:
            self._refuse(400)
        if self._begun:
            self._measure()
        elif self._phase is _IDLE:
            self._traffic.idle[self] = None

    def _measure(self) -> None:
        """See whether a message that is not complete yet is too much already, and when it will be too late."""
        if self._phase in {_FRESH, _IDLE}:
            self._phase = _HEAD
            self._deadline = self._traffic.now + self._limits.head_seconds
        if self._asked is None and self._fed > self._limits.head:
            self._refuse(431)
        elif self._fed > self._limits.head + 8 * self._limits.body:  # chunks of one byte, extensions, trailers
            self._refuse(413)

    def on_message_begin(self) -> None:
        """Expect a head."""
        self._begun = True
        self.url = b""
        self.headers = []

    def on_url(self, url: bytes) -> None:
        """Take the target, which may come in pieces."""
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Judge the head."""
        if self._deaf:
            raise _Refused
        parser, headers, target = self.parser, self.headers, self.url
        self.headers = []  # trailers are no headers of the request
        version = parser.get_http_version()
        if self._suspect or len(headers) > self._limits.headers:
            self._weigh(headers)
        if version not in _VERSIONS:
            self._stop(505)
        method = parser.get_method()
        if target[0] != _SLASH or b"#" in target:
            target = self._read_target(method, target)
        has_body = self._judge(headers, version)
        upgrades = parser.should_upgrade()
        if upgrades and has_body:
            self._stop(400)  # the parser takes the body for the other protocol's
        keep_alive = not upgrades and version == "1.1" and parser.should_keep_alive()
        path, _, query = target.partition(b"?")
        self._asked = Asked(method, path, query, version, headers, keep_alive, has_body)
        if has_body:
            self._await_body()

    def _weigh(self, headers: list[Header]) -> None:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in headers)
        if size > self._limits.head or len(headers) > self._limits.headers:
            self._stop(431)

    def _read_target(self, method: bytes, target: bytes) -> bytes:
        """The path in a target that names a host too (RFC 9112, 3.2.2), which says nothing here."""
        if method == b"CONNECT":
            self._stop(405)
        try:
            url = httptools.parse_url(target)
        except httptools.HttpParserInvalidURLError:
            self._stop(400)
        if url.fragment is not None or url.host is None or url.schema not in {b"http", b"https"}:
            self._stop(400)
        return (url.path or b"/") + (b"?" + url.query if url.query is not None else b"")

    def _judge(self, headers: list[Header], version: str) -> bool:
        """Whether a body follows."""
        hosts, has_body = 0, False
        for name, value in headers:
            if name in _WATCHED:
                if name == _HOST:
                    hosts += 1
                else:
                    has_body = self._announced(name, value, version) or has_body
        if hosts != 1 and (hosts or version == "1.1"):
            self._stop(400)  # RFC 9112, 3.2
        return has_body

    def _announced(self, name: bytes, value: bytes, version: str) -> bool:
        """Whether one of these headers announces a body."""
        if name == _LENGTH:
            length = int(value)
            if length > self._limits.body:
                self._stop(413)
            return length > 0
        if name == _CODING:
            if value.lower() != b"chunked":
                self._stop(501)
            if version == "1.0":
                self._stop(400)
            return True
        if value.lower() != b"100-continue":
            self._stop(417)
        return False

    def _await_body(self) -> None:
        if self._busy:
            return
        self._phase = _BODY
        self._deadline = self._traffic.now + self._limits.body_seconds
        asked = self._asked
        if asked and asked.version == "1.1" and any(name == _EXPECT for name, _ in asked.headers):
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body += body
        if len(self._body) > self._limits.body:
            self._stop(413)

    def on_message_complete(self) -> None:
        """Answer, or have it wait for its turn."""
        asked = self._asked
        self._begun, self._fed, self._asked = False, 0, None
        if asked is None or self._deaf:
            return
        if self._body:
            asked.body = bytes(self._body)
            self._body.clear()
        if self._traffic.stopping or len(self._waiting) + 1 >= self._limits.queued:
            asked.keep_alive = False
        if self._busy:
            self._waiting.append(asked)
            self._deaf = not asked.keep_alive
        else:
            self._begin(asked)

    # Answers

    def _begin(self, asked: Asked) -> None:
        self._deaf = not asked.keep_alive
        if not asked.has_body and asked.method in _READING:
            try:
                answer = self._traffic.front(asked.method, asked.path, asked.headers)
            except Exception:
                self.logger.exception("The front failed")
                self._refuse(500)
                return
            if answer is not None:
                self._answer(asked, answer)
                return
        self._occupy(_BUSY)
        self._traffic.start(self, asked)

    def _answer(self, asked: Asked, answer: Answer) -> None:
        body, lines = answer.body, answer.lines or b"".join(b"%b: %b\r\n" % header for header in answer.headers)
        end = _END if asked.keep_alive else _CLOSE
        head = b"".join((STATUS_LINE[answer.status], self._traffic.date, lines, end))
        if not body or asked.method == b"HEAD":
            self.transport.write(head)
        elif isinstance(body, FilePart):
            self._occupy(_BUSY)
            task = self.loop.create_task(self._send(head, body))
            task.add_done_callback(self.tasks.discard)
            self.tasks.add(task)
            return
        else:
            self.transport.writelines((head, body))
        if self._deaf:
            self._leave()
        elif self.flow.write_paused:
            self._occupy(_DRAINING)
        else:
            self._phase = _IDLE
            self._deadline = self._traffic.now + self._limits.idle_seconds

    async def _send(self, head: bytes, part: FilePart) -> None:
        """Send a part of a file, as fast as the client takes it; the loop never waits for the disk."""
        try:
            file = await self.loop.run_in_executor(None, part.open)
        except OSError:  # a publish put another in its place between the look and now
            self._busy = False
            self._refuse(404)
            return
        try:
            whole = await self._copy(head, file, part)
        except OSError:
            whole = False
        finally:
            os.close(file)
        if whole:
            self._next()
        else:  # shorter than it was: the client must not take this for all of it
            self.transport.abort()

    async def _copy(self, head: bytes, file: int, part: FilePart) -> bool:
        """Write what is read, in order; whether all of it was there."""
        at, end, piece = part.start, part.start + part.length, head
        while not self.transport.is_closing():
            self.transport.write(piece)
            if at >= end:
                return True
            await self.flow.drain()
            piece = await self.loop.run_in_executor(None, os.pread, file, min(PIECE, end - at), at)
            if not piece:
                return False
            at += len(piece)
        return False

    def start(self, asked: Asked) -> None:
        """Have the application answer, unless the client went away meanwhile."""
        if self._phase is not _BUSY:
            return
        cycle = RequestResponseCycle(
            scope=self._scope(asked),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=asked.keep_alive and not self._traffic.stopping,
            on_response=self._next,
        )
        cycle.body += asked.body
        cycle.more_body = False
        cycle.message_event.set()
        self.cycle = cycle
        self._start_asgi_task(cycle, self.app)

    def _scope(self, asked: Asked) -> Any:
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": asked.version,
            "method": asked.method.decode("ascii"),
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": self.root_path,
            "path": unquote(asked.path.decode("latin-1")),
            "raw_path": asked.path,
            "query_string": asked.query,
            "headers": asked.headers,
            "state": self.app_state.copy(),
        }

    def _occupy(self, phase: Phase) -> None:
        self._busy, self._phase, self._deadline = True, phase, inf

    def _next(self) -> None:
        """An answer is written: go on with what waits, or wait for more."""
        self._busy = False
        if self.transport.is_closing():
            self._depart(self._limits.write_seconds)
            return
        self._phase = _IDLE
        while self._waiting and self._phase is _IDLE:
            waiting = self._waiting.popleft()
            if isinstance(waiting, bytes):
                self._say(waiting)
            else:
                self._begin(waiting)
        if self._phase is _IDLE:
            self._rest_or_leave()

    def _rest_or_leave(self) -> None:
        if self._deaf or (self._traffic.stopping and not self._begun):
            self._leave()
            return
        self._deadline = self._traffic.now + self._limits.idle_seconds
        data = bytes(self._rest)
        self._rest.clear()
        if self._asked is not None:
            self._await_body()
        self._feed(data)
        if not self._busy and self._phase is not _LEAVING:
            self._hear()

    def _hear(self) -> None:
        if self._ended:
            self.close()
        elif self._paused:
            self._paused = False
            self.transport.resume_reading()

    # Endings

    def _stop(self, status: int) -> NoReturn:
        self._refuse(status)
        raise _Refused

    def _refuse(self, status: int) -> None:
        """Say why not, when it is this request's turn, and end the connection."""
        if self._phase is _LEAVING or (self._deaf and self._busy):  # its last word is said, or will be
            return
        words = _WORDS[status].encode() + b"\n"
        said = (
            STATUS_LINE[status] + self._traffic.date + b"content-type: text/plain; charset=utf-8\r\n"
            b"x-content-type-options: nosniff\r\ncache-control: no-store\r\n"
            + (b"retry-after: 60\r\n" if status == 503 else b"")  # noqa: PLR2004 - Service Unavailable
            + (b"content-length: %d\r\n" % len(words))
            + _CLOSE
            + words
        )
        self._deaf = True
        if self._busy:
            self._waiting.append(said)
        else:
            self._say(said)

    def _say(self, said: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(said)
            self._leave()

    def _leave(self) -> None:
        """End our side. The client's is heard a little longer: closing on unread bytes would take back the answer."""
        self._deaf = True
        self._depart(self._limits.linger_seconds)
        if self._ended:
            self.transport.close()
            return
        self.transport.write_eof()
        self._hear()

    def _cut(self) -> None:
        """End it, and have the kernel forget what it holds for a client that does not read."""
        with suppress(OSError):
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def _depart(self, seconds: float) -> None:
        self._traffic.idle.pop(self, None)
        self._deaf, self._busy, self._phase = True, False, _LEAVING
        self._left = inf
        self._deadline = self._traffic.now + seconds
