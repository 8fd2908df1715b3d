"""The head of a request: what may be asked, and whether a body follows.

What could be read in two ways (RFC 9112, 3.2, 6.3 and 11.2) is refused. The parser has seen to lengths, chunks and
names; here are the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import httptools

if TYPE_CHECKING:
    from publisher.web.traffic import Bounds

    Header = tuple[bytes, bytes]

_HOST, _LENGTH, _CODING, _EXPECT = b"host", b"content-length", b"transfer-encoding", b"expect"
_WATCHED = frozenset({_HOST, _LENGTH, _CODING, _EXPECT})
_VERSIONS = frozenset({"1.1", "1.0"})
_SLASH = 0x2F


class Refused(Exception):
    """Ends the reading of what a client sent, with the status that it is told."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(slots=True)
class Incoming:
    """A request as it came. ``path`` begins with a slash and is not decoded; headers have names in lower case."""

    method: bytes
    path: bytes
    query: bytes
    version: str
    headers: list[Header]
    has_body: bool
    keep_alive: bool = False
    body: bytes = b""

    @property
    def expects(self) -> bool:
        """Whether the client waits for a word before it sends the body."""
        return self.version == "1.1" and any(name == _EXPECT for name, _ in self.headers)


def read_head(
    method: bytes, target: bytes, version: str, headers: list[Header], bounds: Bounds, *, upgrades: bool
) -> Incoming:
    """Judge a head. ``upgrades``: the client would go on in another protocol. Raises Refused."""
    if version not in _VERSIONS:
        raise Refused(505)
    if target[0] != _SLASH or b"#" in target:
        target = _read_target(method, target)
    has_body = _judge(headers, version, bounds)
    if upgrades and has_body:
        raise Refused(400)  # the parser takes the body for the other protocol's
    path, _, query = target.partition(b"?")
    return Incoming(method, path, query, version, headers, has_body)


def weigh(target: bytes, headers: list[Header], bounds: Bounds) -> None:
    """Measure a head that may be too large. Raises Refused."""
    size = len(target) + sum(len(name) + len(value) + 4 for name, value in headers)
    if size > bounds.head or len(headers) > bounds.headers:
        raise Refused(431)


def _read_target(method: bytes, target: bytes) -> bytes:
    """The path in a target that names a host too (RFC 9112, 3.2.2), which says nothing here."""
    if method == b"CONNECT":
        raise Refused(405)
    try:
        url = httptools.parse_url(target)
    except httptools.HttpParserInvalidURLError:
        raise Refused(400) from None
    if url.fragment is not None or url.host is None or url.schema not in {b"http", b"https"}:
        raise Refused(400)
    return (url.path or b"/") + (b"?" + url.query if url.query is not None else b"")


def _judge(headers: list[Header], version: str, bounds: Bounds) -> bool:
    """Whether a body follows."""
    hosts, has_body = 0, False
    for name, value in headers:
        if name in _WATCHED:
            if name == _HOST:
                hosts += 1
            else:
                has_body = _announced(name, value, version, bounds) or has_body
    if hosts != 1 and (hosts or version == "1.1"):
        raise Refused(400)  # RFC 9112, 3.2
    return has_body


def _announced(name: bytes, value: bytes, version: str, bounds: Bounds) -> bool:
    """Whether one of these headers announces a body."""
    if name == _LENGTH:
        length = int(value)
        if length > bounds.body:
            raise Refused(413)
        return length > 0
    if name == _CODING:
        if value.lower() != b"chunked":
            raise Refused(501)
        if version == "1.0":
            raise Refused(400)
        return True
    if value.lower() != b"100-continue":
        raise Refused(417)
    return False
