"""The list of a site's feeds, to be taken over by a feed reader at once (OPML 2.0)."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.model.feed import Feed
    from publisher.model.settings import Settings

# Entries are clean already; a title from config.toml may still hold what XML 1.0 forbids (section 2.2).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def opml(feeds: Sequence[Feed], settings: Settings) -> bytes:
    """Return one outline per feed, in the order given, with the address of its first format.

    Readers know a single type, "rss", for every format. There is no dateCreated: it would make
    equal input give unequal bytes.
    """
    outlines = "".join(_outline(feed) for feed in feeds if feed.documents)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<opml version="2.0">\n'
        f"<head><title>{_clean(settings.site.title)}</title></head>\n"
        f"<body>\n{outlines}</body>\n"
        "</opml>\n"
    ).encode()


def _outline(feed: Feed) -> str:
    attributes = {
        "type": "rss",
        "text": feed.title or feed.home,
        "title": feed.title,
        "description": feed.description,
        "language": feed.language,
        "xmlUrl": feed.documents[0][2],
        "htmlUrl": feed.home,
    }
    written = " ".join(f'{name}="{_clean(value)}"' for name, value in attributes.items() if value)
    return f"<outline {written}/>\n"


def _clean(text: str) -> str:
    return escape(_FORBIDDEN.sub("", text))
