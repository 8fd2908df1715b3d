"""A feed as somebody else's program wrote it, read back: what readers of it hold today.

Nothing here is trusted: ids are as written, links are absolute where that could be told, HTML is not cleaned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.model.entry import Author, Enclosure
    from publisher.model.feed import Format


@dataclass(frozen=True, slots=True)
class ReceivedItem:
    """One entry of a feed.

    ``id`` is what a reader tells it by: guid, atom:id or JSON's id, else the link, else empty. Moments are aware UTC;
    None where there is none or it cannot be read. ``published`` falls back to nothing: a feed that has only
    ``updated`` has None. ``content`` and ``summary`` are HTML as received, relative links made absolute.
    """

    id: str
    url: str
    title: str  # plain text
    published: datetime | None = None
    updated: datetime | None = None
    content: str = ""
    summary: str = ""
    authors: tuple[Author, ...] = ()
    tags: tuple[str, ...] = ()
    image: str = ""
    enclosure: Enclosure | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An entry that a feed says was taken back (RFC 6721 section 3); ``when`` is aware UTC, None if unreadable."""

    ref: str
    when: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFeed:
    """A feed document. Items stand in the document's order; URLs are absolute, empty where there is none.

    ``url`` is where the document says it lives (rel=self, feed_url), ``moved_to`` where it says it lives now
    (itunes:new-feed-url). ``older`` leads to the document with older entries: rel=prev-archive of RFC 5005, else
    rel=next, or JSON Feed's next_url. ``whole`` tells of a document that was read to its end: one that was
    cut off still gives the items before the cut. ``minutes`` is RSS's ttl, 0 where it names none.
    """

    format: Format
    title: str
    items: tuple[ReceivedItem, ...]
    id: str = ""
    home: str = ""
    url: str = ""
    description: str = ""
    language: str = ""
    authors: tuple[Author, ...] = ()
    hubs: tuple[str, ...] = ()
    older: str = ""
    complete: bool = False  # RFC 5005 section 2: what is not in it is gone
    moved_to: str = ""
    tombstones: tuple[Tombstone, ...] = ()
    whole: bool = True
    minutes: int = 0
