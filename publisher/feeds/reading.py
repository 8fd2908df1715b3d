"""Feeds read back: RSS 0.9x to 2.0, Atom 0.3 and 1.0, JSON Feed 1.0 and 1.1, as any program may have written them.

feedparser reads XML, and is known here alone. It forgives what real feeds get wrong; a document that was cut off
gives the items before the cut. Nothing is fetched and no entity is expanded: feedparser drops declarations.
"""

from __future__ import annotations

import re
from calendar import timegm
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import unescape
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from xml.sax import SAXException  # how feedparser says that the XML is broken

from publisher.errors import FeedError
from publisher.feeds.reading_json import read_json
from publisher.feeds.reading_text import one_line, plain, sound, web_address
from publisher.model.entry import Author, Enclosure
from publisher.model.feed import Format
from publisher.model.received import ReceivedFeed, ReceivedItem, Tombstone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from time import struct_time

LARGEST = 50_000_000  # bytes
_ENDS = re.compile(
    rb"</(?:[\w.-]+:)?(?:rss|feed|rdf|channel)\s*+>\s*+(?><!--.*?-->\s*+|<\?.*?\?>\s*+)*+\Z", re.IGNORECASE | re.DOTALL
)
_TAIL = 4096  # bytes in which a document's end is looked for
_ITEM_ENDS = re.compile(rb"</(?:[\w.-]+:)?(?:item|entry)\s*>", re.IGNORECASE)
_PAGE = re.compile(rb"(?><!--.*?-->\s*+)*+<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
_WIDE = {b"\xff\xfe\x00\x00": "utf-32", b"\x00\x00\xfe\xff": "utf-32", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_WIDE |= {b"<\x00": "utf-16-le", b"\x00<": "utf-16-be"}
_DECLARED = re.compile(r"\s*<\?xml\b[^<>]*>")
_LONG_TAG = re.compile(
    rb"<[^<>]{10000,}>"
)  # a picture may stand in an attribute; thousands of attributes are an attack
_MOST_ATTRIBUTES = 1000  # the XML library's time grows with their square
# What feedparser would resolve, with a value that has no scheme; it reads HTML slowly, and most links are absolute.
_RELATIVE = re.compile(
    r"""\b(?:href|src|cite|poster|data|action|background|longdesc|usemap|codebase|classid|profile)\s*+=\s*+["']?+\s*+"""
    r"""(?![a-z][a-z0-9+.-]*:)""",
    re.IGNORECASE,
)
_REMEDY = "give the address or the file of an RSS, Atom or JSON feed"


def read_feed(data: bytes, url: str = "", media_type: str = "") -> ReceivedFeed:
    """Read a feed document. ``url`` is where it was fetched, against which relative links are resolved.

    Raises FeedError for what is no feed at all.
    """
    if len(data) > LARGEST:
        raise FeedError(f"{_named(url)} is larger than {LARGEST // 1_000_000} MB", _REMEDY)
    data = _narrow(data)
    bare = data.lstrip(b"\xef\xbb\xbf \t\r\n")
    if bare.startswith(b"{"):
        found = read_json(bare, url)
        if found is None:
            raise FeedError(f"{_named(url)} is JSON, but no JSON Feed", _REMEDY)
        return found
    if not bare:
        raise FeedError(f"{_named(url)} is empty", _REMEDY)
    if _PAGE.match(bare):
        raise FeedError(f"{_named(url)} is a web page, no feed", "look in it for the address of its feed")
    return _read_xml(data, url, media_type)


def _narrow(data: bytes) -> bytes:
    """UTF-16 and UTF-32 as UTF-8."""
    codec = next((codec for mark, codec in _WIDE.items() if data.startswith(mark)), "")
    return _DECLARED.sub("", data.decode(codec, "replace"), count=1).lstrip("\ufeff").encode() if codec else data


def _named(url: str) -> str:
    return url or "this document"


def _read_xml(data: bytes, url: str, media_type: str) -> ReceivedFeed:
    read = _parsed(data, url, media_type)
    if not read.get("version") and not (read.get("entries") and read.feed.get("title")):
        raise FeedError(f"{_named(url)} is no feed", _REMEDY)
    feed = read.feed
    base = web_address(_self(feed), url) or url
    atom = str(read.get("version")).startswith("atom")
    loose = isinstance(read.get("bozo_exception"), SAXException)
    items = [_item(entry, base, atom=atom, loose=loose) for entry in read.entries]
    whole = _ENDS.search(data[-_TAIL:]) is not None
    if not whole:  # the item that the cut is in is not known to be as it was meant
        items = items[: len(_ITEM_ENDS.findall(data))]
    return ReceivedFeed(
        format=Format.ATOM if atom else Format.RSS,
        title=_title(feed, atom=atom),
        items=tuple(items),
        id=one_line(feed.get("id")),
        home=web_address(feed.get("link"), base),
        url=web_address(_self(feed), url),
        description=plain(feed.get("subtitle")),
        language=one_line(feed.get("language")),
        authors=_authors(feed),
        hubs=tuple(web_address(link, base) for link in _links(feed, "hub")),
        older=next((web_address(link, base) for rel in ("prev-archive", "next") for link in _links(feed, rel)), ""),
        complete="fh_complete" in feed,
        moved_to=web_address(feed.get("itunes_new-feed-url") or feed.get("newlocation"), base),
        tombstones=_tombstones(data),
        whole=whole,
        minutes=_minutes(feed.get("ttl")),
    )


def _parsed(data: bytes, url: str, media_type: str) -> Any:
    if any(tag[0].count(b"=") > _MOST_ATTRIBUTES for tag in _LONG_TAG.finditer(data)):
        raise FeedError(f"{_named(url)} has a tag of more than {_MOST_ATTRIBUTES} attributes", _REMEDY)
    import feedparser  # noqa: PLC0415 - 60 ms, and only who reads others' feeds pays for it

    headers = {"content-type": media_type if "xml" in media_type else "application/xml", "content-location": url}
    try:
        return feedparser.parse(
            BytesIO(_as_they_are(data)), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
        )
    except (ValueError, LookupError, AssertionError, RecursionError, TypeError, AttributeError) as fault:
        # Not one of these is promised, and each has been seen of bytes that nobody could call a feed.
        raise FeedError(f"{_named(url)} cannot be read as a feed: {type(fault).__name__}", _REMEDY) from None


def _as_they_are(data: bytes) -> bytes:
    """A document whose ids are no links to feedparser, which would make those that are relative absolute.

    Readers of a feed with the guid 7 know its entry by 7, and by nothing else.
    """
    return _ID.sub(rb'<\1 isPermaLink="false">', data)


_ID = re.compile(rb"<((?:[\w.-]+:)?(?:guid|id))(?:\s[^<>]{0,200})?(?<!/)>", re.IGNORECASE)


def _item(entry: Any, base: str, *, atom: bool, loose: bool) -> ReceivedItem:
    # Where XML is broken feedparser reads on by patterns, and leaves ids as they are written: &amp; for &.
    identifier = one_line(unescape(str(entry.get("id") or "")) if loose else entry.get("id"))
    link = web_address(
        entry.get("link") or (identifier if identifier.startswith(("http://", "https://")) else ""), base
    )
    return ReceivedItem(
        id=identifier or link,
        url=link,
        title=_title(entry, atom=atom),
        published=_moment(entry, "published_parsed"),
        updated=_moment(entry, "updated_parsed"),
        content=_html(entry.get("content") or ()),
        summary=_html([entry["summary_detail"]] if "summary_detail" in entry else ()),
        authors=_authors(entry),
        tags=tuple(
            dict.fromkeys(
                filter(None, (one_line(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())))
            )
        ),
        image=_image(entry, base),
        enclosure=_enclosure(entry, base),
        language=one_line((entry.get("title_detail") or {}).get("language")),
    )


def _title(part: Any, *, atom: bool) -> str:
    """A title as plain text: what Atom says is text stays as it is; RSS does not say."""
    kind = (part.get("title_detail") or {}).get("type")
    text = str(part.get("title") or "")
    return one_line(text) if atom and kind == "text/plain" else plain(text, whole=atom)


def _moment(entry: Any, key: str) -> datetime | None:
    if key not in entry:  # asked first: get() of feedparser gives one date for the other
        return None
    found: struct_time | None = entry[key]
    try:
        return datetime.fromtimestamp(timegm(found), UTC) if found else _without_zone(entry, key)
    except (ValueError, OverflowError, OSError):  # a year that no calendar has
        return None


def _without_zone(entry: Any, key: str) -> datetime | None:
    """A date of RFC 822 that lacks its zone, which feedparser gives up on: taken for UTC."""
    name = key.removesuffix("_parsed")
    if name not in entry:  # as above
        return None
    try:
        moment = parsedate_to_datetime(str(entry[name]))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):  # as above, and what is no date at all
        return None


def _html(parts: Iterable[Any]) -> str:
    """The richest of several versions of a text, as HTML."""
    best = ""
    for part in parts:
        value = sound(str(part.get("value") or ""))
        if part.get("type") == "text/plain":
            value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        elif _RELATIVE.search(value):
            value = _resolved(value, str(part.get("base") or ""))
        best = value if len(value) > len(best) else best
    return best


def _resolved(html: str, base: str) -> str:
    """HTML with its links made absolute. ``base`` is what the document said of this very text (xml:base)."""
    from feedparser.urls import resolve_relative_uris  # noqa: PLC0415 - as above

    try:
        return str(resolve_relative_uris(html, base, "utf-8", "text/html"))
    except (ValueError, LookupError, AssertionError, RecursionError):  # as hostile as a document may be
        return html


def _authors(part: Any) -> tuple[Author, ...]:
    found = (part.get("authors") or ()) if "authors" in part else ()
    made = (_author(one) for one in found)
    return tuple(dict.fromkeys(one for one in made if one.name))


def _author(one: Any) -> Author:
    email = one_line(one.get("email"))
    return Author(one_line(unescape(str(one.get("name") or ""))) or email, email, web_address(one.get("href"), ""))


def _links(part: Any, rel: str) -> Iterator[str]:
    for link in part.get("links", ()):
        if link.get("rel") == rel and link.get("href"):
            yield str(link["href"])


def _self(feed: Any) -> str:
    return next(_links(feed, "self"), "")


def _image(entry: Any, base: str) -> str:
    thumbnails = entry.get("media_thumbnail") or ()
    pictures = [
        one for one in entry.get("media_content") or () if str(one.get("medium") or one.get("type")).startswith("image")
    ]
    places = [one.get("url") for one in (*thumbnails, *pictures)]
    places.append((entry.get("image") or {}).get("href"))
    return next((web_address(place, base) for place in places if place), "")


def _enclosure(entry: Any, base: str) -> Enclosure | None:
    for link in entry.get("links", ()):
        if link.get("rel") == "enclosure" and link.get("href"):
            length = str(link.get("length") or "")
            size = int(length) if length.isascii() and length.isdecimal() and len(length) < 16 else 0  # noqa: PLR2004 - digits of a petabyte
            return Enclosure(urljoin(base, str(link["href"])), one_line(link.get("type")), size)
    return None


def _minutes(value: Any) -> int:
    text = one_line(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0  # noqa: PLR2004 - digits of two years


def _tombstones(data: bytes) -> tuple[Tombstone, ...]:
    """What RFC 6721 calls deleted entries; feedparser does not know them."""
    if b"deleted-entry" not in data:
        return ()
    from lxml import etree  # noqa: PLC0415 - few feeds hold any

    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return ()
    found = () if root is None else root.iter("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    return tuple(Tombstone(one_line(one.get("ref")), _rfc3339(one.get("when"))) for one in found if one.get("ref"))


def _rfc3339(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
