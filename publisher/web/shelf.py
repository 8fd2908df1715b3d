"""The output as it is served: a snapshot that does not change, with every address that something is found at.

A request never becomes the name of a file. The folder is walked when it is read, each file gets the addresses that
it is to be found at in their one spelling, and a request's path is looked up among these: what is not there, whatever
way it is written, is not found. Nothing of a folder is shown but its index.html.
"""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

from publisher.output import gone as gone_file
from publisher.output import redirects as redirects_file
from publisher.web.documents import Document, content_tag, ready, whole_seconds
from publisher.web.folder import Stamp, opened, taken, walk
from publisher.web.media_types import ENOUGH, by_name, is_open, media_type
from publisher.web.negotiation import BR, GZIP, IDENTITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from publisher.web.documents import Answer
    from publisher.web.folder import Entry
    from publisher.web.media_types import MediaType

MEMORY = 256 << 20  # bytes of documents that are held in memory; their compressed copies come on top
LARGEST, LARGEST_FEED = 1 << 20, 16 << 20  # bytes of a file that is held in memory
EAGER = 32 << 20  # bytes of documents that are compressed before anybody asks for them
SLOW = 128 << 10  # bytes of a text from which on compressing it would keep everybody else waiting for milliseconds
NOT_FOUND = "404.html"

_INDEX = "index.html"
_SETTLED = 2_000_000_000  # ns after which a change no longer falls into the same tick of the file system's clock
_ATTEMPTS = 3
_KEPT = (b"cache-control", b"public, max-age=3600")

_SAFE = b"/!$&'()*+,;=:@~-._"  # RFC 3986, 3.3
_SMUGGLED = re.compile(rb"%2f|%5c|%[01][0-9a-f]|%7f|[\\\x00-\x20\x7f]", re.IGNORECASE)
_BENT = re.compile(rb"/\.{0,2}(?=/)|/\.{1,2}$")  # an empty segment, or one of dots
_TARGET = re.compile(r"https?://[!-.0->@-~]+(?:[/?#][^\x00-\x20\x7f]*)?", re.IGNORECASE)
_PRINTABLE = bytes(range(0x21, 0x7F))


@dataclass(frozen=True, slots=True, eq=False)
class Redirect:
    """Another address. ``answer`` says so."""

    status: int
    location: bytes
    answer: Answer

    @classmethod
    def to(cls, location: bytes, status: int) -> Redirect:
        """A redirect that may be kept for an hour."""
        return cls(status, location, ready(status, ((b"location", location), _KEPT, (b"content-length", b"0"))))


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """What an output held at one moment. ``feeds`` are the request paths of its feeds, ``not_found`` is its 404.html.

    ``base_path`` begins and ends in a slash; all is found below it, and below the root too, as a proxy may have
    taken it away. ``files`` are the documents by their paths in the folder.
    """

    base_path: bytes
    feeds: frozenset[bytes]
    not_found: Document | None
    files: Mapping[str, Document] = field(repr=False)
    _found: Mapping[bytes, Document | Redirect] = field(repr=False)
    _gone: frozenset[bytes] = frozenset()

    @classmethod
    def of(
        cls,
        files: Mapping[str, Document],
        moved: Mapping[bytes, bytes],
        base_path: str = "/",
        gone: frozenset[bytes] = frozenset(),
    ) -> Shelf:
        """A shelf of documents, of former addresses (request path -> URL), and of addresses where something stood."""
        base = root_of(base_path)
        return cls(
            base_path=base,
            feeds=frozenset(document.path for document in files.values() if document.kind.is_feed),
            not_found=files.get(NOT_FOUND),
            files=files,
            _found=_addresses(files, moved, base),
            _gone=gone,
        )

    def find(self, path: bytes) -> Document | Redirect | None:
        """What is at a request's path, as it came: percent-encoded, with or without a query."""
        return self._found.get(path) or self._sought(path)

    def is_gone(self, path: bytes) -> bool:
        """Whether something stood at a request's path that its author took away; asked when nothing is found there."""
        spelt = spelling(path.partition(b"?")[0])
        if spelt is None or not self._gone:
            return False
        ways = (spelt, self.base_path + spelt[1:])
        return any(way in self._gone or way + b"/" in self._gone for way in ways)

    def _sought(self, path: bytes) -> Document | Redirect | None:
        spelt = spelling(path.partition(b"?")[0])
        if spelt is None:
            return None
        return self._found.get(spelt) or self._found.get(self.base_path + spelt[1:])


def spelling(path: bytes) -> bytes | None:
    """A request path in its one spelling; None if it is none, or is written to be taken for another one.

    Refused are slashes and control characters that are encoded, backslashes, empty and dotted segments, and bytes
    that are no UTF-8. Nothing is decoded twice.
    """
    if not path.startswith(b"/") or _SMUGGLED.search(path):
        return None
    plain = unquote_to_bytes(path)
    try:
        plain.decode()
    except UnicodeDecodeError:
        return None
    return None if _BENT.search(plain) else quote_from_bytes(plain, _SAFE).encode()


def root_of(base_path: str) -> bytes:
    """The path of base_url in its one spelling, with a slash at both ends."""
    names = unquote_to_bytes(base_path).strip(b"/")
    return b"/" + quote_from_bytes(names, _SAFE).encode() + (b"/" if names else b"")


def address_of(file: str, base: bytes) -> bytes:
    """The request path of a file of the output: that of its folder if it is the folder's index.html."""
    folder, slash, name = file.rpartition("/")
    shown = folder + slash if name == _INDEX else file
    return base + quote_from_bytes(shown.encode(), _SAFE).encode()


def _addresses(
    files: Mapping[str, Document], moved: Mapping[bytes, bytes], base: bytes
) -> dict[bytes, Document | Redirect]:
    """Where everything is found: a file at its own name before all that is derived from others' names."""
    found: dict[bytes, Document | Redirect] = {}
    indexes: list[bytes] = []
    for file, document in files.items():
        found[document.path] = document
        if document.path.endswith(b"/"):
            indexes.append(document.path)
            found[base + quote_from_bytes(file.encode(), _SAFE).encode()] = document
    for file, document in files.items():  # what static hosts answer /about with (pages/paths.py)
        if file.endswith(".html") and not document.path.endswith(b"/"):
            found.setdefault(document.path.removesuffix(b".html"), document)
    for path in indexes:
        if path != b"/":
            found.setdefault(path[:-1], Redirect.to(path, 308))
    for path, target in moved.items():
        found[path] = Redirect.to(target, 301)
        if path[1:].endswith(b"/") and path[:-1] not in moved and not isinstance(found.get(path[:-1]), Document):
            found[path[:-1]] = found[path]  # at once, not by way of the folder
    return found


def read_moved(text: str, base: bytes) -> dict[bytes, bytes]:
    """The former addresses in a redirects.txt (output/redirects.py); lines that do not fit are left out."""
    moved = {}
    for line in text.split("\n"):
        address, _, target = line.rstrip("\r").partition("\t")
        path = spelling(address.encode("utf-8", "replace"))
        if path is not None and path.startswith(base) and _TARGET.fullmatch(target):
            moved[path] = quote_from_bytes(target.encode("utf-8", "replace"), _PRINTABLE).encode()
    return moved


def read_gone(text: str, base: bytes) -> frozenset[bytes]:
    """The addresses in a gone.txt (output/gone.py); lines that do not fit are left out."""
    paths = (spelling(line.rstrip("\r").encode("utf-8", "replace")) for line in text.split("\n"))
    return frozenset(path for path in paths if path is not None and path.startswith(base))


# Reading a folder


def read_shelf(root: Path, base_path: str = "/", before: Shelf | None = None, *, memory: int = MEMORY) -> Shelf:
    """Read an output folder. A file whose stamp is the one it had in ``before`` is taken from there.

    Of what there is too much for ``memory`` bytes, pages and feeds come first. A folder that is not there is empty;
    a file that cannot be read, or goes away meanwhile, is left out.
    """
    base, place = root_of(base_path), os.path.realpath(root)
    reading = _Reading(base, before.files if before is not None and before.base_path == base else {}, memory)
    entries = sorted(walk(place), key=_precedence)
    documents = ((entry.name, reading.document(entry)) for entry in entries)
    files = {name: document for name, document in documents if document is not None}
    _compress(sorted(filter(_is_eager, files.values()), key=lambda document: not document.kind.is_feed))
    moved = read_moved(_text(f"{place}/{redirects_file.PATH}"), base)
    return Shelf.of(files, moved, base_path, read_gone(_text(f"{place}/{gone_file.PATH}"), base))


def _precedence(entry: Entry) -> tuple[bool, str]:
    name = by_name(entry.name)
    return not (is_open(entry.name) or name.startswith("text/")), entry.name


def _is_eager(document: Document) -> bool:
    return document.is_negotiated and (document.kind.is_feed or document.stamp.size >= SLOW)


def _compress(documents: Iterable[Document]) -> None:
    left = EAGER
    for document in documents:
        left -= document.stamp.size
        if left < 0:
            return
        for coding in (BR, GZIP):
            document.form((coding, IDENTITY))


def _text(path: str) -> str:
    try:
        with opened(path) as stream:
            return stream.readall().decode("utf-8", "replace")
    except OSError:
        return ""


@dataclass(slots=True)
class _Reading:
    """One reading of a folder. ``left`` is how many bytes may yet be held."""

    base: bytes
    before: Mapping[str, Document]
    left: int
    now: float = field(default_factory=time.time)

    def document(self, entry: Entry) -> Document | None:
        """The document of a file: that of the reading before, or a new one."""
        known = self.before.get(entry.name)
        if known is not None and (known.stamp, known.file) == (entry.stamp, entry.file) and self._may_stay(known):
            made = known
        else:
            try:
                made = self._read(entry, known)
            except OSError:
                return None
        self.left -= len(made.content or b"")
        return made

    def _may_stay(self, known: Document) -> bool:
        """Whether a file of the same stamp is the same: while its stamp was fresh it could change unseen."""
        fits = self._fits(known.kind, known.stamp)
        return not fits if known.content is None else fits and known.is_settled

    def _fits(self, kind: MediaType, stamp: Stamp) -> bool:
        return stamp.size <= min(LARGEST_FEED if kind.is_feed else LARGEST, self.left)

    def _read(self, entry: Entry, known: Document | None) -> Document:
        """Read a file; one that changes while it is read stays on disk."""
        for _ in range(_ATTEMPTS):
            with opened(entry.file) as stream:
                stamp = Stamp.of(os.fstat(stream.fileno()))
                start = taken(stream, min(ENOUGH, stamp.size))
                kind = media_type(entry.name, start)
                if not self._fits(kind, stamp):
                    break
                content = start + taken(stream, stamp.size - len(start))
                if len(content) == stamp.size and Stamp.of(os.fstat(stream.fileno())) == stamp:
                    return self._held(entry, kind, stamp, content, known)
        modified = whole_seconds(stamp, self.now)
        return Document(address_of(entry.name, self.base), kind, None, stamp.tag, modified, stamp, entry.file)

    def _held(self, entry: Entry, kind: MediaType, stamp: Stamp, content: bytes, known: Document | None) -> Document:
        is_settled = stamp.mtime_ns + _SETTLED < self.now * 1e9
        if known is not None and known.content == content:  # written anew with the same bytes: it was not modified
            return replace(known, stamp=stamp, file=entry.file, is_settled=is_settled)
        return Document(
            path=address_of(entry.name, self.base),
            kind=kind,
            content=content,
            tag=content_tag(content),
            modified=whole_seconds(stamp, self.now),
            stamp=stamp,
            file=entry.file,
            is_settled=is_settled,
        )
