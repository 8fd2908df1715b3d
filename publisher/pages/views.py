"""What templates are given: small frozen values made from entries, feeds and settings.

Everything here is decided before a template sees it (which date, which link, which language), so
that a site's own templates only have to place things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypedDict

from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from publisher.model.entry import Author, Enclosure, Entry
    from publisher.model.feed import Feed, Format
    from publisher.model.settings import SiteSettings

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "ug", "ur", "yi"}
_TOP_HEADING = re.compile(r"<[hH]1[\s>]")  # twice as fast as ``in``: most bodies hold none
_HEADING = re.compile(r"<(/?)h([1-6])(?=[\s>])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Day:
    """A date in the site's zone: for machines, for people, and for lists of one year."""

    iso: str
    text: str
    short: str


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in a list. ``language`` is empty where it is the page's own."""

    title: str
    href: str
    language: str
    day: Day
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Something with a name and a link ("" for none), perhaps counted: a tag, a year, an author."""

    name: str
    href: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class FeedView:
    """A feed with a link to the page that explains it."""

    title: str
    description: str
    href: str
    documents: tuple[tuple[Format, str, str], ...]


@dataclass(frozen=True, slots=True)
class Media:
    """An enclosure: ``element`` plays it ("audio", "video", or "" for a link alone)."""

    url: str
    media_type: str
    size: str
    element: str


class Frame(TypedDict):
    """What base.html needs to know about a page; a dict, since a template takes its variables from one."""

    title: str
    heading: str
    description: str
    url: str
    language: str
    direction: str
    kind: str
    image: str
    image_alt: str


def day(moment: datetime, zone: ZoneInfo, language: str, *, date_only: bool) -> Day:
    """Tell a date, unambiguously and whatever the machine's locale: in words for English, else ISO 8601."""
    local = moment.astimezone(zone)
    date = f"{local.year:04d}-{local.month:02d}-{local.day:02d}"
    iso = date if date_only else local.isoformat(timespec="seconds")
    if not _is_english(language):
        return Day(iso, date, date[5:])
    short = f"{local.day} {_MONTHS[local.month - 1]}"
    return Day(iso, f"{short} {local.year}", short)


@lru_cache(maxsize=64)
def _is_english(language: str) -> bool:
    return language.lower().partition("-")[0] == "en"


@lru_cache(maxsize=64)
def direction(language: str) -> str:
    """Return the writing direction of a BCP 47 language tag, as HTML's ``dir`` wants it."""
    return "rtl" if language.lower().partition("-")[0] in _RIGHT_TO_LEFT else "ltr"


def row(entry: Entry, summary: str, site: SiteSettings, root: str) -> Row:
    """Return an entry's line in a list that stands on a page whose way home is ``root``."""
    published = day(entry.published, site.timezone, site.language, date_only=entry.date_only)
    return Row(
        title=entry.title or published.text,
        href=paths.link(entry.url, site.base_url, root),
        language="" if entry.language in {"", site.language} else entry.language,
        day=published,
        summary=summary,
    )


def feed_view(feed: Feed, root: str) -> FeedView:
    """Return a feed as the list of feeds shows it."""
    return FeedView(feed.title, feed.description, root + paths.feed(feed.key), feed.documents)


def topics(entry: Entry) -> tuple[str, ...]:
    """Return tags, then categories, each word once (compared without case)."""
    if not entry.categories:
        return entry.tags
    words = {word.casefold(): word for word in reversed((*entry.tags, *entry.categories))}
    return tuple(reversed(words.values()))


def byline(authors: Sequence[Author]) -> list[Named]:
    """Return the authors, linked where their address is one of the web; mail addresses stay private."""
    return [
        Named(author.name, author.uri if author.uri.startswith(("https://", "http://")) else "") for author in authors
    ]


def media(enclosure: Enclosure) -> Media:
    """Return an enclosure with the element that plays it and its size in words."""
    element = enclosure.media_type.partition("/")[0]
    return Media(
        url=enclosure.url,
        media_type=enclosure.media_type,
        size=_size(enclosure.length),
        element=element if element in {"audio", "video"} else "",
    )


def _size(length: int) -> str:
    if length <= 0:
        return ""
    kilobytes = max(round(length / 1000), 1)
    return f"{kilobytes} kB" if kilobytes < 1000 else f"{length / 1_000_000:.1f} MB"  # noqa: PLR2004 - a thousand is the unit's own meaning


def one_heading(html: str) -> str:
    """Lower every heading by a level where a body has an <h1>: the page's own title is the only one."""
    if not _TOP_HEADING.search(html):
        return html
    return _HEADING.sub(lambda found: f"<{found[1]}h{min(int(found[2]) + 1, 6)}", html)
