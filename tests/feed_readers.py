"""Real feed readers, each behind one question: what is new to you at this look? And a proxy that hears them."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Protocol

import feedparser
import reader

from tests.answering import Served
from tests.servers import LOCALHOST
from tests.sites import environment

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 60  # seconds
_HOPS = frozenset({"connection", "keep-alive", "date", "host"})  # of one connection, or said by whoever passes it on


@dataclass(frozen=True, slots=True)
class Heard:
    """A request and what came of it. Names of headers are in lower case."""

    method: str
    path: str
    asked: dict[str, str]
    status: int

    @property
    def is_conditional(self) -> bool:
        return not {"if-none-match", "if-modified-since"}.isdisjoint(self.asked)


class Tap(Served):
    """A proxy on this machine that passes on requests as they are, and remembers them."""

    def __init__(self, port: int) -> None:
        self._heard: list[Heard] = []
        heard = self._heard

        class Passing(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                _pass_on(self, port, heard)

            do_HEAD = do_GET  # noqa: N815 - http.server looks for this name

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
                """Tests print nothing."""

        super().__init__(Passing, LOCALHOST)

    def take(self) -> list[Heard]:
        """What was heard since it was last taken."""
        taken, self._heard[:] = self._heard[:], []
        return taken


def _pass_on(client: BaseHTTPRequestHandler, port: int, heard: list[Heard]) -> None:
    asked = {name.lower(): value for name, value in client.headers.items()}
    with closing(HTTPConnection(LOCALHOST, port, timeout=_PATIENCE)) as server:
        server.request(client.command, client.path, headers={k: v for k, v in asked.items() if k not in _HOPS})
        answer = server.getresponse()
        body = answer.read()
    heard.append(Heard(client.command, client.path, asked, answer.status))  # before the client can be done
    client.send_response_only(answer.status, answer.reason)
    for name, value in answer.getheaders():
        if name.lower() not in _HOPS:
            client.send_header(name, value)
    client.end_headers()
    client.wfile.write(body)


class FeedReader(Protocol):
    """Somebody's program for reading feeds, with one feed in it."""

    def look(self) -> set[str]:
        """Fetch the feed; the titles that count as new. They have been read when this returns."""
        ...

    def titles(self) -> list[str]:
        """The titles of all that it has, sorted."""
        ...


@dataclass
class Feedparser:
    """feedparser, with the little that a program around it does: keep the validators and what it has seen."""

    url: str
    etag: str | None = None
    modified: str | None = None
    _seen: dict[str, str] = field(default_factory=dict)

    def look(self) -> set[str]:
        read = feedparser.parse(self.url, etag=self.etag, modified=self.modified)
        assert not read.bozo, read.bozo_exception
        if read.status == 304:
            assert not read.entries
            return set()
        self.etag, self.modified = read.etag, read.modified
        new = {entry.title for entry in read.entries if entry.id not in self._seen}
        self._seen |= {entry.id: entry.title for entry in read.entries}
        return new

    def titles(self) -> list[str]:
        return sorted(self._seen.values())


@dataclass
class Library:
    """The library ``reader``, with its own database."""

    url: str
    place: Path

    def look(self) -> set[str]:
        with closing(reader.make_reader(str(self.place))) as library:
            library.add_feed(self.url, exist_ok=True)
            library.update_feed(self.url)
            new = list(library.get_entries(read=False))
            for entry in new:
                library.mark_entry_as_read(entry)
        return {str(entry.title) for entry in new}

    def titles(self) -> list[str]:
        with closing(reader.make_reader(str(self.place))) as library:
            return sorted(str(entry.title) for entry in library.get_entries())


@dataclass
class Newsboat:
    """Debian's newsboat without a terminal, with its own urls, config and cache in a folder.

    It fetches a feed twice at the first look: only of one that is in its cache already it keeps the validators.
    """

    url: str
    folder: Path

    def look(self) -> set[str]:
        if not self.folder.exists():
            self.folder.mkdir()
            self._reload()
        self._reload()
        new = self._ask("SELECT title FROM rss_item WHERE unread = 1")
        self._ask("UPDATE rss_item SET unread = 0")
        return set(new)

    def titles(self) -> list[str]:
        return sorted(self._ask("SELECT title FROM rss_item WHERE deleted = 0"))

    def _reload(self) -> None:
        (self.folder / "urls").write_text(f"{self.url}\n", "utf-8")
        (self.folder / "config").write_text(f'error-log "{self.folder}/errors"\ndownload-retries 1\n', "utf-8")
        files = ["-u", "urls", "-c", "cache.db", "-C", "config"]
        done = subprocess.run(
            ["newsboat", *files, "-x", "reload"],
            cwd=self.folder,
            env=environment(HOME=str(self.folder), TERM="dumb"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_PATIENCE,
        )
        errors = self.folder / "errors"
        assert not errors.exists() or not errors.read_text("utf-8"), errors.read_text("utf-8")
        assert not done.stderr, done.stderr

    def _ask(self, query: str) -> list[str]:
        with closing(sqlite3.connect(self.folder / "cache.db")) as cache, cache:
            return [str(title) for (title,) in cache.execute(query)]


def readers_of(url: str, folder: Path) -> dict[str, FeedReader]:
    """Every program with every format that it reads, each with a place of its own; ``url`` ends in a slash."""
    folder.mkdir(exist_ok=True)
    xml = ("feed.xml", "atom.xml")
    found: dict[str, FeedReader] = {f"feedparser {name}": Feedparser(url + name) for name in xml}
    for name in (*xml, "feed.json"):
        found[f"reader {name}"] = Library(url + name, folder / f"{name}.sqlite3")
    for name in xml:
        found[f"newsboat {name}"] = Newsboat(url + name, folder / f"newsboat-{name}")
    return found
