"""Clients that mean no good: raw requests, and a crawl that needs no browser."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Self
from urllib.parse import urldefrag, urljoin, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

PATIENCE = 60  # seconds
FORM = "application/x-www-form-urlencoded"
_LINKS = {"href", "src", "action", "formaction", "poster", "data"}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, as it came."""

    status: int
    head: str
    body: bytes

    def header(self, name: str) -> str:
        found = re.search(rf"^{re.escape(name)}: (.*?)\r?$", self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""


def raw(url: str, *words: bytes) -> Said:
    """Write bytes to a server, and read until it closes."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE) as stream:
        came = b""
        try:
            stream.sendall(b"".join(words))
            while piece := stream.recv(1 << 16):
                came += piece
        except ConnectionError:  # it may have had enough before all was said
            pass
    head, _, body = came.partition(b"\r\n\r\n")
    status = re.match(rb"HTTP/1\.1 (\d{3}) ", head)
    return Said(int(status[1]) if status else 0, head.decode("latin-1"), body)


def ask(url: str, path: str | bytes = "/", method: str = "GET", body: str | bytes = b"", **headers: str) -> Said:
    """One request on a connection of its own; nothing of it is made decent. A header's characters are its bytes."""
    target = path.encode() if isinstance(path, str) else path
    content = body.encode() if isinstance(body, str) else body
    given = {"Host": urlsplit(url).netloc, "Connection": "close", **headers}
    if content or method == "POST":
        given.setdefault("Content-Length", str(len(content)))
    lines = (f"{name.replace('_', '-')}: {value}\r\n".encode("latin-1") for name, value in given.items())
    return raw(url, method.encode(), b" ", target, b" HTTP/1.1\r\n", *lines, b"\r\n", content)


class Markup(HTMLParser):
    """What a page leads to, and what of it could run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.running: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [(tag, value) for name, value in given.items() if name in _LINKS]
        self.running += [f"{tag} {name}" for name in given if name.startswith("on")]
        if tag in {"iframe", "object", "embed"} and "sandbox" not in given:
            self.running.append(tag)
        if tag == "script" and "src" not in given:
            self.running.append("script")
        self.running += [value for value in given.values() if value.strip().lower().startswith("javascript:")]


@dataclass
class Crawl:
    """Every page that can be reached from some, on one server; ``pages`` are the HTML of what was found."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    forms: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)

    def go(self, paths: Iterable[str]) -> Crawl:
        waiting = [urljoin(self.url, path) for path in paths]
        while waiting:
            address = urldefrag(waiting.pop()).url
            if address in self.statuses or not address.startswith(self.url):
                continue
            waiting += [urljoin(address, link) for link in self._look(address)]
        return self

    def _look(self, address: str) -> list[str]:
        said = ask(self.url, address.removeprefix(self.url.rstrip("/")), **self.headers)
        self.statuses[address] = said.status
        if location := said.header("location"):
            self.moved[address] = location
            return [location]
        if "html" not in said.header("content-type"):
            return []
        self.pages[address] = said.body.decode()
        links = Markup(self.pages[address]).links
        self.forms |= {urljoin(address, link) for tag, link in links if tag == "form"}
        return [link for tag, link in links if tag != "form"]


class Bridge:
    """A way to PostgreSQL's socket that can be closed, and on which nothing moves while ``flows`` is not set.

    ``url`` is that of a database by way of ``folder``.
    """

    def __init__(self, url: str, folder: Path) -> None:
        place, _, host = url.partition("?host=")
        self.url, self.flows = f"{place}?host={folder}", threading.Event()
        self._there, self._here = f"{host}/.s.PGSQL.5432", folder / ".s.PGSQL.5432"
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.flows.set()

    def __enter__(self) -> Self:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self._here))
        listening.listen()
        self._open = [listening]
        self._begin(self._accept, listening)
        return self

    def __exit__(self, *_: object) -> None:
        self._here.unlink()
        self.flows.set()
        for stream in tuple(self._open):
            with suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in self._open:
            stream.close()
        self._threads.clear()

    def _begin(self, work: Callable[..., None], *streams: socket.socket) -> None:
        thread = threading.Thread(target=work, args=streams)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                near, _ = listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._there)
            self._open += [near, far]
            self._begin(self._carry, near, far)
            self._begin(self._carry, far, near)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(1 << 16):
                self.flows.wait(PATIENCE)
                target.sendall(piece)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
