"""Feeds are fetched: a file, or an address over HTTP; and an address again and again, asking only for what is new."""

from __future__ import annotations

import re
import stat
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin, urlsplit

from publisher import __version__
from publisher.errors import UsageError

if TYPE_CHECKING:
    import httpx

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
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for without end
            raise UsageError(f"{path} is no file", remedy)
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


# An address that is asked again


class Outcome(Enum):
    """What came of asking."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"  # 304
    GONE = "gone"  # 410: it says that it will not come back
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. ``url`` is the address that gave it.

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


LARGEST_FOLLOWED = 20_000_000  # bytes, unpacked
MOST_REDIRECTS = 10
PATIENCE = 60.0  # seconds for all of it
_PERMANENT, _ALL_REDIRECTS = frozenset({301, 308}), frozenset({301, 302, 303, 307, 308})
_MAX_AGE = re.compile(r"max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"


def fetch(url: str, etag: str = "", modified: str = "", *, timeout: float = TIMEOUT) -> Fetched:
    """Ask an address, conditionally where validators are known. What goes wrong is in the answer, in plain words."""
    import httpx  # noqa: PLC0415 - as above

    headers = {"User-Agent": _AGENT, "Accept": _ACCEPT}
    headers |= {name: value for name, value in (("If-None-Match", etag), ("If-Modified-Since", modified)) if value}
    try:
        with httpx.Client(timeout=timeout, headers=headers, cookies=None) as client:
            return _followed(client, url, time.monotonic() + PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as fault:
        return Fetched(Outcome.FAILED, url, str(fault) or type(fault).__name__)


def _followed(client: httpx.Client, url: str, deadline: float) -> Fetched:
    """Ask, and go where the answer sends us."""
    place, moved, is_permanent = url, "", True
    for _ in range(MOST_REDIRECTS + 1):
        with client.stream("GET", place) as answer:
            if answer.status_code not in _ALL_REDIRECTS or "location" not in answer.headers:
                return _answered(answer, place, moved, deadline)
            target = urljoin(place, answer.headers["location"])
            if urlsplit(target).scheme not in {"http", "https"}:
                return Fetched(Outcome.FAILED, place, f"it sends us to {target}, which cannot be fetched")
            if urlsplit(place).scheme == "https" and urlsplit(target).scheme == "http":
                return Fetched(Outcome.FAILED, place, f"it sends us from https to {target}")
            is_permanent = is_permanent and answer.status_code in _PERMANENT
            place = target
            moved = target if is_permanent else moved
    return Fetched(Outcome.FAILED, url, f"it redirects more than {MOST_REDIRECTS} times")


def _answered(answer: httpx.Response, place: str, moved: str, deadline: float) -> Fetched:
    wait = _wait(answer.headers.get("retry-after", ""), answer.headers.get("cache-control", ""))
    if answer.status_code == 304:  # noqa: PLR2004 - a status of HTTP is its own name
        return Fetched(Outcome.UNCHANGED, place, moved=moved, wait=wait)
    if not answer.is_success:
        outcome = Outcome.GONE if answer.status_code == 410 else Outcome.FAILED  # noqa: PLR2004 - as above
        return Fetched(outcome, place, f"it answers {answer.status_code} {answer.reason_phrase}".rstrip(), wait=wait)
    data = bytearray()
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > LARGEST_FOLLOWED:
            return Fetched(Outcome.FAILED, place, f"it is larger than {LARGEST_FOLLOWED // 1_000_000} MB")
        if time.monotonic() > deadline:
            return Fetched(Outcome.FAILED, place, f"it takes longer than {PATIENCE:.0f} seconds")
    headers = answer.headers
    return Fetched(
        Outcome.CHANGED,
        place,
        data=bytes(data),
        media_type=headers.get("content-type", ""),
        etag=headers.get("etag", ""),
        modified=headers.get("last-modified", ""),
        moved=moved,
        wait=wait,
    )


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
