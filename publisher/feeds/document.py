"""Feed documents: a frame, the fragments of the entries, and nothing that depends on the clock."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from publisher.feeds.fragments import fragment, json_author
from publisher.feeds.frames import Frame, frame
from publisher.feeds.history import with_history
from publisher.model.feed import Format

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from publisher.model.entry import Item
    from publisher.model.feed import Feed

__all__ = ["Frame", "document", "joined", "json_frame", "placed", "xml_frame"]

JSON_VERSION = "https://jsonfeed.org/version/1.1"


def document(feed: Feed, wanted: Format, items: Iterable[Item]) -> bytes:
    """The whole document of one format, in UTF-8. ``items`` come in the order they are to have."""
    fragments = (fragment(item, wanted, full=feed.full_text).encode() for item in items)
    return b"".join(joined(feed, wanted, fragments, placed(xml_frame(feed, wanted), feed, wanted)))


def xml_frame(feed: Feed, wanted: Format) -> Frame:
    """The part of a document that depends on settings alone, and so may be kept between runs."""
    return json_frame(feed) if wanted is Format.JSON else frame(feed, wanted)


def placed(around: Frame, feed: Feed, wanted: Format) -> Frame:
    """A feed's frame for one of its documents: the one that readers subscribe to, or an archive."""
    if wanted is Format.JSON:  # made in no time, so it is not kept
        return json_frame(feed)
    return Frame(with_history(around.head, feed, wanted), around.tail)


def joined(feed: Feed, wanted: Format, fragments: Iterable[bytes], around: Frame) -> Iterator[bytes]:
    """The document piece by piece, so that a feed of every entry need not stand in memory."""
    yield (around.head if wanted is Format.JSON else around.dated(feed.updated)).encode()
    separator = b",\n" if wanted is Format.JSON else b""
    for number, text in enumerate(fragments):
        yield separator + text if number else text
    yield around.tail.encode()


def json_frame(feed: Feed) -> Frame:
    """JSON Feed 1.1's top level, with the items left open."""
    top: dict[str, object] = {
        "version": JSON_VERSION,
        "title": feed.title,
        "home_page_url": feed.home,
        "feed_url": feed.url(Format.JSON),
    }
    if feed.description:
        top["description"] = feed.description
    if feed.language:
        top["language"] = feed.language
    if feed.authors:
        top["authors"] = [json_author(author) for author in feed.authors]
    if feed.hubs:
        top["hubs"] = [{"type": "WebSub", "url": hub} for hub in feed.hubs]
    if older := feed.history.older.get(Format.JSON):
        top["next_url"] = older
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in top.items()]
    return Frame("{\n" + ",\n".join(lines) + ',\n"items": [\n', "\n]\n}\n")
