"""How many people read a feed: aggregators fetch it once for all of them, and say in their User-Agent for how many.

There is no standard for it, only habits: "12 subscribers", "3 readers", "users 3", "subscribers: 5". Of what else such
a header holds nothing is kept but the name of the aggregator: no address, no path, no id.
"""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from publisher.model.counted import Counted

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 10_000_000  # readers of one feed by one aggregator: more is a joke
LONGEST = 40  # characters of a name
UNNAMED = "others"

_LOOKED_AT = 512  # bytes of a header; numbers stand near its start
_CACHED = 1024
_AGGREGATORS = 200  # of one feed on one day
_PARTS = 50  # ids under which one aggregator knows one feed
_PLACES = 20_000  # in all, whatever paths and names there are

_BEFORE = re.compile(
    r"(?<![\w.,+-])(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})\s{0,3}(?:subscriber|reader|follower|user)s?\b",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"\b(?:(?:subscriber|reader|follower|user)s?\s{0,3}[:=]\s{0,3}|(?:subscriber|reader|follower|user)s\s{1,3})"
    r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})(?![\w.,+-]*\w)",
    re.IGNORECASE,
)
_PART = re.compile(r"feed[-_]?id[:=\s]\s{0,3}([\w-]{1,64})|/site/(\d{1,12})", re.IGNORECASE)

# Known ones by the shape of their own names, whatever else they write: their names change less than their headers.
_KNOWN = (
    ("feedly", "Feedly"),
    ("inoreader", "Inoreader"),
    ("newsblur", "NewsBlur"),
    ("theoldreader", "The Old Reader"),
    ("feedbin", "Feedbin"),
    ("bazqux", "BazQux"),
    ("bloglovin", "Bloglovin"),
    ("netvibes", "Netvibes"),
    ("superfeedr", "Superfeedr"),
    ("feedwrangler", "Feed Wrangler"),
    ("feed wrangler", "Feed Wrangler"),
    ("feedfetcher-google;", "Google"),
    ("yandex", "Yandex"),
    ("livejournal", "LiveJournal"),
    ("miniflux", "Miniflux"),
    ("feedspot", "Feedspot"),
    ("feedhq", "FeedHQ"),
    ("feeder.co", "Feeder"),
    ("commafeed", "CommaFeed"),
)

_BROWSER = re.compile(r"^mozilla/[\d.]+\s*\(\s*(compatible\s*;)?", re.IGNORECASE)
_NO_NAME = re.compile(
    r"compatible|www\.|like\b|robot$|b$|x11|linux|windows|macintosh"
    r"|(?:subscriber|reader|follower|user)s?\b",
    re.IGNORECASE,
)
_NAME_ENDS = re.compile(
    r"[/();,]|\s[-+]|\+?https?:|\bfeed[-_]?id\b|(?:^|\s)\d|\d{4}|\s(?:subscriber|reader|follower|user)s?\s?[:=]",
    re.IGNORECASE,
)
_ODD = re.compile(r"[^A-Za-z0-9 .!_&'-]+")
_EDGES = " .-_!'&"
_ID_LIKE = re.compile(r"(?=\w*\d)\w{12,}|\d{4,}|\d+(?:\.\d+){3}")


class Told(NamedTuple):
    """What an aggregator says of itself. ``part`` parts the ids under which it knows one feed; it is never stored."""

    aggregator: str
    readers: int
    part: str = ""


def told(user_agent: bytes) -> Told | None:
    """Read an aggregator's name and count in its User-Agent; None where there is no count that can be meant.

    Any bytes will do. Where several numbers stand, the first counts.
    """
    text = user_agent[:_LOOKED_AT].decode("latin-1")
    found = _BEFORE.search(text) or _BEHIND.search(text)
    readers = int(found[1].replace(",", "")) if found else 0
    if not 0 < readers <= MOST:
        return None
    part = _PART.search(text)
    return Told(_name(text), readers, (part[1] or part[2]) if part else "")


def _name(text: str) -> str:
    lowered = text.lower()
    known = next((name for sign, name in _KNOWN if sign in lowered), "")
    return known or next(filter(None, map(_cleaned, _candidates(text))), UNNAMED)


def _candidates(text: str) -> list[str]:
    """Where a name may stand, best first: at the start, or after what says that it is only like a browser.

    What says that it is one tells of a person's device there.
    """
    browser = _BROWSER.match(text)
    if browser is None:
        return [text]
    return text[browser.end() :].split(";") if browser[1] else []


def _cleaned(written: str) -> str:
    """A product's name alone (RFC 9110 10.1.5): no version, and nothing that may tell who somebody is."""
    name = _NAME_ENDS.split(written.strip(), maxsplit=1)[0]
    if "@" in name or _NO_NAME.match(name):
        return ""
    words = " ".join(word for word in _ODD.sub(" ", name).split() if not _ID_LIKE.search(word))
    return words.strip(_EDGES)[:LONGEST].rstrip(_EDGES)


class Readers:
    """Counts of today and of what was not taken yet, from any thread. ``now`` is aware UTC.

    Of an aggregator's count for a feed the most of a day stands. Where it knows the feed under several ids (with
    and without https, say), each has readers of its own, and they add up.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._heard: dict[bytes, Told | None] = {}
        self._noted: set[tuple[str, bytes]] = set()  # since the last take: to hear it again changes nothing
        self._counts: dict[tuple[str, str, str], dict[str, int]] = {}  # day, feed, aggregator: part: readers
        self._taken: dict[tuple[str, str, str], int] = {}
        self._aggregators: dict[tuple[str, str], int] = {}

    def note(self, feed_path: str, user_agent: bytes) -> None:
        """Note that a feed was fetched. Most agents tell no count, and are passed over in less than a microsecond."""
        if (  # parts of the words that a count comes with, written small or with a capital
            b"ubscriber" not in user_agent
            and b"eader" not in user_agent
            and b"sers" not in user_agent
            and b"ollower" not in user_agent
        ):
            return
        if (feed_path, user_agent) in self._noted:
            return
        try:
            heard = self._heard[user_agent]
        except KeyError:
            heard = self._remember(user_agent)
        if heard is not None:
            self._count(feed_path, heard)
        if len(self._noted) < _CACHED and len(user_agent) <= _LOOKED_AT:
            self._noted.add((feed_path, user_agent))

    def take(self) -> tuple[Counted, ...]:
        """What is new or has grown since it was last taken."""
        today = self._today()
        self._noted.clear()
        with self._lock:
            sums = {key: min(sum(parts.values()), MOST) for key, parts in self._counts.items()}
            grown = {key: readers for key, readers in sums.items() if readers > self._taken.get(key, 0)}
            for key in [key for key in self._counts if key[0] != today]:
                del self._counts[key]
            self._taken = {key: readers for key, readers in sums.items() if key[0] == today}
            self._aggregators = {key: count for key, count in self._aggregators.items() if key[0] == today}
        return tuple(Counted(feed, name, day, readers) for (day, feed, name), readers in sorted(grown.items()))

    def _remember(self, user_agent: bytes) -> Told | None:
        heard = told(user_agent)
        with self._lock:
            if len(self._heard) >= _CACHED:
                self._heard.clear()
            if len(user_agent) <= _LOOKED_AT:
                self._heard[user_agent] = heard
        return heard

    def _count(self, feed: str, heard: Told) -> None:
        day = self._today()
        key = (day, feed, heard.aggregator)
        with self._lock:
            parts = self._counts.get(key)
            if parts is None:
                known = self._aggregators.get((day, feed), 0)
                if known >= _AGGREGATORS or len(self._counts) >= _PLACES:
                    return
                self._aggregators[day, feed] = known + 1
                parts = self._counts[key] = {}
            if heard.part in parts or len(parts) < _PARTS:
                parts[heard.part] = max(parts.get(heard.part, 0), heard.readers)

    def _today(self) -> str:
        return self._now().astimezone(UTC).date().isoformat()
