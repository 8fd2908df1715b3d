"""A feed: metadata and ordered entries. A feed document is its bytes in one format."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
class Feed:
    """A feed's metadata. URLs are absolute; ``updated`` is its newest entry's, aware UTC.

    ``key`` names the feed for ever ("main", "tag:conference", "feed:name"); ``id`` is what Atom
    carries. ``documents`` maps each format to its path inside the output.
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

    def url(self, wanted: Format) -> str:
        """The absolute URL of one format's document."""
        return next(url for fmt, _, url in self.documents if fmt is wanted)
