"""Elements of other namespaces that feeds carry, as tables; an unlisted namespace is nobody's fault.

Each table maps a qualified name to how it may occur inside a channel or feed (``ABOUT_FEED``)
or an item or entry (``ABOUT_ENTRY``). ``KNOWN`` names every element of those namespaces, so
that a misspelt one (sy:UpdatePeriod) is told from one that stands in the wrong place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from publisher.feeds.check_content import Relative, html_faults
from publisher.feeds.check_dates import rfc822, rfc3339, w3cdtf
from publisher.feeds.check_html import HTML_ELEMENTS
from publisher.feeds.check_rules import Document, Fault, Rule, anything, error, warning
from publisher.feeds.check_text import address, integer, language, media_type, not_blank, one_of, pattern
from publisher.feeds.check_tree import Child, Element, Shape, children, local, namespace
from publisher.feeds.check_urls import iri, uri, web_address
from publisher.model.problem import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT = "http://purl.org/rss/1.0/modules/content/"
DC = "http://purl.org/dc/elements/1.1/"
SY = "http://purl.org/rss/1.0/modules/syndication/"
SLASH = "http://purl.org/rss/1.0/modules/slash/"
WFW = "http://wellformedweb.org/CommentAPI/"
ITUNES = "http://www.itunes.com/dtds/podcast-1.0.dtd"
MEDIA = "http://search.yahoo.com/mrss/"
THR = "http://purl.org/syndication/thread/1.0"
HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
ATOM = "http://www.w3.org/2005/Atom"
XHTML = "http://www.w3.org/1999/xhtml"

# The prefixes people know these namespaces by. One bound to something else misleads.
PREFIXES: Mapping[str, str] = {
    CONTENT: "content",
    DC: "dc",
    "http://purl.org/dc/terms/": "dcterms",
    SY: "sy",
    SLASH: "slash",
    WFW: "wfw",
    ITUNES: "itunes",
    MEDIA: "media",
    THR: "thr",
    HISTORY: "fh",
    TOMBSTONES: "at",
    ATOM: "atom",
    XHTML: "xhtml",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/2003/01/geo/wgs84_pos#": "geo",
    "http://www.georss.org/georss": "georss",
    "http://backend.userland.com/creativeCommonsRssModule": "creativeCommons",
    "http://www.w3.org/2007/app": "app",
    "http://purl.org/rss/1.0/": "rss1",
}
# Left out of error messages: where it is the default namespace nobody writes a prefix.
SHOWN_PREFIXES = {space: prefix for space, prefix in PREFIXES.items() if space != XHTML}


def content_encoded(value: str, _document: Document) -> Iterator[Fault]:
    """HTML in an RSS item."""
    yield from html_faults(value, Relative.FORBIDDEN)


def _text(source: str, rule: Rule = anything, *, many: bool = False, missing: Level | None = None) -> Child:
    return Child(Shape(source, text=rule), many=many, missing=missing)


def _named(space: str, table: Mapping[str, Child]) -> dict[str, Child]:
    return {f"{{{space}}}{name}": child for name, child in table.items()}


_DC_SOURCE = "Dublin Core 1.1"
_DC_ONCE = ("title", "description", "type", "format", "source", "rights")
_DC_MANY = ("creator", "contributor", "subject", "publisher", "identifier", "relation", "coverage")
_DUBLIN_CORE = {
    **{name: _text(_DC_SOURCE) for name in _DC_ONCE},
    **{name: _text(_DC_SOURCE, many=True) for name in _DC_MANY},
    "date": _text(_DC_SOURCE, w3cdtf, many=True),
    "language": _text(_DC_SOURCE, language),
}
_SY_SOURCE = "RSS module Syndication"
_SYNDICATION = {
    "updatePeriod": _text(_SY_SOURCE, one_of(("hourly", "daily", "weekly", "monthly", "yearly"), _SY_SOURCE)),
    "updateFrequency": _text(_SY_SOURCE, integer(1, None, _SY_SOURCE)),
    "updateBase": _text(_SY_SOURCE, w3cdtf),
}
_SLASH_SOURCE = "RSS module Slash"
_HIT_PARADE = pattern(
    r"\d+(?:,\s?\d+)*\Z", "is no list of numbers", _SLASH_SOURCE, "Write numbers with commas between."
)
_SLASH = {
    "comments": _text(_SLASH_SOURCE, integer(0, None, _SLASH_SOURCE)),
    "section": _text(_SLASH_SOURCE),
    "department": _text(_SLASH_SOURCE),
    "hit_parade": _text(_SLASH_SOURCE, _HIT_PARADE),
}
_WFW = {name: _text("Comment API", uri) for name in ("comment", "commentRss", "commentRSS")}
_HISTORY = {name: Child(Shape("RFC 5005", opaque=True)) for name in ("complete", "archive")}
_PIECES = frozenset({"prev-archive", "next-archive", "previous", "next", "first", "last"})


def history_faults(feed: Element, _document: Document) -> Iterator[tuple[Element, Fault]]:
    """A document is complete, or an archive that leads to its feed, or one of several."""
    marks = {local(child.tag): child for child in children(feed) if namespace(child.tag) == HISTORY}
    links = feed.findall(f"{{{ATOM}}}link")
    relations = {link.get("rel", "").removeprefix("http://www.iana.org/assignments/relation/") for link in links}
    complete, archive = marks.get("complete"), marks.get("archive")
    if complete is not None and archive is not None:
        yield (
            complete,
            warning("is said of an archive", "RFC 5005 2", "Keep <fh:archive>: the feed has other documents."),
        )
    elif complete is not None and (more := sorted(relations & _PIECES)):
        what = f'is said of a document that has another one with more: rel="{more[0]}"'
        yield complete, error(what, "RFC 5005 2", "Take it out, or the links.")
    if archive is not None and "current" not in relations:
        remedy = 'Add a link with rel="current" and the address that people subscribe to.'
        yield archive, warning("does not lead to the feed that it is an archive of", "RFC 5005 4", remedy)


_TOMBSTONE = Shape(
    "RFC 6721 3",
    opaque=True,
    attributes={"ref": iri, "when": rfc3339},
    required=("ref", "when"),
)

_IT = "Apple's podcast tags"
_TRUTH = one_of(("true", "false", "yes", "no", "clean", "explicit"), _IT)


def _limited(most: int) -> Rule:
    def ask(value: str, _document: Document) -> Iterator[Fault]:
        if len(value) > most:
            yield error(f"is longer than {most} characters", _IT, "Shorten it.")

    return ask


def _attribute_only(source: str, attributes: Mapping[str, Rule], required: tuple[str, ...]) -> Shape:
    return Shape(source, text=anything, attributes=attributes, required=required)


_ITUNES_IMAGE = Child(_attribute_only(_IT, {"href": web_address}, ("href",)))
_ITUNES_CATEGORY = Shape(
    _IT,
    attributes={"text": not_blank},
    required=("text",),
    children=_named(ITUNES, {"category": Child(_attribute_only(_IT, {"text": not_blank}, ("text",)), many=True)}),
)
_ITUNES_BOTH = {
    "author": _text(_IT, _limited(255)),
    "block": _text(_IT),
    "explicit": _text(_IT, _TRUTH),
    "keywords": _text(_IT, _limited(255)),
    "subtitle": _text(_IT, _limited(255)),
    "summary": _text(_IT, _limited(4000)),
    "title": _text(_IT),
    "image": _ITUNES_IMAGE,
}
_ITUNES_OWNER = Shape(
    _IT,
    children=_named(ITUNES, {"email": _text(_IT, address, missing=Level.ERROR), "name": _text(_IT, _limited(255))}),
)
_ITUNES_FEED = {
    **_ITUNES_BOTH,
    "owner": Child(_ITUNES_OWNER),
    "category": Child(_ITUNES_CATEGORY, many=True),
    "new-feed-url": _text(_IT, uri),
    "type": _text(_IT, one_of(("episodic", "serial"), _IT)),
    "complete": _text(_IT),
    "pubDate": _text(_IT, rfc822),
    "applepodcastsverify": _text(_IT),
}
_DURATION = pattern(r"\d+(?::[0-5]\d){0,2}\Z", "is no duration", _IT, "Write seconds, or HH:MM:SS.")
_ITUNES_ENTRY = {
    **_ITUNES_BOTH,
    "duration": _text(_IT, _DURATION),
    "episode": _text(_IT, integer(1, None, _IT)),
    "season": _text(_IT, integer(1, None, _IT)),
    "episodeType": _text(_IT, one_of(("full", "trailer", "bonus"), _IT)),
    "isClosedCaptioned": _text(_IT),
    "order": _text(_IT, integer(0, None, _IT)),
    "category": Child(_ITUNES_CATEGORY, many=True),
    "pubDate": _text(_IT, rfc822),
}

_MRSS = "Media RSS 1.5.1"
_NUMBER = integer(0, None, _MRSS)
_DECIMAL = pattern(r"\d+(?:\.\d+)?\Z", "is no number", _MRSS, "Write the number in digits.")
_MEDIA_FILE: Mapping[str, Rule] = {
    "url": iri,
    "fileSize": _NUMBER,
    "type": media_type,
    "medium": one_of(("image", "audio", "video", "document", "executable"), _MRSS),
    "isDefault": one_of(("true", "false"), _MRSS),
    "expression": one_of(("sample", "full", "nonstop"), _MRSS),
    "bitrate": _DECIMAL,
    "framerate": _DECIMAL,
    "samplingrate": _DECIMAL,
    "channels": _NUMBER,
    "duration": _NUMBER,
    "height": _NUMBER,
    "width": _NUMBER,
    "lang": language,
}
_MEDIA_TITLE = Shape(_MRSS, text=anything, attributes={"type": one_of(("plain", "html"), _MRSS)})
_THUMBNAIL = Shape(
    _MRSS,
    text=anything,
    attributes={"url": iri, "width": _NUMBER, "height": _NUMBER, "time": anything},
    required=("url",),
)
_FREE = Child(Shape(_MRSS, opaque=True, attributes={}), many=True)
_MEDIA_NOTES = {
    "title": Child(_MEDIA_TITLE),
    "description": Child(_MEDIA_TITLE),
    "thumbnail": Child(_THUMBNAIL, many=True),
    "keywords": _text(_MRSS),
    "credit": Child(Shape(_MRSS, text=not_blank, attributes={"role": anything, "scheme": anything}), many=True),
    "copyright": Child(Shape(_MRSS, text=anything, attributes={"url": iri})),
    "rating": Child(Shape(_MRSS, text=anything, attributes={"scheme": iri}), many=True),
    "category": Child(Shape(_MRSS, text=anything, attributes={"scheme": iri, "label": anything}), many=True),
    "player": Child(
        Shape(_MRSS, text=anything, attributes={"url": iri, "width": _NUMBER, "height": _NUMBER}, required=("url",))
    ),
    "hash": Child(Shape(_MRSS, text=not_blank, attributes={"algo": one_of(("md5", "sha-1"), _MRSS)}), many=True),
    "restriction": Child(
        Shape(
            _MRSS,
            text=anything,
            attributes={
                "relationship": one_of(("allow", "deny"), _MRSS),
                "type": one_of(("country", "uri", "sharing"), _MRSS),
            },
            required=("relationship",),
        ),
        many=True,
    ),
    "text": Child(
        Shape(
            _MRSS,
            text=anything,
            attributes={
                "type": one_of(("plain", "html"), _MRSS),
                "lang": language,
                "start": anything,
                "end": anything,
            },
        ),
        many=True,
    ),
}
_MEDIA_FREE = (
    "adult comments responses scenes embed subTitle peerLink rights license status price location community "
    "statistics starRating tags scene response comment backLink backLinks param"
)


def _media_source(element: Element, _document: Document) -> Iterator[tuple[Element, Fault]]:
    """A media:content names its file or its player."""
    names = {local(child.tag) for child in children(element)}
    if "url" not in element.attrib and "player" not in names:
        yield element, error("has neither url nor <media:player>", _MRSS, "Give the file's address.")


def _group_of_several(element: Element, _document: Document) -> Iterator[tuple[Element, Fault]]:
    count = sum(local(child.tag) == "content" for child in children(element))
    if count < 2:  # noqa: PLR2004 - one is no choice
        fault = error if not count else warning
        yield element, fault("groups fewer than two <media:content>", _MRSS, "Leave the group out.")


_MEDIA_CONTENT = Shape(_MRSS, attributes=_MEDIA_FILE, whole=(_media_source,), children=_named(MEDIA, _MEDIA_NOTES))
_MEDIA_GROUP = Shape(
    _MRSS,
    whole=(_group_of_several,),
    children=_named(MEDIA, {**_MEDIA_NOTES, "content": Child(_MEDIA_CONTENT, many=True)}),
)
_MEDIA_ENTRY = {
    **_MEDIA_NOTES,
    **dict.fromkeys(_MEDIA_FREE.split(), _FREE),
    "content": Child(_MEDIA_CONTENT, many=True),
    "group": Child(_MEDIA_GROUP, many=True),
}

_THREAD = "RFC 4685"
_REPLY = Shape(
    _THREAD,
    opaque=True,
    attributes={"ref": iri, "href": iri, "type": media_type, "source": iri},
    required=("ref",),
)
_THREADING = {"in-reply-to": Child(_REPLY, many=True), "total": _text(_THREAD, integer(0, None, _THREAD))}
# Attributes RFC 4685 4 adds to <link rel="replies">.
REPLY_COUNTS: Mapping[str, Rule] = {
    f"{{{THR}}}count": integer(0, None, _THREAD),
    f"{{{THR}}}updated": rfc3339,
}

_LICENCE = {"license": _text("Creative Commons module", uri, many=True)}
_CREATIVE_COMMONS = "http://backend.userland.com/creativeCommonsRssModule"

ABOUT_FEED: Mapping[str, Child] = {
    **_named(DC, _DUBLIN_CORE),
    **_named(SY, _SYNDICATION),
    **_named(HISTORY, _HISTORY),
    **_named(_CREATIVE_COMMONS, _LICENCE),
    **_named(ITUNES, _ITUNES_FEED),
    **_named(MEDIA, _MEDIA_NOTES),
}
# What Atom's feed element may hold and RSS's channel may not.
ABOUT_ATOM_FEED: Mapping[str, Child] = _named(TOMBSTONES, {"deleted-entry": Child(_TOMBSTONE, many=True)})
ABOUT_ENTRY: Mapping[str, Child] = {
    **_named(DC, _DUBLIN_CORE),
    **_named(SLASH, _SLASH),
    **_named(WFW, _WFW),
    **_named(_CREATIVE_COMMONS, _LICENCE),
    **_named(ITUNES, _ITUNES_ENTRY),
    **_named(MEDIA, _MEDIA_ENTRY),
    **_named(THR, _THREADING),
}
ENCODED = Child(Shape("RSS module Content", text=content_encoded))

KNOWN: Mapping[str, frozenset[str]] = {
    CONTENT: frozenset({"encoded", "items", "item", "format", "encoding"}),
    DC: frozenset(_DUBLIN_CORE),
    SY: frozenset(_SYNDICATION),
    SLASH: frozenset(_SLASH),
    WFW: frozenset(_WFW),
    HISTORY: frozenset(_HISTORY),
    TOMBSTONES: frozenset({"deleted-entry", "by", "comment"}),
    ITUNES: frozenset(_ITUNES_FEED) | frozenset(_ITUNES_ENTRY) | {"email", "name"},
    MEDIA: frozenset(_MEDIA_ENTRY),
    THR: frozenset(_THREADING),
    XHTML: HTML_ELEMENTS,
}
