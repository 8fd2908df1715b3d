"""A feed: metadata and ordered entries. A feed document is its bytes in one format."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from publisher.model.entry import Author


class Format(Enum):
    """The formats a feed is written in; the value is the word used in config.toml."""

    RSS = "rss"
    ATOM = "atom"
    JSON = "json"

    @property
    def media_type(self) -> str:
        """The type named in links and served by web servers."""
        return {
            "rss": "application/rss+xml",
            "atom": "application/atom+xml",
            "json": "application/feed+json",
        }[self.value]

    @property
    def label(self) -> str:
        """The name people know it by."""
        return {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}[self.value]


@dataclass(frozen=True, slots=True)
class History:
    """A document's place among those that hold a feed's entries (RFC 5005); URLs are absolute, by format.

    ``older`` and ``newer`` are the neighbouring archives. ``current`` is set in archives alone: the document that
    readers subscribe to. A ``complete`` feed holds all its entries, and what is not in it is gone (section 2).
    ``removed`` are entries that were taken back (RFC 6721), each with its moment (aware UTC).
    """

    older: Mapping[Format, str] = field(default_factory=dict)
    newer: Mapping[Format, str] = field(default_factory=dict)
    current: Mapping[Format, str] = field(default_factory=dict)
    complete: bool = False
    removed: tuple[tuple[str, datetime], ...] = ()


NO_HISTORY = History()


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's metadata. URLs are absolute; ``updated`` is its newest entry's, aware UTC.

    ``key`` names the feed for ever ("main", "tag:conference", "feed:name"); ``id`` is what Atom
    carries. ``documents`` maps each format to its path inside the output. ``history`` tells where the rest of its
    entries stands.
    """

    key: str
    id: str
    title: str
    description: str
    home: str  # the page the feed is about
    language: str
    updated: datetime
    authors: tuple[Author, ...]
    documents: tuple[tuple[Format, str, str], ...]  # format, path in the output, absolute URL
    hubs: tuple[str, ...] = ()
    full_text: bool = True
    history: History = field(default=NO_HISTORY, hash=False)  # equal feeds have equal ones; mappings have no hash

    def url(self, wanted: Format) -> str:
        """The absolute URL of one format's document."""
        return next(url for fmt, _, url in self.documents if fmt is wanted)
