"""The server on a real socket, met by clients that know better, worse, or nothing of HTTP."""

from __future__ import annotations

import errno
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

from publisher.errors import PublisherError
from publisher.model.settings import WebSettings
from publisher.web.documents import Answer, FilePart, ready
from publisher.web.folder import Stamp
from publisher.web.running import WebServer
from publisher.web.traffic import Bounds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from publisher.web.heads import Header

LOCALHOST = "127.0.0.1"
PATIENCE = 30  # seconds until a server that does not answer is a fault
QUICK = Bounds(head_seconds=0.6, body_seconds=0.6, idle_seconds=0.6, write_seconds=0.6, linger_seconds=0.2)
FEED = b"<rss/>" * 1000
GET = b"GET /%b HTTP/1.1\r\nHost: example.org\r\n\r\n"


def part(path: Path, start: int, length: int) -> FilePart:
    """A part of a file as it is now."""
    return FilePart(os.fspath(path), start, length, Stamp.of(path.stat()))


@dataclass(slots=True)
class Site:
    """A front that knows some paths, and an application that echoes, waits, or fails."""

    files: dict[bytes, Answer] = field(default_factory=dict)
    gate: threading.Event = field(default_factory=threading.Event)
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: list[str] = field(default_factory=list)

    def front(self, _: bytes, path: bytes, headers: list[Header]) -> Answer | None:
        if path == b"/broken-front":
            raise ValueError("out of ink")
        if path == b"/feed.xml":
            if (b"if-none-match", b'"1"') in headers:
                return ready(304, ((b"etag", b'"1"'),))
            return ready(200, ((b"content-length", b"%d" % len(FEED)), (b"etag", b'"1"')), FEED)
        return self.files.get(path)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        import anyio.to_thread  # noqa: PLC0415 - as routes do it

        self.asked.append(f"{scope['method']} {scope['path']}")
        body = (await receive())["body"]
        if scope["path"] == "/wait":
            self.waiting.release()
            await anyio.to_thread.run_sync(self.gate.wait, PATIENCE)
        if scope["path"] == "/boom":
            raise ValueError("out of ink")
        words = body or scope["path"].encode()
        headers = [(b"content-length", b"%d" % len(words))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": words})


@contextmanager
def serving(
    site: Site, bounds: Bounds | None = None, host: str = LOCALHOST, patience: float = 10
) -> Iterator[WebServer]:
    ready = threading.Event()
    server = WebServer(
        site.app,
        site.front,
        WebSettings(host=host, port=0),
        ready=lambda _: ready.set(),
        bounds=bounds,
        patience=patience,
    )
    thread = threading.Thread(target=server.serve)
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        yield server
    finally:
        site.gate.set()
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Client:
    """A raw connection. ``answer`` reads one answer; ``rest`` reads until the server closes."""

    def __init__(self, server: WebServer, receive: int = 0) -> None:
        self.socket = socket.socket()
        if receive:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((LOCALHOST, server.port))
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *words: bytes) -> Self:
        self.socket.sendall(b"".join(words))
        return self

    def answer(self, *, head: bool = False) -> tuple[int, bytes, bytes]:
        """Status, headers, body."""
        while b"\r\n\r\n" not in self._read:
            self._more()
        top, _, self._read = self._read.partition(b"\r\n\r\n")
        status = int(top.split(b" ")[1])
        length = re.search(rb"content-length: (\d+)", top)
        size = int(length[1]) if length and not head and status != 304 else 0
        while len(self._read) < size:
            self._more()
        body, self._read = self._read[:size], self._read[size:]
        return status, top, body

    def rest(self) -> bytes:
        while True:
            try:
                came = self.socket.recv(1 << 16)
            except ConnectionResetError:
                came = b""
            if not came:
                return self._read
            self._read += came

    def _more(self) -> None:
        came = self.socket.recv(1 << 16)
        assert came, f"the server closed after {self._read!r}"
        self._read += came


@pytest.fixture(scope="module")
def usual() -> Iterator[tuple[Site, WebServer]]:
    """A server with the limits it has in earnest."""
    site = Site()
    with serving(site) as server:
        yield site, server


@pytest.fixture
def server(usual: tuple[Site, WebServer]) -> WebServer:
    return usual[1]


# The short way and the long one


def test_the_front_answers_without_the_application(usual: tuple[Site, WebServer]) -> None:
    site, server = usual
    before = len(site.asked)
    with Client(server) as client:
        status, head, body = client.say(GET % b"feed.xml").answer()
        assert (status, body) == (200, FEED)
        assert b"\r\ndate: " in head
        assert b"server:" not in head.lower()
        assert client.say(GET % b"page").answer()[2] == b"/page"  # the same connection, by the application
        status, _, body = client.say(b'GET /feed.xml HTTP/1.1\r\nHost: a\r\nIf-None-Match: "1"\r\n\r\n').answer()
        assert (status, body) == (304, b"")
    assert site.asked[before:] == ["GET /page"]


def test_a_body_that_means_nothing_is_taken_in_and_changes_no_answer(usual: tuple[Site, WebServer]) -> None:
    site, server = usual
    before = len(site.asked)
    with Client(server) as client:
        client.say(b"GET /feed.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ", GET % b"feed.xml")
        assert [client.answer()[::2] for _ in range(2)] == [(200, FEED), (200, FEED)]
    assert len(site.asked) == before


def test_open_connections_are_counted() -> None:
    with serving(Site()) as server, Client(server) as one, Client(server) as other:
        for client in (one, other):
            client.say(GET % b"feed.xml").answer()
        assert server.connections == 2


def test_head_has_the_headers_alone(server: WebServer) -> None:
    with Client(server) as client:
        status, head, _ = client.say(b"HEAD /feed.xml HTTP/1.1\r\nHost: a\r\n\r\n").answer(head=True)
        assert status == 200
        assert b"content-length: %d" % len(FEED) in head
        assert client.say(GET % b"feed.xml").answer()[2] == FEED


def test_what_is_piped_is_answered_in_order(usual: tuple[Site, WebServer]) -> None:
    site, server = usual
    site.gate.clear()
    last, body = GET % b"last", post(b"body", b"Content-Length: 4")
    with Client(server) as client:
        client.say(GET % b"feed.xml", GET % b"wait", GET % b"feed.xml", body, GET % b"feed.xml", last[:9])
        assert client.answer()[2] == FEED
        assert site.waiting.acquire(timeout=PATIENCE)
        client.say(last[9:], GET % b"feed.xml")  # while another is waited for
        assert not select.select([client.socket], [], [], 0)[0]
        site.gate.set()
        assert [client.answer()[2] for _ in range(6)] == [b"/wait", FEED, b"body", FEED, b"/last", FEED]


def test_more_than_can_wait_are_answered_as_far_as_they_waited(usual: tuple[Site, WebServer]) -> None:
    site, server = usual
    site.gate.clear()
    with Client(server) as client:
        client.say(GET % b"wait", (GET % b"feed.xml") * 100)
        assert site.waiting.acquire(timeout=PATIENCE)
        site.gate.set()
        told = client.rest()
    answers = told.count(b"HTTP/1.1 200 OK")
    assert 2 <= answers <= 1 + Bounds().queued
    assert told.count(b"connection: close") == 1
    assert told.endswith(FEED)


def test_many_piped_requests_to_the_front_are_all_answered(server: WebServer) -> None:
    with Client(server) as client:
        client.say(b'GET /feed.xml HTTP/1.1\r\nHost: a\r\nIf-None-Match: "1"\r\n\r\n' * 500)
        assert [client.answer()[0] for _ in range(500)] == [304] * 500


def test_a_client_that_said_all_it_has_to_say_is_answered(usual: tuple[Site, WebServer]) -> None:
    site, server = usual
    site.gate.clear()
    with Client(server) as client:
        client.say(GET % b"wait", GET % b"feed.xml").socket.shutdown(socket.SHUT_WR)
        assert site.waiting.acquire(timeout=PATIENCE)
        site.gate.set()
        assert client.answer()[2] == b"/wait"
        assert client.answer()[2] == FEED
        assert client.rest() == b""


def test_half_a_request_and_an_end_is_no_fault(server: WebServer) -> None:
    with Client(server) as client:
        client.say(GET[:20]).socket.shutdown(socket.SHUT_WR)
        assert client.rest() == b""


@pytest.mark.parametrize("version", [b"HTTP/1.0\r\n\r\n", b"HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"])
@pytest.mark.parametrize("path", [b"feed.xml", b"page"])
def test_a_connection_that_is_to_end_ends(server: WebServer, version: bytes, path: bytes) -> None:
    with Client(server) as client:
        told = client.say(b"GET /" + path + b" " + version, GET % b"feed.xml").rest()
    assert told.startswith(b"HTTP/1.1 200")
    assert b"\r\nconnection: close\r\n" in told
    assert told.count(b"HTTP/1.1") == 1


def test_parts_of_files_are_sent_whole_and_in_order(usual: tuple[Site, WebServer], tmp_path: Path) -> None:
    site, server = usual
    content = os.urandom(3_000_000)
    (tmp_path / "film").write_bytes(content)
    film = part(tmp_path / "film", 10, 2_500_000)
    headers = ((b"content-length", b"2500000"),)
    site.files[b"/film"] = Answer(206, headers, film)
    with Client(server) as client:
        client.say(GET % b"film", GET % b"feed.xml", b"HEAD /film HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.answer()[2] == content[10:2_500_010]
        assert client.answer()[2] == FEED
        assert client.answer(head=True)[0] == 206
        assert client.say(GET % b"film").answer()[2] == content[10:2_500_010]


def test_a_file_that_is_gone_or_shorter_is_not_passed_off_as_whole(
    usual: tuple[Site, WebServer], tmp_path: Path
) -> None:
    site, server = usual
    film, other = tmp_path / "film", tmp_path / "other"
    film.write_bytes(b"short")
    other.write_bytes(b"as long")
    headers = ((b"content-length", b"100"),)
    site.files[b"/gone"] = Answer(200, headers, part(other, 0, 7))
    site.files[b"/film"] = Answer(200, headers, part(film, 0, 100))
    other.unlink()
    other.write_bytes(b"another")
    with Client(server) as client:
        assert client.say(GET % b"gone").answer()[0] == 404
    with Client(server) as client:
        assert client.say(GET % b"film").rest().count(b"short") <= 1  # cut off, with fewer bytes than were told


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("path", [b"boom", b"broken-front"])
def test_faults_of_ours_say_nothing_of_the_inside(
    server: WebServer, path: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(server) as client:
        told = client.say(GET % path).rest()
    assert told.startswith(b"HTTP/1.1 500")
    assert b"ink" not in told
    assert "out of ink" in caplog.text


# Sizes


def head_of(size: int) -> bytes:
    start = b"GET /feed.xml HTTP/1.1\r\nHost: a\r\nX: "
    return start + b"x" * (size - len(start) - 4) + b"\r\n\r\n"


def test_a_head_may_be_large_but_not_too_large(server: WebServer) -> None:
    with Client(server) as client:
        assert client.say(head_of(16_000)).answer()[0] == 200
        assert client.say(GET % b"feed.xml" * 10, head_of(16_000)).answer()[0] == 200
        for _ in range(10):
            assert client.answer()[0] == 200
        assert client.say(head_of(17_000)).answer()[0] == 431
        assert client.rest() == b""


@pytest.mark.parametrize(
    "words",
    [
        b"GET /" + b"a" * 20_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x" * 20_000,
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 101 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 5_000,
    ],
)
def test_heads_that_never_end_are_refused_before_they_do(server: WebServer, words: bytes) -> None:
    with Client(server) as client:
        assert client.say(words).answer()[0] == 431
        assert client.rest() == b""
    with Client(server) as client:  # and in small pieces
        for at in range(0, len(words), 997):
            client.say(words[at : at + 997])
        assert client.answer()[0] == 431


def post(body: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([b"POST /echo HTTP/1.1", b"Host: a", *headers, b"", body])


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_bodies_come_whole(server: WebServer) -> None:
    body = os.urandom(65_536)
    with Client(server) as client:
        assert client.say(post(body, b"Content-Length: 65536")).answer()[2] == body
        assert client.say(post(chunked(body, 1000), b"Transfer-Encoding: chunked")).answer()[2] == body
        assert client.say(post(chunked(body[:9000], 1), b"Transfer-Encoding: Chunked")).answer()[2] == body[:9000]
        assert client.say(post(b"", b"Content-Length: 0")).answer()[2] == b"/echo"
        assert client.say(post(b"")).answer()[2] == b"/echo"


@pytest.mark.parametrize(
    "words",
    [
        post(b"x", b"Content-Length: 65537"),
        post(b"", b"Content-Length: 65537", b"Expect: 100-continue"),
        post(chunked(b"x" * 65_537, 8_000), b"Transfer-Encoding: chunked"),
        post(b"1;" + b"e" * 600_000, b"Transfer-Encoding: chunked"),
        post(b"0\r\n" + b"T: t\r\n" * 100_000, b"Transfer-Encoding: chunked"),
    ],
    ids=["told", "asked", "chunks", "extension", "trailers"],
)
def test_bodies_that_are_too_large_are_refused(usual: tuple[Site, WebServer], words: bytes) -> None:
    site, server = usual
    before = len(site.asked)
    with Client(server) as client:
        sent = threading.Thread(target=client.say, args=(words,))
        sent.start()
        status, head, _ = client.answer()
        assert status == 413
        assert b"connection: close" in head
        client.socket.shutdown(socket.SHUT_RDWR)
        sent.join(PATIENCE)
    assert len(site.asked) == before


def test_who_asks_first_is_told_to_go_on(server: WebServer) -> None:
    with Client(server) as client:
        client.say(post(b"", b"Content-Length: 4", b"Expect: 100-continue"))
        assert client.answer()[0] == 100
        assert client.say(b"body").answer()[2] == b"body"
        assert client.say(post(b"", b"Content-Length: 4", b"Expect: the-unexpected")).answer()[0] == 417


def test_trailers_are_no_headers(usual: tuple[Site, WebServer]) -> None:
    _, server = usual
    with Client(server) as client:
        words = post(b"1\r\nx\r\n0\r\nX-Forwarded-For: 1.2.3.4\r\nHost: b\r\n\r\n", b"Transfer-Encoding: chunked")
        assert client.say(words).answer()[::2] == (200, b"x")
        assert client.say(GET % b"feed.xml").answer()[0] == 200


# What can be read in two ways


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", 400),
        (b"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: a\n\n", 400),
        (b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /#part HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
        (b"GET /\r\n\r\n", 505),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (post(b"abc", b"Content-Length: 3", b"Content-Length: 3"), 400),
        (post(b"abc", b"Content-Length: 3", b"Content-Length: 4"), 400),
        (post(b"abc", b"Content-Length: +3"), 400),
        (post(b"abc", b"Content-Length: 3, 3"), 400),
        (post(b"abc", b"Content-Length: " + b"9" * 30), 400),
        (post(b"0\r\n\r\n", b"Content-Length: 5", b"Transfer-Encoding: chunked"), 400),
        (post(b"0\r\n\r\n", b"Transfer-Encoding: chunked", b"Content-Length: 5"), 400),
        (post(b"0\r\n\r\n", b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), 400),
        (post(b"0\r\n\r\n", b"Transfer-Encoding: xchunked"), 501),
        (post(b"0\r\n\r\n", b"Transfer-Encoding: gzip, chunked"), 501),
        (post(b"x\r\n\r\n", b"Transfer-Encoding: chunked"), 400),
        (b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (post(b"abc", b"Connection: upgrade", b"Upgrade: h2c", b"Content-Length: 3"), 400),
    ],
)
def test_what_is_not_plain_is_refused_and_the_connection_ends(server: WebServer, words: bytes, status: int) -> None:
    with Client(server) as client:
        told = client.say(words, GET % b"feed.xml").rest()
    assert told.startswith(b"HTTP/1.1 %d " % status)
    assert told.count(b"connection: close") == 1
    assert told.split(b"\r\n\r\n")[1].endswith(b".\n")


def test_a_fault_waits_for_its_turn(usual: tuple[Site, WebServer]) -> None:
    site, server = usual
    site.gate.clear()
    with Client(server) as client:
        client.say(GET % b"wait", b"nonsense\r\n\r\n")
        assert site.waiting.acquire(timeout=PATIENCE)
        site.gate.set()
        assert client.answer()[2] == b"/wait"
        assert client.answer()[0] == 400
        assert client.rest() == b""


def test_a_target_with_a_host_is_read_without_it(server: WebServer) -> None:
    with Client(server) as client:
        assert client.say(b"GET http://b.example/feed.xml?x=1 HTTP/1.1\r\nHost: a\r\n\r\n").answer()[2] == FEED
        assert client.say(b"GET https://b.example HTTP/1.1\r\nHost: a\r\n\r\n").answer()[2] == b"/"
        assert client.say(b"GET //b.example/x HTTP/1.1\r\nHost: a\r\n\r\n").answer()[2] == b"//b.example/x"


def test_another_protocol_is_declined_by_an_answer(server: WebServer) -> None:
    words = b"GET /%b HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"
    for path in (b"feed.xml", b"page"):
        with Client(server) as client:
            told = client.say(words % path, b"PRI * HTTP/2.0\r\n\r\n").rest()
        assert told.startswith(b"HTTP/1.1 200 OK")
        assert told.count(b"HTTP/1.1 ") == 1


# Time


def test_slow_heads_are_closed() -> None:
    with serving(Site(), QUICK) as server, Client(server) as silent, Client(server) as begun, Client(server) as slow:
        began = time.monotonic()
        assert begun.say(GET[:10]).answer()[0] == 408
        slow.say(GET[:5])
        slow.socket.settimeout(0.02)
        for byte in GET[5:-1] * 9:  # never complete
            try:
                slow.say(bytes((byte,))).socket.recv(1, socket.MSG_PEEK)
            except TimeoutError:
                continue
            except (BrokenPipeError, ConnectionResetError):
                break
            break
        slow.socket.settimeout(PATIENCE)
        assert slow.rest().startswith((b"HTTP/1.1 4", b""))
        assert silent.rest() == b""
        assert time.monotonic() - began < 10


def test_slow_bodies_are_closed() -> None:
    site = Site()
    with serving(site, QUICK) as server, Client(server) as client:
        assert client.say(post(b"ab", b"Content-Length: 3")).answer()[0] == 408
        assert client.rest() == b""
    assert site.asked == []


@pytest.mark.parametrize("path", [b"feed.xml", b"page"])
def test_idle_connections_are_closed_without_a_word(path: bytes) -> None:
    with serving(Site(), QUICK) as server, Client(server) as client:
        assert client.say(GET % path).answer()[0] == 200
        assert client.rest() == b""


def test_an_answer_that_takes_long_is_waited_for() -> None:
    site = Site()
    with serving(site, QUICK) as server, Client(server) as slow, Client(server) as idle:
        slow.say(GET % b"wait")
        assert site.waiting.acquire(timeout=PATIENCE)
        assert idle.say(GET % b"feed.xml").answer()[0] == 200
        assert idle.rest() == b""  # as long as that took, the other is still there
        site.gate.set()
        assert slow.answer()[2] == b"/wait"


@pytest.mark.parametrize("is_file", [False, True])
def test_who_does_not_read_is_cut_off(tmp_path: Path, is_file: bool) -> None:
    large = b"x" * 20_000_000
    (tmp_path / "film").write_bytes(large)
    body = part(tmp_path / "film", 0, len(large)) if is_file else large
    site = Site({b"/film": Answer(200, ((b"content-length", b"%d" % len(large)),), body)})
    with serving(site, QUICK) as server, Client(server, receive=4096) as client, Client(server) as last:
        client.say(GET % b"film")
        assert last.rest() == b""  # idle for as long as the other may be
        ended = select.poll()
        ended.register(client.socket, select.POLLERR | select.POLLHUP | select.POLLRDHUP)
        assert ended.poll(PATIENCE * 1000)
        assert len(client.rest()) < len(large)


def test_who_reads_slowly_but_reads_has_it_all() -> None:
    large = os.urandom(1 << 20) * 12
    site = Site({b"/film": Answer(200, ((b"content-length", b"%d" % len(large)),), large)})
    bounds = Bounds(head_seconds=0.2, idle_seconds=1, write_seconds=1)
    with serving(site, bounds) as server, Client(server, receive=1 << 15) as client:
        client.say(GET % b"film")
        began, read = time.monotonic(), b""
        while time.monotonic() - began < 2:  # longer than it may take nothing at all
            read += client.socket.recv(1 << 20, socket.MSG_WAITALL)
            with Client(server) as clock:
                assert clock.rest() == b""  # it is closed after a fifth of a second
        assert (read + client.rest()).partition(b"\r\n\r\n")[2] == large


@pytest.mark.parametrize("path", [b"film", b"page"])
def test_the_last_answer_is_not_taken_back_from_who_reads_it_late(path: bytes) -> None:
    large = os.urandom(1 << 18)
    site = Site({b"/film": Answer(200, ((b"content-length", b"%d" % len(large)),), large)})
    bounds = Bounds(head_seconds=0.5, linger_seconds=0.1)
    request = b"GET /%b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path
    with serving(site, bounds) as server, Client(server, receive=4096) as client, Client(server) as clock:
        client.say(request, b"and more that nobody will read" * 1000)
        assert clock.rest() == b""  # until long after the server would have waited for a client that has all
        assert client.rest().partition(b"\r\n\r\n")[2] == (large if path == b"film" else b"/page")


def test_five_hundred_slow_clients_slow_nobody() -> None:
    body = post(b"a", b"Content-Length: 1000")
    with serving(Site()) as server, ExitStack() as stack:
        slow = [stack.enter_context(Client(server)) for _ in range(500)]
        for number, client in enumerate(slow):
            client.say((GET[:15], body)[number % 2])
        took = []
        for path in (b"feed.xml", b"page") * 50:
            with Client(server) as client:
                began = time.monotonic()
                assert client.say(GET % path).answer()[0] == 200
                took.append(time.monotonic() - began)
        assert sorted(took)[50] < 0.25
        for client in slow[::2]:
            client.say(GET[15:])
        assert {client.answer()[0] for client in slow[::2]} == {200}


def test_above_the_limit_the_idle_make_room_and_then_nobody_is_let_in() -> None:
    with serving(Site(), Bounds(connections=3, linger_seconds=0.1)) as server, ExitStack() as stack:
        first, second, third, fourth = (stack.enter_context(Client(server)) for _ in range(4))
        fourth_told = fourth.rest()  # nobody is idle: three have only just come
        assert fourth_told.startswith(b"HTTP/1.1 503")
        assert b"retry-after" in fourth_told
        for client in (second, first, third):
            assert client.say(GET % b"feed.xml").answer()[0] == 200
        with Client(server) as fifth:
            assert fifth.say(GET % b"feed.xml").answer()[0] == 200
            assert second.rest() == b""  # idle for the longest time
            assert first.say(GET % b"feed.xml").answer()[0] == 200
            assert third.say(GET % b"feed.xml").answer()[0] == 200


# Beginning and ending


def test_what_is_under_way_is_finished_and_what_is_idle_is_not_waited_for() -> None:
    site = Site()
    with serving(site) as server, Client(server) as busy, Client(server) as idle, Client(server) as fresh:
        assert idle.say(GET % b"feed.xml").answer()[0] == 200
        busy.say(GET % b"wait")
        assert site.waiting.acquire(timeout=PATIENCE)
        server.stop()
        assert idle.rest() == b""
        assert fresh.rest() == b""
        with socket.socket() as late:
            assert late.connect_ex((LOCALHOST, server.port)) == errno.ECONNREFUSED
        site.gate.set()
        status, head, body = busy.answer()
        assert (status, body) == (200, b"/wait")
        assert b"connection: close" in head
        assert busy.rest() == b""


def test_what_takes_too_long_is_not_finished() -> None:
    site = Site()
    with serving(site, patience=0.1) as server, Client(server) as busy:
        busy.say(GET % b"wait")
        assert site.waiting.acquire(timeout=PATIENCE)
        server.stop()
        assert busy.rest() == b""


def test_a_server_may_be_stopped_before_it_began_and_twice() -> None:
    server = WebServer(Site().app, Site().front, WebSettings(port=0))
    server.stop()
    server.stop()
    server.serve()
    server.stop()


def test_a_port_in_use_is_told_with_its_key() -> None:
    with socket.create_server((LOCALHOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PublisherError, match=rf"^\[web\] port: {port} is in use on 127\.0\.0\.1\n.*another port"):
            WebServer(Site().app, Site().front, WebSettings(port=port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "unix:/nowhere/at/all", "unix:" + "x" * 200])
def test_an_address_that_cannot_be_had_is_told_with_its_key(host: str) -> None:
    with pytest.raises(PublisherError, match=r"^\[web\] host: "):
        WebServer(Site().app, Site().front, WebSettings(host=host, port=0))


def test_every_address_of_a_name_is_served_at_one_port() -> None:
    with serving(Site(), host="localhost") as server, Client(server) as client:
        assert client.say(GET % b"feed.xml").answer()[0] == 200


def test_a_socket_in_the_file_system_is_served_and_taken_away(tmp_path: Path) -> None:
    path = tmp_path / "web.sock"
    with socket.socket(socket.AF_UNIX) as left:  # as one who was killed left it
        left.bind(os.fspath(path))
    with serving(Site(), host=f"unix:{path}") as server:
        assert server.port == 0
        for target in (b"feed.xml", b"page"):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(os.fspath(path))
                client.sendall(GET % target)
                assert client.recv(15) == b"HTTP/1.1 200 OK"
        with pytest.raises(PublisherError, match=r"^\[web\] host: nothing can listen"):
            WebServer(Site().app, Site().front, WebSettings(host=f"unix:{path}"))
        assert path.exists()
    assert not path.exists()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "diary"
    path.write_text("dear diary", encoding="utf-8")
    with pytest.raises(PublisherError, match=r"^\[web\] host: nothing can listen"):
        WebServer(Site().app, Site().front, WebSettings(host=f"unix:{path}"))
    assert path.read_text("utf-8") == "dear diary"


MAIN = """
import signal, threading
from publisher.model.settings import WebSettings
from publisher.web.running import WebServer
async def app(scope, receive, send):
    import anyio.to_thread
    await anyio.to_thread.run_sync(lambda: None)
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})
before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
server = WebServer(app, lambda *_: None, WebSettings(port=0), ready=lambda port: print(port, flush=True))
server.serve()
for thread in threading.enumerate():
    if thread is not threading.main_thread():
        thread.join(20)  # those of routes hear of the end, and end
assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
print("ended", threading.active_count())
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_in_order(number: signal.Signals) -> None:
    words = [sys.executable, "-W", "error", "-c", "import signal\n" + MAIN]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection((LOCALHOST, port), PATIENCE) as client:
            client.sendall(GET % b"page")
            assert client.recv(12) == b"HTTP/1.1 204"
            process.send_signal(number)
            said, complained = process.communicate(timeout=PATIENCE)
    assert (said, complained, process.returncode) == ("ended 1\n", "", 0)
