"""A feed reader that knows RFC 5005 and RFC 6721, and a server of an output: small, and strangers to each other."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import httpx

from publisher.web.answers import Request, answer, not_found
from publisher.web.shelf import read_shelf
from tests.answering import Served
from tests.servers import LOCALHOST

if TYPE_CHECKING:
    from pathlib import Path

_ATOM = "{http://www.w3.org/2005/Atom}"
_TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"
_ARCHIVE = "{http://purl.org/syndication/history/1.0}archive"


class Said(NamedTuple):
    """What a document says of an entry: its title, and when it was changed last (in RSS: published)."""

    title: str
    at: datetime


class Page(NamedTuple):
    """One document: entries by id, where the older ones are, what was taken back and when, and what it says it is."""

    entries: dict[str, Said]
    older: str
    removed: dict[str, datetime]
    is_archive: bool
    own: str
    current: str


def read(data: bytes, kind: str) -> Page:
    return {"atom": _read_atom, "rss": _read_rss, "json": _read_json}[kind](data)


def _links(parts: list[ET.Element]) -> dict[str, str]:
    found = {part.get("rel", "alternate"): part.get("href", "") for part in parts}
    assert all(href.startswith("https://") for href in found.values())
    return found


def _read_atom(data: bytes) -> Page:
    root = ET.fromstring(data)
    links = _links(root.findall(f"{_ATOM}link"))
    entries = {
        str(one.findtext(f"{_ATOM}id")): Said(
            str(one.findtext(f"{_ATOM}title")), datetime.fromisoformat(str(one.findtext(f"{_ATOM}updated")))
        )
        for one in root.iter(f"{_ATOM}entry")
    }
    removed = {one.get("ref", ""): datetime.fromisoformat(one.get("when", "")) for one in root.findall(_TOMBSTONE)}
    own, current, older = (links.get(rel, "") for rel in ("self", "current", "prev-archive"))
    return Page(entries, older, removed, root.find(_ARCHIVE) is not None, own, current)


def _read_rss(data: bytes) -> Page:
    channel = ET.fromstring(data).find("channel")
    assert channel is not None
    links = _links(channel.findall(f"{_ATOM}link"))
    entries = {
        str(one.findtext("guid")): Said(
            str(one.findtext("title")), parsedate_to_datetime(str(one.findtext("pubDate"))).astimezone(UTC)
        )
        for one in channel.iter("item")
    }
    own, current, older = (links.get(rel, "") for rel in ("self", "current", "prev-archive"))
    return Page(entries, older, {}, channel.find(_ARCHIVE) is not None, own, current)


def _read_json(data: bytes) -> Page:
    feed = json.loads(data)
    entries = {one["id"]: Said(one["title"], datetime.fromisoformat(one["date_modified"])) for one in feed["items"]}
    return Page(entries, feed.get("next_url", ""), {}, False, feed["feed_url"], "")


@dataclass
class Client:
    """Gathers all entries of a feed at each look; what it has it only asks about (If-None-Match)."""

    host: str
    path: str
    kind: str
    fetched: int = 0
    asked: int = 0
    _known: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    def gather(self) -> tuple[dict[str, Said], dict[str, datetime]]:
        """All entries, each as the newest document has it; and what is said to have been taken back, and when."""
        entries: dict[str, Said] = {}
        removed: dict[str, datetime] = {}
        path, seen, first = self.path, set[str](), ""
        while path:
            assert path not in seen, f"{path} leads back to itself"
            seen.add(path)
            page = read(self._get(path), self.kind)
            assert urlsplit(page.own).path == path
            if self.kind != "json":
                assert page.is_archive == bool(first)
                assert page.current == first
            first = first or page.own
            entries = page.entries | entries  # of two versions of an entry the one met first is the later one
            removed |= page.removed
            path = urlsplit(page.older).path
        return entries, removed

    def _get(self, path: str) -> bytes:
        tag, data = self._known.get(path, ("", b""))
        reply = httpx.get(self.host + path, headers={"If-None-Match": tag} if tag else {})
        self.asked += 1
        if reply.status_code == 304:
            return data
        assert reply.status_code == 200, (path, reply.status_code)
        self.fetched += 1
        self._known[path] = (reply.headers["ETag"], reply.content)
        return reply.content


class Output(Served):
    """Serves an output folder as it is at each request, by the answers that `publisher serve` gives."""

    def __init__(self, folder: Path) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
                shelf = read_shelf(folder)
                request = Request(b"GET", self.path.encode(), headers)
                said = answer(shelf, request) or not_found(shelf, request)
                assert isinstance(said.body, bytes)
                self.send_response_only(said.status)
                for name, value in said.headers:
                    self.send_header(name.decode(), value.decode())
                self.end_headers()
                self.wfile.write(said.body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Tests print nothing."""

        super().__init__(Handler, LOCALHOST)
