"""A feed document without its entries. The only module that knows feedgen.

feedgen writes the head of a document (namespaces, channel metadata) well, but for what it drops
or overwrites, which is put right here and nowhere else:

- in RSS the channel's <link> is whichever feed link came last, so the home page comes last;
- in RSS only the first self link is written, hubs and other formats never: ``extend_rss`` adds them;
- dates default to the present moment, so every one is set;
- Atom asks for an author (RFC 4287 4.1.1), so a site that names none goes by its title;
- each date calls setlocale for the whole process: the locale is put back, and one thread at a time writes a frame.

Entries are not feedgen's (see fragments.py): it has no way to write their links right, and joining
finished fragments is what makes a feed of ten thousand entries a matter of a second.
"""

from __future__ import annotations

import locale
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from publisher.feeds.moments import rfc822, rfc3339
from publisher.model.feed import Format

if TYPE_CHECKING:
    from publisher.model.feed import Feed

GENERATOR = "Publisher"
NAMESPACES = {"dc": "http://purl.org/dc/elements/1.1/", "media": "http://search.yahoo.com/mrss/"}
_ATOM = "http://www.w3.org/2005/Atom"
_SENTINEL = datetime(1970, 1, 1, tzinfo=UTC)
_SENTINELS = ("<lastBuildDate>Thu, 01 Jan 1970 00:00:00 +0000<", "<updated>1970-01-01T00:00:00+00:00<")
_ALONE = Lock()


@dataclass(frozen=True, slots=True)
class Frame:
    """The text before and after the entries of one XML document. The head awaits its date."""

    head: str
    tail: str

    def dated(self, moment: datetime) -> str:
        """The head with the feed's ``updated`` (aware) in its place."""
        rss, atom = _SENTINELS
        head = self.head.replace(rss, f"<lastBuildDate>{rfc822(moment)}<", 1)
        return head.replace(atom, f"<updated>{rfc3339(moment)}<", 1)


def frame(feed: Feed, wanted: Format) -> Frame:
    """The frame of the feed's RSS or Atom document."""
    with _ALONE:
        before = locale.setlocale(locale.LC_ALL)
        try:
            text = _rss(feed) if wanted is Format.RSS else _atom(feed)
        finally:
            locale.setlocale(locale.LC_ALL, before)
    end = "  </channel>\n</rss>" if wanted is Format.RSS else "</feed>"
    head, found, tail = text.rpartition(end)
    return Frame(head, found + tail)


def _generator(feed: Feed) -> Any:
    from feedgen.feed import FeedGenerator  # noqa: PLC0415 - 50 ms, and frames are cached between runs

    made = FeedGenerator()
    made.id(feed.id)
    made.title(feed.title)
    made.description(feed.description or feed.title)
    made.language(feed.language)
    made.generator(GENERATOR)
    made.updated(_SENTINEL)
    for author in feed.authors:
        made.author({"name": author.name, "email": author.email or None, "uri": author.uri or None})
    return made


def _rss(feed: Feed) -> str:
    made = _generator(feed)
    made.link(href=feed.url(Format.RSS), rel="self", type=Format.RSS.media_type)
    made.link(href=feed.home)  # last: feedgen takes it as the channel's link
    made.register_extension("publisher", _extension(feed))
    text = str(made.rss_str(pretty=True).decode())
    # As in the titles of entries: readers differ on whether this is text or HTML.
    return text.replace("&amp;", "&#x26;").replace("&lt;", "&#x3C;").replace("&gt;", "&#x3E;")


def _atom(feed: Feed) -> str:
    made = _generator(feed)
    if not feed.authors:
        made.author({"name": feed.title})
    made.link(href=feed.home, rel="alternate", type="text/html")
    made.link(href=feed.url(Format.ATOM), rel="self", type=Format.ATOM.media_type)
    for hub in feed.hubs:
        made.link(href=hub, rel="hub")
    made.register_extension("publisher", _extension(feed))
    return str(made.atom_str(pretty=True).decode())


def _extension(feed: Feed) -> type:
    """A feedgen extension that declares the namespaces of entries and adds what feedgen drops in RSS."""
    from feedgen.ext.base import BaseExtension  # noqa: PLC0415 - as above
    from lxml import etree  # noqa: PLC0415 - as above

    class Extension(BaseExtension):  # type: ignore[misc]  # feedgen has no types
        def extend_ns(self) -> dict[str, str]:
            return NAMESPACES

        def extend_rss(self, root: Any) -> Any:
            for hub in feed.hubs:
                etree.SubElement(root[0], f"{{{_ATOM}}}link", href=hub, rel="hub")
            return root

    return Extension
