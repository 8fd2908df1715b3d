"""Whatever bytes come, in whatever pieces: answers in order, faults that are the client's, and an end."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from uvicorn.config import Config
from uvicorn.server import ServerState

from publisher.web.documents import Answer
from publisher.web.protocol import Connection
from publisher.web.traffic import Bounds, Traffic

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

    from publisher.web.heads import Header


class Plug:
    """A socket that is none."""

    def setsockopt(self, *_: object) -> None:
        raise OSError

    def fileno(self) -> int:
        raise OSError


@dataclass(slots=True)
class Wire:
    """The transport's side: what was written, and whether it is closed."""

    written: bytearray = field(default_factory=bytearray)
    closed: bool = False
    ended: bool = False
    paused: bool = False
    is_made: bool = False
    plug: Plug = field(default_factory=Plug)

    def write(self, data: bytes) -> None:
        assert not self.ended, "written after the end"
        assert not self.closed
        self.written += data

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.write(b"".join(pieces))

    def write_eof(self) -> None:
        assert not self.closed
        self.ended = True

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_extra_info(self, name: str) -> Plug | None:
        return self.plug if name == "socket" and self.is_made else None

    def get_write_buffer_size(self) -> int:
        return 0


def front(_: bytes, path: bytes, __: list[Header]) -> Answer | None:
    return Answer(200, ((b"content-length", b"4"),), b"fast") if path == b"/fast" else None


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    body = (await receive())["body"]
    words = b"%b %b" % (scope["method"].encode(), body)
    await asyncio.sleep(0)
    headers = [(b"content-length", b"%d" % len(words))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": words})


BOUNDS = Bounds(head=400, headers=20, body=100, queued=6)


async def met(pieces: list[bytes]) -> Wire:
    """What a client gets that sends these pieces, each as soon as it is read, and then no more."""
    state, traffic, wire = ServerState(), Traffic(front, BOUNDS), Wire()
    config = Config(app, log_config=None, ws="none", lifespan="off", interface="asgi3", proxy_headers=False)
    config.load()
    traffic.look(state, 0)
    connection = Connection(traffic, config, state, _loop=asyncio.get_running_loop())
    connection.connection_made(cast("asyncio.Transport", wire))
    wire.is_made = True
    for piece in pieces:
        for _ in range(200):
            if not wire.paused:
                break
            await asyncio.sleep(0)
        if wire.closed:
            break
        connection.data_received(piece)
    while state.tasks or connection._busy:  # noqa: ASYNC110 - the loop has nothing else to do
        await asyncio.sleep(0)
    for seconds in (1, 60, 120, 180):  # every deadline there is
        traffic.look(state, seconds)
    connection.connection_lost(None)
    return wire


LINES = st.sampled_from(
    [b"GET /fast HTTP/1.1", b"GET / HTTP/1.1", b"POST /x?y HTTP/1.1", b"HEAD /fast HTTP/1.0", b"GET http://a/ HTTP/1.1",
     b"CONNECT a:1 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"PRI * HTTP/2.0", b"GET /%00%ff HTTP/1.1", b"GET /", b""]
)  # fmt: skip
FIELDS = st.sampled_from(
    [b"Host: a", b"Host:", b"Content-Length: 5", b"Content-Length: 500", b"Content-Length: -1", b"Connection: close",
     b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip", b"Expect: 100-continue", b"Expect: x", b"Upgrade: h2c",
     b"Connection: Upgrade", b"X : y", b" folded", b"X: " + b"y" * 390, b"X: y\nZ: z", b"\xff: \xff", b": x", b"x"]
)  # fmt: skip
BODIES = st.sampled_from(
    [b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"0\r\nX: y\r\n\r\n", b"x" * 300]
)


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    head = [draw(LINES), b"Host: a", *draw(st.lists(FIELDS, max_size=3))]
    end = draw(st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n"]))
    return end.join([*head, b"", draw(BODIES)])


@st.composite
def streams(draw: st.DrawFn) -> list[bytes]:
    whole = b"".join(draw(st.lists(st.one_of(messages(), messages(), st.binary(max_size=30)), max_size=6)))
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[at:end] for at, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if at < end]


class Said(logging.Handler):
    """Keeps what would be told the author."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@settings(deadline=None, max_examples=300)
@given(streams())
def test_no_bytes_are_a_fault_of_ours(pieces: list[bytes]) -> None:
    said = Said()
    logging.getLogger("uvicorn.error").addHandler(said)
    try:
        wire = asyncio.run(met(pieces))
    finally:
        logging.getLogger("uvicorn.error").removeHandler(said)
    assert said.lines == []
    assert wire.closed
    told = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", bytes(wire.written))]
    assert all(status < 500 or status in {501, 505} for status in told)
    refused = [status for status in told if status >= 400]
    assert len(refused) <= 1  # and then it is over
    assert not refused or told[-1] == refused[0]


PLAIN = {
    "f": (b"GET /fast HTTP/1.1\r\nHost: a\r\n\r\n", b"fast"),
    "s": (b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", b"GET "),
    "p": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"POST hello"),
    "c": (
        b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"PUT hello",
    ),
}


@settings(deadline=None, max_examples=300)
@given(st.text("fspc", min_size=1, max_size=6), st.data())
def test_plain_requests_are_answered_in_order_however_they_are_cut(kinds: str, data: st.DataObject) -> None:
    whole = b"".join(PLAIN[kind][0] for kind in kinds)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=8)))
    pieces = [whole[at:end] for at, end in zip([0, *cuts], [*cuts, len(whole)], strict=True) if at < end]
    wire = asyncio.run(met(pieces))
    bodies = [part.split(b"HTTP/1.1")[0] for part in bytes(wire.written).split(b"\r\n\r\n")[1:]]
    assert bodies == [PLAIN[kind][1] for kind in kinds]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 600), max_size=8))
def test_a_head_is_measured_however_it_is_cut(cuts: list[int]) -> None:
    for size, status in ((380, 200), (420, 431)):
        start = b"GET /fast HTTP/1.1\r\nHost: a\r\nX: "
        whole = start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"
        ends = sorted({min(cut, size) for cut in cuts} | {size})
        pieces = [whole[at:end] for at, end in zip([0, *ends], ends, strict=False) if at < end]
        assert re.findall(rb"HTTP/1.1 (\d+)", bytes(asyncio.run(met(pieces)).written)) == [b"%d" % status]
