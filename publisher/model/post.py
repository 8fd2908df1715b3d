"""A post: the Markdown file an author writes, read as its author meant it, not yet published."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from publisher.model.entry import Author

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Author", "Kind", "Post"]


class Kind(Enum):
    """What a Markdown file is to its site."""

    POST = "post"  # dated, in feeds and digests
    PAGE = "page"  # standing (about, publications): a page, in no feed


@dataclass(frozen=True, slots=True)
class Post:
    """The metadata of one file, complete and normal; its body is kept apart (see ``Source``).

    ``published`` and ``updated`` are aware UTC. ``date_only`` tells that the author gave a day
    without a time; the post is then due from the start of that day in the site's zone, and
    ``due`` holds that moment (else ``due == published``, or ``publishDate`` where given).
    ``permalink`` is absolute. ``declared_id`` is the frontmatter's ``id`` when it is an absolute
    IRI, else empty. ``description`` is the author's own summary, plain text, may be empty.
    ``media`` is an audio or video reference of the frontmatter, as written, may be empty.
    A standing page without a date has ``published`` at the epoch.
    """

    path: str  # POSIX, relative to the posts folder
    kind: Kind
    title: str
    permalink: str
    published: datetime
    updated: datetime
    due: datetime
    expires: datetime | None
    date_only: bool
    updated_date_only: bool
    draft: bool
    declared_id: str
    authors: tuple[Author, ...]
    tags: tuple[str, ...]
    categories: tuple[str, ...]
    section: str
    description: str
    image: str
    image_alt: str
    media: str
    language: str
    aliases: tuple[str, ...]  # former paths or URLs, as written
    in_feeds: bool
    content: str  # "full", "summary" or "" (the site's setting)
    slug: str


@dataclass(frozen=True, slots=True)
class Source:
    """A post together with its Markdown body. ``body_line`` is the file's line of its first line."""

    post: Post
    body: str
    body_line: int
