"""One connection: what it may ask, how long it may take, and the short way to an answer from memory.

The rules, each for a connection that is met bare, without a proxy in front of it:

- The head of a request (line and headers) and its body have a size and a time. A body is taken in whole before
  anybody is asked about it, so a slow one costs memory of a known size, and no thread.
- One request is answered at a time, in order. What a client sends meanwhile is left unread, or waits.
- What could be read in two ways (RFC 9112, 6.3 and 11.2) is refused (heads.py), and the connection ends with that.
- GET and HEAD are offered to the front first: bytes from memory, written at once. Only what the front does not know
  becomes a task and a call of the application.
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
from collections import deque
from contextlib import suppress
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from publisher.web.documents import PIECE, FilePart
from publisher.web.heads import Refused, read_head, weigh

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from publisher.web.documents import Answer
    from publisher.web.heads import Incoming
    from publisher.web.traffic import Traffic

_ENOUGH = 1 << 14  # bytes that a client has to take in a while to count as reading
_LINGERING = 100  # connections above the limit that are told why, not just closed


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

_READING = frozenset({b"GET", b"HEAD"})
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
        self._traffic, self._bounds = traffic, traffic.bounds
        self._phase = _FRESH
        self._busy = False  # an answer is under way: a further request has to wait
        self._deaf = False  # nothing that comes is heard any more
        self._begun = False  # a message has begun and is not complete
        self._suspect = False  # more came at once than a head may be: heads are measured
        self._paused = self._ended = False  # we do not read; the client will not write
        self._fed = 0  # bytes since the last message ended
        self._asked: Incoming | None = None
        self._body = bytearray()
        self._rest = bytearray()  # what came while an answer was under way
        self._waiting: deque[Incoming | bytes] = deque()  # requests, and as the last a refusal
        self._deadline = self._stall = self._left = inf

    # The transport's calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as in uvicorn
        """Take in a connection, or tell it that there are too many."""
        super().connection_made(transport)
        self._deadline = self._traffic.now + self._bounds.head_seconds
        if len(self.connections) > self._bounds.connections:
            self._make_room()

    def _make_room(self) -> None:
        idle = next(iter(self._traffic.idle), None)
        if idle is not None:
            idle.close()
        elif len(self.connections) > self._bounds.connections + _LINGERING:
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
        self._stall = self._traffic.now + self._bounds.write_seconds
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
            self._depart(self._bounds.write_seconds)
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
        self._depart(self._bounds.write_seconds)
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
        self._stall = now + self._bounds.write_seconds
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
        bounds, size = self._bounds, len(data)
        self._fed += size
        if self._fed > bounds.head or size > bounds.head:
            self._suspect = True
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:  # declined by answering; the connection ends with that
            self._deaf = True
        except httptools.HttpParserCallbackError as fault:
            if not isinstance(fault.__context__, Refused):
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
            self._deadline = self._traffic.now + self._bounds.head_seconds
        if self._asked is None and self._fed > self._bounds.head:
            self._refuse(431)
        elif self._fed > self._bounds.head + 8 * self._bounds.body:  # chunks of one byte, extensions, trailers
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
            raise Refused(400)
        parser, headers = self.parser, self.headers
        self.headers = []  # trailers are no headers of the request
        method, version, upgrades = parser.get_method(), parser.get_http_version(), parser.should_upgrade()
        try:
            if self._suspect or len(headers) > self._bounds.headers:
                weigh(self.url, headers, self._bounds)
            asked = read_head(method, self.url, version, headers, self._bounds, upgrades=upgrades)
        except Refused as refused:
            self._refuse(refused.status)
            raise
        asked.keep_alive = not upgrades and version == "1.1" and parser.should_keep_alive()
        self._asked = asked
        if asked.has_body:
            self._await_body()

    def _await_body(self) -> None:
        if self._busy:
            return
        self._phase = _BODY
        self._deadline = self._traffic.now + self._bounds.body_seconds
        asked = self._asked
        if asked and asked.expects:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._body += body
        if len(self._body) > self._bounds.body:
            self._refuse(413)
            raise Refused(413)

    def on_message_complete(self) -> None:
        """Answer, or have it wait for its turn."""
        asked = self._asked
        self._begun, self._fed, self._asked = False, 0, None
        if asked is None or self._deaf:
            return
        if self._body:
            asked.body = bytes(self._body)
            self._body.clear()
        if self._traffic.stopping or len(self._waiting) + 1 >= self._bounds.queued:
            asked.keep_alive = False
        if self._busy:
            self._waiting.append(asked)
            self._deaf = not asked.keep_alive
        else:
            self._begin(asked)

    # Answers

    def _begin(self, asked: Incoming) -> None:
        self._deaf = not asked.keep_alive
        if asked.method in _READING:  # a body of theirs means nothing (RFC 9110, 9.3.1), and is taken in by now
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

    def _answer(self, asked: Incoming, answer: Answer) -> None:
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
            self._deadline = self._traffic.now + self._bounds.idle_seconds

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

    def start(self, asked: Incoming) -> None:
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

    def _scope(self, asked: Incoming) -> Any:
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
            self._depart(self._bounds.write_seconds)
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
        self._deadline = self._traffic.now + self._bounds.idle_seconds
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
        self._depart(self._bounds.linger_seconds)
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
