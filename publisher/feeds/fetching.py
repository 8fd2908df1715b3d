"""Feeds are fetched: a file, or an address over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from publisher import __version__
from publisher.errors import UsageError

LARGEST = 50_000_000  # bytes
TIMEOUT = 30.0  # seconds without a word
_AGENT = f"Publisher/{__version__}"


class Loaded(NamedTuple):
    """What stands at a place. ``url`` is the address that answered in the end, empty for a file."""

    data: bytes
    url: str
    media_type: str


def load(place: str) -> Loaded:
    """Read a file, or what an http(s) address answers with. Raises UsageError, which says why not."""
    return _fetched(place) if "://" in place else _read(Path(place))


def _read(path: Path) -> Loaded:
    remedy = "name the file of a feed, or its address with https:// before it"
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise UsageError(f"{path} is no file", remedy)
    try:
        if path.stat().st_size > LARGEST:
            raise UsageError(f"{path} is larger than {LARGEST // 1_000_000} MB", remedy)
        return Loaded(path.read_bytes(), "", "")
    except (OSError, ValueError) as fault:  # the latter for a name with a NUL in it
        raise UsageError(f"{path} cannot be read: {getattr(fault, 'strerror', None) or fault}", remedy) from None


def _fetched(url: str) -> Loaded:
    import httpx  # noqa: PLC0415 - 60 ms, and only who names an address pays for it

    remedy = "see whether it opens in a browser"
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{url} is no address that can be fetched", "it begins with http:// or https://")
    data = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT, headers={"User-Agent": _AGENT}) as answer:
            if not answer.is_success:
                raise UsageError(f"{url} answers {answer.status_code} {answer.reason_phrase}".rstrip(), remedy)
            for piece in answer.iter_bytes():
                data += piece
                if len(data) > LARGEST:
                    raise UsageError(f"{url} is larger than {LARGEST // 1_000_000} MB", remedy)
            return Loaded(bytes(data), str(answer.url), answer.headers.get("content-type", ""))
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as fault:
        raise UsageError(f"{url} cannot be fetched: {str(fault) or type(fault).__name__}", remedy) from None
