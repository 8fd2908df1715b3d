"""What servers may answer when a feed is fetched: redirects, refusals, bombs, silence, and what is no HTTP at all."""

from __future__ import annotations

import gzip
import os
import socket
import threading
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Self

import pytest

from publisher.errors import UsageError
from publisher.feeds.fetching import LARGEST, Outcome, fetch, load
from tests.servers import LOCALHOST, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Speak = Callable[[socket.socket, threading.Event], None]

FEED = b"<feed xmlns='http://www.w3.org/2005/Atom'><title>T</title></feed>"


def answer(body: bytes = FEED, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body) if length is None else length}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def sent_to(place: str, status: str = "301 Moved Permanently") -> bytes:
    return answer(b"", f"Location: {place}", status=status)


@dataclass
class Host:
    """Answers each path with bytes as they are, or lets a function speak. ``heard`` are the requests, whole."""

    pages: dict[str, bytes | Speak] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._listening = socket.create_server((LOCALHOST, 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(30)
        self._listening.close()

    def url(self, path: str = "/") -> str:
        return f"http://{LOCALHOST}:{self._listening.getsockname()[1]}{path}"

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._ending.is_set():
            try:
                stream, _ = self._listening.accept()
            except OSError:
                return
            self._start(self._serve, stream)

    def _serve(self, stream: socket.socket) -> None:
        with stream, suppress(OSError):
            request = b""
            while b"\r\n\r\n" not in request:
                read = stream.recv(65536)
                if not read:
                    return
                request += read
            self.heard.append(request.decode("latin-1"))
            said = self.pages.get(request.split(b" ")[1].decode("latin-1"), answer(b"", status="404 Not Found"))
            if callable(said):
                said(stream, self._ending)
            else:
                stream.sendall(said)


@pytest.fixture
def host() -> Iterator[Host]:
    with Host() as made:
        yield made


def test_an_answer_is_taken_with_its_validators_and_asked_for_again_with_them(host: Host) -> None:
    host.pages["/"] = answer(FEED, 'ETag: "a"', "Last-Modified: yesterday", "Content-Type: application/atom+xml")
    first = fetch(host.url())
    assert (first.outcome, first.data, first.media_type) == (Outcome.CHANGED, FEED, "application/atom+xml")
    host.pages["/"] = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    assert fetch(host.url(), first.etag, first.modified).outcome is Outcome.UNCHANGED
    assert 'If-None-Match: "a"\r\nIf-Modified-Since: yesterday' in host.heard[1]
    assert "User-Agent: Publisher/" in host.heard[1]


def test_not_modified_is_no_answer_to_who_has_nothing(host: Host) -> None:
    host.pages["/"] = b"HTTP/1.1 304 Not Modified\r\n\r\n"
    found = fetch(host.url())
    assert (found.outcome, found.reason) == (Outcome.FAILED, "it answers 304 Not Modified")


@pytest.mark.parametrize(
    ("hops", "moved"),
    [
        (["301 Moved", "308 Moved"], "/2"),
        (["302 Found", "301 Moved"], ""),
        (["301 Moved", "307 Elsewhere"], "/1"),
        (["303 See", "302 Found"], ""),
    ],
)
def test_only_redirects_that_are_for_good_move_a_feed(host: Host, hops: list[str], moved: str) -> None:
    host.pages = {f"/{n or ''}": sent_to(f"/{n + 1}", status) for n, status in enumerate(hops)}
    host.pages["/2"] = answer()
    found = fetch(host.url())
    assert (found.outcome, found.url) == (Outcome.CHANGED, host.url("/2"))
    assert found.moved == (host.url(moved) if moved else "")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/", "it redirects more than 10 times"),
        ("file:///etc/passwd", "it sends us to file:///etc/passwd, which cannot be fetched"),
        ("ftp://host/x", "which cannot be fetched"),
        ("http://[", ""),
        ("http://host:99999999/", ""),
        ("javascript:alert(1)", "none that can be fetched"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_a_reason(host: Host, place: str, said: str) -> None:
    host.pages["/"] = sent_to(place)
    found = fetch(host.url())
    assert found.outcome is Outcome.FAILED
    assert said in found.reason
    assert found.reason
    assert found.moved == ""


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("410 Gone", Outcome.GONE), ("404 Not Found", Outcome.FAILED), ("503 Busy", Outcome.FAILED)],
)
def test_a_refusal_is_told_as_it_was_said(host: Host, status: str, outcome: Outcome) -> None:
    host.pages["/"] = answer(b"no", "Retry-After: 120", status=status)
    found = fetch(host.url())
    assert (found.outcome, found.reason, found.wait) == (outcome, f"it answers {status}", timedelta(minutes=2))


def test_a_server_says_in_several_ways_how_long_it_wants_to_be_left_alone(host: Host) -> None:
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    for header, least, most in [
        (f"Retry-After: {in_an_hour}", 3500, 3600),
        ("Cache-Control: public, max-age=600", 600, 600),
        ("Retry-After: Mon, 01 Jan 1990 00:00:00 GMT", 0, 0),
    ]:
        host.pages["/"] = answer(FEED, header)
        wait = fetch(host.url()).wait
        assert wait is not None
        assert least <= wait.total_seconds() <= most
    for header in ("Retry-After: soon", "Cache-Control: max-age=never", f"Retry-After: {'9' * 400}"):
        host.pages["/"] = answer(FEED, header)
        assert fetch(host.url()).wait is None


def test_no_cookie_is_kept_from_one_hop_to_the_next(host: Host) -> None:
    host.pages["/"] = answer(b"", "Location: /2", "Set-Cookie: who=you", status="302 Found")
    host.pages["/2"] = answer()
    assert fetch(host.url()).outcome is Outcome.CHANGED
    assert not any("cookie" in request.lower() for request in host.heard)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(FEED)),
        ("GZIP", gzip.compress(FEED)),
        ("deflate", zlib.compress(FEED)),
        ("deflate", zlib.compress(FEED, wbits=-15)),
        ("identity", FEED),
    ],
    ids=["gzip", "GZIP", "deflate", "deflate without a head", "identity"],  # gzip tells the time
)
def test_what_is_packed_is_unpacked(host: Host, coding: str, packed: bytes) -> None:
    host.pages["/"] = answer(packed, f"Content-Encoding: {coding}")
    assert fetch(host.url()).data == FEED


def test_a_bomb_is_not_unpacked_whole(host: Host) -> None:
    host.pages["/"] = answer(gzip.compress(bytes(300_000_000), 1), "Content-Encoding: gzip")
    assert fetch(host.url()).reason == "it is larger than 20 MB"


@pytest.mark.parametrize(
    ("coding", "packed", "said"),
    [
        ("gzip", b"no gzip at all", "cannot be unpacked"),
        ("gzip", gzip.compress(os.urandom(5000))[:3000], "broke off"),
        ("br", b"\xff" * 99, "nobody asked for"),
        ("zstd", b"(\xb5/\xfd", "nobody asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(FEED)), "nobody asked for"),
    ],
    ids=["no gzip", "cut off", "br", "zstd", "twice"],
)
def test_what_is_packed_badly_is_a_reason(host: Host, coding: str, packed: bytes, said: str) -> None:
    host.pages["/"] = answer(packed, f"Content-Encoding: {coding}")
    found = fetch(host.url())
    assert found.outcome is Outcome.FAILED
    assert said in found.reason


def test_a_large_document_is_not_read_to_its_end(host: Host) -> None:
    host.pages["/"] = answer(bytes(1_500_000))
    assert fetch(host.url(), most=1_000_000).reason == "it is larger than 1 MB"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (answer(FEED, length=5000), "it broke off in the middle"),
        (b"", "it broke off without an answer"),
        (b"220 mail.example ESMTP\r\n", "it broke off without an answer"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "it does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000 + b"\r\n", "it does not speak HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "it does not speak HTTP"),
    ],
)
def test_a_broken_answer_is_a_reason(host: Host, said: bytes, reason: str) -> None:
    host.pages["/"] = said
    found = fetch(host.url())
    assert found.outcome is Outcome.FAILED
    assert reason in found.reason


def _dripping(first: bytes) -> Speak:
    def speak(stream: socket.socket, ending: threading.Event) -> None:
        stream.sendall(first)
        while not ending.wait(0.05):
            stream.sendall(b"x")

    return speak


def _silent(_stream: socket.socket, ending: threading.Event) -> None:
    ending.wait(30)


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HT"])
def test_however_slowly_a_server_speaks_it_ends_in_time(host: Host, first: bytes) -> None:
    host.pages["/"] = _dripping(first)
    begun = time.monotonic()
    assert fetch(host.url(), patience=0.5).reason == "it takes longer than 0.5 seconds"
    assert time.monotonic() - begun < 10


def test_a_silent_server_is_not_waited_for(host: Host) -> None:
    host.pages["/"] = _silent
    assert fetch(host.url(), silence=0.2).reason == "it said nothing for 0.2 seconds"


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (f"http://{LOCALHOST}:{{port}}/", "nobody answers there (connection refused)"),
        ("http://nowhere.invalid/", ""),
        (f"http://{'x' * 80}.test/", ""),
        ("gopher://host/", ""),
        ("http://", ""),
    ],
)
def test_who_cannot_be_reached_is_a_reason(url: str, reason: str) -> None:
    found = fetch(url.format(port=free_port()))
    assert found.outcome is Outcome.FAILED
    assert found.reason
    assert reason in found.reason


# What is read once


def test_a_place_is_an_address_or_a_file(host: Host, tmp_path: Path) -> None:
    host.pages = {"/": sent_to("/feed", "302 Found"), "/feed": answer(FEED, "Content-Type: text/xml")}
    assert load(host.url()) == (FEED, host.url("/feed"), "text/xml")
    (tmp_path / "feed.xml").write_bytes(FEED)
    assert load(str(tmp_path / "feed.xml")) == (FEED, "", "")


def test_a_place_that_cannot_be_read_is_told_with_a_remedy(host: Host, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(LARGEST + 1)
    places = [tmp_path, tmp_path / "pipe", tmp_path / "huge", tmp_path / "missing", f"{tmp_path}/a\0b", "x" * 5000, ""]
    for place in [*places, host.url("/lost"), "ftp://host/x", f"http://{LOCALHOST}:{free_port()}/"]:
        with pytest.raises(UsageError) as caught:
            load(str(place))
        assert caught.value.remedy
