"""A document of the output as it is sent: its bytes in each content coding, and the headers that go with them.

Whatever can be known of an answer before it is asked for is made once: a feed reader that has everything already
costs a look into two dicts and a comparison.
"""

from __future__ import annotations

import os
import stat as modes
import zlib
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import brotli  # type: ignore[import-untyped] # it ships no types

from publisher.web.conditional import http_date
from publisher.web.folder import Stamp
from publisher.web.negotiation import BR, GZIP, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.web.media_types import MediaType
    from publisher.web.negotiation import Coding

    Headers = tuple[tuple[bytes, bytes], ...]

SOON, LATER = b"public, max-age=300", b"public, max-age=3600"
UNSTAMPED = Stamp(0, 0, 0)  # of what is in no file
PIECE = 1 << 18  # bytes of a file that are read at a time
_SUFFIX = {BR: b"-br", GZIP: b"-gz", IDENTITY: b""}
_VARY = (b"vary", b"accept-encoding")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_ALWAYS = (_NOSNIFF, (b"referrer-policy", b"strict-origin-when-cross-origin"))
_PLAIN = ((b"content-type", b"text/plain; charset=utf-8"), _NOSNIFF)


class FilePart(NamedTuple):
    """Bytes of a file that is too large to be held in memory. ``stamp`` is that of the file that was meant."""

    path: str
    start: int
    length: int
    stamp: Stamp

    def open(self) -> int:
        """A descriptor of that very file. Raises OSError if it is gone, or another one has taken its place."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        if Stamp.of(os.fstat(descriptor)) != self.stamp:
            os.close(descriptor)
            raise FileNotFoundError(self.path)
        return descriptor

    def pieces(self) -> Iterator[bytes]:
        """The bytes, in order. Raises OSError if they are not, or not all of them, there any more."""
        descriptor, at, end = self.open(), self.start, self.start + self.length
        try:
            while at < end:
                piece = os.pread(descriptor, min(PIECE, end - at), at)
                if not piece:
                    raise FileNotFoundError(self.path)
                at += len(piece)
                yield piece
        finally:
            os.close(descriptor)


class Answer(NamedTuple):
    """What is said to a request; Date and Connection are the server's to add.

    ``headers`` have their names in lower case, and Content-Length with them. ``lines`` are the same as they go over
    the wire, where that was made beforehand; else empty.
    """

    status: int
    headers: Headers
    body: bytes | FilePart = b""
    lines: bytes = b""


def ready(status: int, headers: Headers, body: bytes | FilePart = b"") -> Answer:
    """An answer that will be given often."""
    return Answer(status, headers, body, b"".join(b"%b: %b\r\n" % pair for pair in headers))


def plain(status: int, words: str, *more: tuple[bytes, bytes]) -> Answer:
    """An answer in a line of plain words."""
    body = f"{words}\n".encode()
    return ready(status, (*_PLAIN, *more, (b"content-length", b"%d" % len(body))), body)


class Form:
    """A document in one content coding. ``whole`` and ``unchanged`` are answers made beforehand.

    ``part`` are the headers of ``whole`` without Content-Length.
    """

    __slots__ = ("part", "size", "tag", "unchanged", "whole")

    def __init__(self, document: Document, coding: Coding, body: bytes | FilePart) -> None:
        self.tag = document.tag[:-1] + _SUFFIX[coding] + b'"'
        self.size = body.length if isinstance(body, FilePart) else len(body)
        kind = document.kind
        encoding = ((b"content-encoding", coding.encode()),) if coding != IDENTITY else ()
        validators = (
            (b"etag", self.tag),
            (b"last-modified", http_date(document.modified)),
            (b"cache-control", SOON if kind.is_feed or kind.is_page else LATER),
            *((_VARY,) if document.is_negotiated else ()),
        )
        ranges = () if document.is_negotiated else ((b"accept-ranges", b"bytes"),)
        self.part: Headers = ((b"content-type", kind.name), *encoding, *validators, *ranges, *_ALWAYS)
        headers = (*self.part, (b"content-length", b"%d" % self.size))
        self.whole = ready(200, headers, body)
        self.unchanged = ready(304, validators)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A file of the output.

    ``path`` is the request path that it is found at, percent-encoded. ``file`` is where it lies, and ``content`` what
    it holds, or None where it is read for each answer. ``modified`` is in whole seconds of the epoch.
    ``is_settled``: the file was old enough when it was read that a later change cannot leave its stamp as it is.
    """

    path: bytes
    kind: MediaType
    content: bytes | None
    tag: bytes
    modified: int
    stamp: Stamp = UNSTAMPED
    file: str = ""
    is_settled: bool = True
    _forms: dict[Coding, Form] = field(default_factory=dict, repr=False)
    _chosen: dict[tuple[Coding, ...], Form | None] = field(default_factory=dict, repr=False)

    @property
    def is_negotiated(self) -> bool:
        """Whether it is sent compressed to those who take that."""
        return self.kind.is_text and self.content is not None

    @property
    def identity(self) -> Form:
        """The document as it is."""
        return self._in(IDENTITY)

    def form(self, codings: tuple[Coding, ...]) -> Form | None:
        """The first of these codings that is of use; None if none may be used.

        A coding that does not make it smaller is of no use, except to those who refuse identity.
        """
        try:
            return self._chosen[codings]
        except KeyError:
            chosen = self._chosen[codings] = self._choose(codings)
            return chosen

    def _choose(self, codings: tuple[Coding, ...]) -> Form | None:
        if not self.is_negotiated:
            return self._in(IDENTITY)
        for coding in codings:
            form = self._in(coding)
            if coding == IDENTITY or self._saves(form):
                return form
        return self._in(codings[0]) if codings else None

    def _saves(self, form: Form) -> bool:
        return form.size < len(self.content or b"")

    def _in(self, coding: Coding) -> Form:
        form = self._forms.get(coding)
        if form is None:  # made twice if two threads ask at once, which does no harm
            form = self._forms[coding] = Form(self, coding, self._body(coding))
        return form

    def _body(self, coding: Coding) -> bytes | FilePart:
        if self.content is None:
            return FilePart(self.file, 0, self.stamp.size, self.stamp)
        if coding == IDENTITY:
            return self.content
        return _gzip(self.content) if coding == GZIP else bytes(brotli.compress(self.content, quality=5))

    def present(self, now: float) -> Document | None:
        """This document as its file is now; None if that is no file any more, or has come to lie elsewhere."""
        if self.content is not None:
            return self
        try:
            stat = os.lstat(self.file)
            if Stamp.of(stat) == self.stamp:
                return self
            if not modes.S_ISREG(stat.st_mode) or os.path.realpath(self.file) != self.file:
                return None
        except OSError:
            return None
        stamp = Stamp.of(stat)
        return Document(self.path, self.kind, None, stamp.tag, whole_seconds(stamp, now), stamp, self.file)


def whole_seconds(stamp: Stamp, now: float) -> int:
    """When a file changed; never in the future (RFC 9110, 8.8.2.1)."""
    return max(0, min(stamp.mtime_ns // 1_000_000_000, int(now)))


def content_tag(content: bytes) -> bytes:
    """The strong entity tag of bytes."""
    return b'"%b"' % blake2b(content, digest_size=16).hexdigest().encode()


def _gzip(content: bytes) -> bytes:
    return zlib.compress(content, 6, 16 + zlib.MAX_WBITS)  # with gzip's frame; its time is 0
