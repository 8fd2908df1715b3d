"""Feeds are fetched: a file, or an address over HTTP; and an address again and again, asking only for what is new.

What a server may cost is bounded: so many seconds for all of it, however slowly it speaks; so many bytes, counted as
they are unpacked; so many redirects. No cookie is kept, and nothing that was asked by https is answered by http.
"""

from __future__ import annotations

import re
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Lock, Timer
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from publisher import __version__
from publisher.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import httpx

LARGEST = 50_000_000  # bytes, of what is read once
LARGEST_FOLLOWED = 20_000_000  # bytes, of what is read again and again
MOST_REDIRECTS = 10
SILENCE = 15.0  # seconds without a word
PATIENCE = 30.0  # seconds for all of it
SHOWN = 200  # characters of a name that is too long for any file
_AGENT = f"Publisher/{__version__}"
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_PERMANENT, _ALL_REDIRECTS = frozenset({301, 308}), frozenset({301, 302, 303, 307, 308})
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_NOT_MODIFIED, _GONE = 304, 410
_PIECE = 1 << 18  # bytes that are unpacked at one time


class Loaded(NamedTuple):
    """What stands at a place. ``url`` is the address that answered in the end, empty for a file."""

    data: bytes
    url: str
    media_type: str


def load(place: str) -> Loaded:
    """Read a file, or what an http(s) address answers with. Raises UsageError, which says why not."""
    return _loaded(place) if "://" in place else _read(Path(place))


def _read(path: Path) -> Loaded:
    remedy = "name the file of a feed, or its address with https:// before it"
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for without end
            raise UsageError(f"{path} is no file", remedy)
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST // 1_000_000} MB", remedy)
        return Loaded(path.read_bytes(), "", "")
    except (OSError, ValueError) as fault:  # the latter for a name with a NUL in it
        shown = path if len(str(path)) < SHOWN else f"{str(path)[:SHOWN]}…"
        raise UsageError(f"{shown} cannot be read: {getattr(fault, 'strerror', None) or fault}", remedy) from None


def _loaded(url: str) -> Loaded:
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url} is no address that can be fetched", "it begins with http:// or https://")
    found = fetch(url, most=LARGEST)
    if found.outcome is Outcome.CHANGED:
        return Loaded(found.data, found.url, found.media_type)
    if found.status:
        raise UsageError(f"{url} {found.reason.removeprefix('it ')}", "see whether it opens in a browser")
    raise UsageError(f"{url} cannot be fetched: {found.reason}", "see whether it opens in a browser")


# An address that is asked again


class Outcome(Enum):
    """What came of asking."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # 304
    GONE = "gone"  # 410: it says that it will not come back
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. ``url`` is the address that gave it, ``status`` that of HTTP, 0 where there was no answer.

    ``moved`` is the address that this one has moved to for good: all redirects to it were permanent ones (301, 308);
    else it is empty. ``wait`` is how long the server asks not to be asked again, None if it does not say.
    """

    outcome: Outcome
    url: str
    reason: str = ""
    data: bytes = b""
    media_type: str = ""
    etag: str = ""
    modified: str = ""
    moved: str = ""
    wait: timedelta | None = None
    status: int = 0


def fetch(
    url: str,
    etag: str = "",
    modified: str = "",
    *,
    silence: float = SILENCE,
    patience: float = PATIENCE,
    most: int = LARGEST_FOLLOWED,
) -> Fetched:
    """Ask an address, conditionally where validators are known. What goes wrong is in the answer, in plain words.

    It is over after ``patience`` seconds, or ``silence`` without a byte; ``most`` bytes are read, unpacked.
    """
    import httpx  # noqa: PLC0415 - 60 ms, and only who names an address pays for it

    headers = {"User-Agent": _AGENT, "Accept": _ACCEPT, "Accept-Encoding": "gzip"}
    headers |= {name: value for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified)) if value}
    asking = _Asking(most, conditional=bool(etag or modified))
    with _limited(patience) as line, httpx.Client(timeout=silence, headers=headers) as client:
        try:
            found = _followed(client, url, asking, line)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as fault:
            found = Fetched(Outcome.FAILED, url, _words(fault, silence))
    # asked at last: a line that was cut is the end of a document whose length was not told
    return Fetched(Outcome.FAILED, url, f"it takes longer than {patience:g} seconds") if line.is_cut else found


class _Asking(NamedTuple):
    """How many bytes are read, and whether it was asked conditionally."""

    most: int
    conditional: bool


@dataclass(slots=True)
class _Line:
    """The connections of one asking, so that they can be cut while somebody reads from them."""

    is_cut: bool = False
    _sockets: list[Any] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Hear of a new connection from httpcore (its extension "trace")."""
        if event in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            with self._lock:
                self._sockets.append(info["return_value"].get_extra_info("socket"))
                if self.is_cut:
                    self._hang_up()

    def cut(self) -> None:
        """End them all: whoever reads finds the end. A limit between two bytes would be no limit for all of them."""
        with self._lock:
            self.is_cut = True
            self._hang_up()

    def _hang_up(self) -> None:
        for one in self._sockets:
            with suppress(OSError, TypeError):  # closed meanwhile, or taken over by the encrypted one
                socket.shutdown(one, SHUT_RDWR)  # an encrypted one's own would forget its state under its reader


@contextmanager
def _limited(patience: float) -> Iterator[_Line]:
    line = _Line()
    timer = Timer(patience, line.cut)
    timer.daemon = True
    timer.start()
    try:
        yield line
    finally:
        timer.cancel()
        timer.join()


def _followed(client: httpx.Client, url: str, asking: _Asking, line: _Line) -> Fetched:
    """Ask, and go where the answer sends us."""
    place, moved, is_permanent = url, "", True
    for _ in range(MOST_REDIRECTS + 1):
        client.cookies.clear()
        with client.stream("GET", place, extensions={"trace": line.note}) as answer:
            if answer.status_code not in _ALL_REDIRECTS or "location" not in answer.headers:
                return _answered(answer, place, moved, asking)
            target = urljoin(place, answer.headers["location"])
            if urlsplit(target).scheme not in {"http", "https"}:
                return Fetched(Outcome.FAILED, place, f"it sends us to {target}, which cannot be fetched")
            if urlsplit(place).scheme == "https" and urlsplit(target).scheme == "http":
                return Fetched(Outcome.FAILED, place, f"it sends us from https to {target}")
            is_permanent = is_permanent and answer.status_code in _PERMANENT
            place = target
            moved = target if is_permanent else moved
    return Fetched(Outcome.FAILED, url, f"it redirects more than {MOST_REDIRECTS} times")


def _answered(answer: httpx.Response, place: str, moved: str, asking: _Asking) -> Fetched:
    headers, status = answer.headers, answer.status_code
    wait = _wait(headers.get("retry-after", ""), headers.get("cache-control", ""))
    if status == _NOT_MODIFIED and asking.conditional:
        return Fetched(Outcome.UNCHANGED, place, moved=moved, wait=wait, status=status)
    if not answer.is_success:
        outcome = Outcome.GONE if status == _GONE else Outcome.FAILED
        reason = f"it answers {status} {answer.reason_phrase}".rstrip()
        return Fetched(outcome, place, reason, wait=wait, status=status)
    data = bytearray()
    for piece in _unpacked(answer.iter_raw(), headers.get("content-encoding", "")):
        data += piece
        if len(data) > asking.most:
            return Fetched(Outcome.FAILED, place, f"it is larger than {asking.most // 1_000_000} MB")
    return Fetched(
        Outcome.CHANGED,
        place,
        data=bytes(data),
        media_type=headers.get("content-type", ""),
        etag=headers.get("etag", ""),
        modified=headers.get("last-modified", ""),
        moved=moved,
        wait=wait,
        status=status,
    )


def _unpacked(pieces: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """An answer's content, piece by piece. A few packed bytes may hold a thousand times as many: never all at once."""
    name = coding.strip().lower()
    if name in {"", "identity"}:
        return iter(pieces)
    if name in {"gzip", "x-gzip", "deflate"}:
        return _inflated(pieces)
    raise ValueError(f"it is packed in a way that nobody asked for: {name[:40]}")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    unpacker, is_begun = zlib.decompressobj(zlib.MAX_WBITS | 32), False  # 32: gzip or zlib, as it says itself
    for piece in pieces:
        rest = piece
        while rest and not unpacker.eof:
            try:
                yield unpacker.decompress(rest, _PIECE)
            except zlib.error:
                if is_begun:
                    raise ValueError("what it sends cannot be unpacked") from None
                unpacker = zlib.decompressobj(-zlib.MAX_WBITS)  # what some servers mean by deflate (RFC 9110, 8.4.1.2)
                is_begun = True
                continue
            is_begun, rest = True, unpacker.unconsumed_tail
    if not unpacker.eof:
        raise ValueError("it broke off in the middle")


_SIGNS = (
    ("name or service", "its host is not known"),
    ("no address associated", "its host is not known"),
    ("name resolution", "no name can be looked up just now"),
    ("getaddrinfo", "its host is not known"),
    ("refused", "nobody answers there (connection refused)"),
    ("unreachable", "there is no way to it (network unreachable)"),
    ("certificate", "its certificate cannot be trusted"),
    ("reset by peer", "it broke off the connection"),
    ("peer closed", "it broke off in the middle"),
    ("disconnected", "it broke off without an answer"),
)


def _words(fault: Exception, silence: float) -> str:
    """What a client's error means, in words that need no knowledge of the client."""
    import httpx  # noqa: PLC0415 - it is there, since it raised this

    said = " ".join(str(fault).split()) or type(fault).__name__
    if isinstance(fault, httpx.TimeoutException):
        return f"it said nothing for {silence:g} seconds"
    if isinstance(fault, httpx.InvalidURL | httpx.UnsupportedProtocol) or "location header" in said:
        return f"the address, or one that it sends us to, is none that can be fetched ({said})"
    plain = next((words for sign, words in _SIGNS if sign in said.lower()), "")
    if plain or not isinstance(fault, httpx.ProtocolError):
        return plain or said
    return f"it does not speak HTTP: {said}"


def _wait(retry_after: str, cache_control: str) -> timedelta | None:
    """How long a server asks for patience: Retry-After (RFC 9110, 10.2.3) goes before max-age."""
    if retry_after.isdecimal() and len(retry_after) < 10:  # noqa: PLR2004 - digits of 30 years
        return timedelta(seconds=int(retry_after))
    if retry_after:
        try:
            at = parsedate_to_datetime(retry_after)
            return max(timedelta(0), (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC))
        except (ValueError, TypeError, OverflowError):
            return None
    found = _MAX_AGE.search(cache_control)
    return timedelta(seconds=int(found[1])) if found else None
