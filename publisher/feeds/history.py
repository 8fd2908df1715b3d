"""Where the rest of a feed stands, and what was taken back: RFC 5005 (paging and archiving), RFC 6721 (tombstones).

A feed's frame is made once; what this module adds stands at the end of its head, right before the entries:

- in the feed that readers subscribe to: rel=prev-archive, the newest archive; or fh:complete, where it holds all;
- in an archive: fh:archive, rel=current, rel=self of its own, rel=prev-archive and rel=next-archive (sections 3 and 4);
- in Atom: at:deleted-entry for what was taken back (RFC 6721 section 3).

In RSS the links are those of Atom, as RFC 5005 has them in its examples. JSON Feed has next_url: see document.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from publisher.feeds.moments import rfc3339
from publisher.model.feed import NO_HISTORY, Format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.model.feed import Feed, History

HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_INDENT = {Format.RSS: "    ", Format.ATOM: "  "}
_LINK = {Format.RSS: "atom:link", Format.ATOM: "link"}
_SELF = {
    Format.RSS: re.compile(r'(<atom:link href=")[^"]*(" rel="self")'),
    Format.ATOM: re.compile(r'(<link href=")[^"]*(" rel="self")'),
}


def with_history(head: str, feed: Feed, wanted: Format) -> str:
    """The head of an XML document with what its feed's history adds; the same text where that is nothing."""
    history = feed.history
    if history == NO_HISTORY:
        return head
    lines = list(_lines(history, wanted))
    if history.current:
        own = _escaped(feed.url(wanted))
        head = _SELF[wanted].sub(lambda found: f"{found[1]}{own}{found[2]}", head, count=1)
    head = _declared(head, _spaces(history, wanted))
    return head + "".join(f"{_INDENT[wanted]}{line}\n" for line in lines)


def _lines(history: History, wanted: Format) -> Iterator[str]:
    if history.complete:
        yield "<fh:complete/>"
    if history.current:
        yield "<fh:archive/>"
    for rel, urls in (("current", history.current), ("prev-archive", history.older), ("next-archive", history.newer)):
        if url := urls.get(wanted):
            yield f'<{_LINK[wanted]} rel="{rel}" type="{wanted.media_type}" href="{_escaped(url)}"/>'
    for ref, at in history.removed if wanted is Format.ATOM else ():
        yield f'<at:deleted-entry ref="{_escaped(ref)}" when="{rfc3339(at)}"/>'


def _spaces(history: History, wanted: Format) -> str:
    """Declarations of the namespaces that are used."""
    spaces = f' xmlns:fh="{HISTORY}"' if history.complete or history.current else ""
    return spaces + (f' xmlns:at="{TOMBSTONES}"' if history.removed and wanted is Format.ATOM else "")


def _declared(head: str, spaces: str) -> str:
    return re.sub(r"<(rss|feed)(?=[\s>])", lambda found: f"<{found[1]}{spaces}", head, count=1) if spaces else head


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
