"""An entry: a post as it is published, valid, absolute, dated and identified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Author:
    """A person who wrote; ``email`` and ``uri`` may be empty."""

    name: str
    email: str = ""
    uri: str = ""


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A media file that belongs to an entry: absolute URL, media type, length in bytes."""

    url: str
    media_type: str
    length: int


@dataclass(frozen=True, slots=True)
class Image:
    """An entry's picture: absolute URL and the text for who cannot see it."""

    url: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of an entry without rendering its body.

    ``published`` and ``updated`` are aware UTC. ``atom_updated`` is ``updated`` parted from
    other entries of the same moment by seconds derived from the id. Text fields are free of
    characters that XML 1.0 forbids.
    """

    id: str
    path: str
    url: str
    title: str
    published: datetime
    updated: datetime
    atom_updated: datetime
    date_only: bool
    authors: tuple[Author, ...] = ()
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    section: str = ""
    language: str = ""
    in_feeds: bool = True
    content: str = ""  # "full", "summary" or "" (the feed's setting)
    standing: bool = False  # a standing page, in no feed
    aliases: tuple[str, ...] = ()
    source: str = ""  # the feed that it comes from; empty for a post of this site


@dataclass(frozen=True, slots=True)
class Body:
    """An entry's rendered text.

    ``html`` is for pages (every link absolute, the author's raw HTML kept); ``feed_html`` is the
    same cleaned for feeds and mail (no scripts, embeds turned into links). ``summary`` is plain
    text. Neither holds a character that XML 1.0 forbids.
    """

    html: str
    feed_html: str
    summary: str
    image: Image | None = None
    enclosure: Enclosure | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An entry with its body: what a feed document is made of."""

    entry: Entry
    body: Body
