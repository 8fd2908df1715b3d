"""Somebody else's site: a feed whose entries, addresses and manners a test chooses."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from html import escape
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, NamedTuple

from tests.answering import Served
from tests.servers import LOCALHOST

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Post(NamedTuple):
    """An entry of the feed; ``day`` counts from the first of March 2026."""

    id: str
    title: str
    day: int = 0
    html: str = "<p>Words.</p>"
    url: str = ""
    tags: tuple[str, ...] = ()


def atom(posts: Iterable[Post], more: str = "") -> bytes:
    """An Atom document of these entries, in their order."""
    spaces = 'xmlns="http://www.w3.org/2005/Atom" xmlns:at="http://purl.org/atompub/tombstones/1.0"'
    spaces += ' xmlns:fh="http://purl.org/syndication/history/1.0"'
    entries = "".join(map(_entry, posts))
    return f"<feed {spaces}><title>Elsewhere</title><id>urn:elsewhere</id>{more}{entries}</feed>".encode()


def _entry(post: Post) -> str:
    at = (FIRST + timedelta(days=post.day)).isoformat()
    tags = "".join(f'<category term="{escape(tag)}"/>' for tag in post.tags)
    link = post.url or f"/p/{post.id.rpartition(':')[2]}"
    return (
        f"<entry><id>{escape(post.id)}</id><title>{escape(post.title)}</title><link href='{escape(link)}'/>{tags}"
        f"<published>{at}</published><updated>{at}</updated><content type='html'>{escape(post.html)}</content></entry>"
    )


class FeedHost(Served):
    """Serves ``pages`` by path; ``status``, ``location`` and ``headers`` apply to /feed alone.

    ``heard`` are the requests, in order: the path, and whether it was asked conditionally.
    """

    def __init__(self) -> None:
        self.pages: dict[str, bytes] = {}
        self.status = 200
        self.location = ""
        self.headers: dict[str, str] = {}
        self.packed = False
        self.heard: list[tuple[str, bool]] = []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                host.answer(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Tests print nothing."""

        super().__init__(Handler, LOCALHOST)

    @property
    def url(self) -> str:
        return f"{super().url}feed"

    def publish(self, *posts: Post, more: str = "") -> None:
        self.pages["/feed"] = atom(posts, more)

    def answer(self, asked: BaseHTTPRequestHandler) -> None:
        body = self.pages.get(asked.path, b"")
        tag = f'"{sha256(body).hexdigest()[:16]}"'
        self.heard.append((asked.path, asked.headers.get("If-None-Match") is not None))
        is_feed = asked.path == "/feed"
        status = self.status if is_feed else 200 if body else 404
        if status == 200 and asked.headers.get("If-None-Match") == tag:
            status = 304
        asked.send_response(status)
        for name, value in self.headers.items() if is_feed else ():
            asked.send_header(name, value)
        if self.location and is_feed:
            asked.send_header("Location", self.location)
        body = body if status == 200 else b""
        if self.packed and body:
            body = gzip.compress(body)
            asked.send_header("Content-Encoding", "gzip")
        if status == 200:
            asked.send_header("ETag", tag)
        asked.send_header("Content-Length", str(len(body)))
        asked.end_headers()
        asked.wfile.write(body)
