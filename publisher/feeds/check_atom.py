"""Atom 1.0 (RFC 4287) as a table. What text and content may hold is in check_constructs.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from publisher.feeds.check_constructs import CONTENT, TEXT, base_of, resolved
from publisher.feeds.check_dates import rfc3339
from publisher.feeds.check_extensions import (
    ABOUT_ATOM_FEED,
    ABOUT_ENTRY,
    ABOUT_FEED,
    ATOM,
    DC,
    KNOWN,
    REPLY_COUNTS,
    SHOWN_PREFIXES,
    history_faults,
)
from publisher.feeds.check_rules import Document, Fault, Rule, all_of, anything, error, shown, warning, words
from publisher.feeds.check_text import (
    address,
    integer,
    language,
    media_type,
    not_blank,
    person_name,
    plain_attribute,
)
from publisher.feeds.check_tree import Child, Element, ElementRule, Shape, Space, Vocabulary, children, local, text_of
from publisher.feeds.check_urls import canonical_iri, iri, iri_reference, is_absolute
from publisher.model.problem import Level

Found = Iterator[tuple[Element, Fault]]

_RELATIONS = words(
    "about acl alternate amphtml appendix apple-touch-icon archives author blocked-by bookmark canonical "
    "chapter collection contents copyright create-form current deprecation describedby describes disclosure "
    "dns-prefetch duplicate edit edit-form edit-media enclosure external first glossary help hosts hub icon "
    "index intervalafter item last latest-version license lrdd manifest mask-icon media-feed me memento "
    "micropub modulepreload monitor next next-archive nofollow noopener noreferrer opener openid2.provider "
    "original payment pingback preconnect predecessor-version prefetch preload prev preview previous "
    "prev-archive privacy-policy profile publication related replies restconf ruleinput search section self "
    "service service-desc service-doc service-meta sip-trunking sponsored start status stylesheet subsection "
    "successor-version sunset tag terms-of-service timegate timemap type ugc up version-history via webmention "
    "working-copy working-copy-of"
)
_IANA = "http://www.iana.org/assignments/relation/"
_PAGING = frozenset({"current", "first", "last", "next", "next-archive", "prev-archive", "previous"})
_FEED_TYPES = frozenset({"application/atom+xml", "application/rss+xml", "application/rdf+xml", "application/xml"})


def name(local_name: str) -> str:
    """A qualified name of Atom's namespace."""
    return f"{{{ATOM}}}{local_name}"


def relation(link: Element) -> str:
    """A link's relation in its short form; RFC 4287 4.2.7.2 makes "alternate" the default."""
    return str(link.get("rel", "alternate")).removeprefix(_IANA)


def _relation(value: str, _document: Document) -> Iterator[Fault]:
    short = value.removeprefix(_IANA)
    if not value:
        yield warning("is empty", "RFC 4287 4.2.7.2", 'Leave it out, or say "alternate".')
    elif short not in _RELATIONS and not is_absolute(value):
        what = f"is no registered relation: {shown(value)}"
        yield warning(what, "RFC 4287 4.2.7.2", "Use a registered name, or a full IRI.")


def _link_faults(link: Element, document: Document) -> Iterator[Fault]:
    rel, href = relation(link), link.get("href", "")
    parent = local(link.getparent().tag) if link.getparent() is not None else ""
    if text_of(link).strip() or len(link):
        yield warning("has content", "RFC 4287 4.2.7", "Write it as an empty element.")
    if rel == "enclosure" and "length" not in link.attrib:
        yield warning("is an enclosure without length", "RFC 4287 4.2.7.2", "Add the size in bytes.")
    if rel in _PAGING and parent == "entry":
        yield warning(f'says rel="{rel}", which is about feeds', "RFC 5005", "Move it to the feed.")
    if rel == "self" and link.get("type", "application/xml").partition(";")[0] not in _FEED_TYPES:
        yield warning("is the feed's own address, but no feed by its type", "RFC 4287 4.2.7.2", "Name the feed's type.")
    if not is_absolute(href) and "href" in link.attrib and not base_of(link):
        yield _relative(href, in_rss=parent in {"channel", "item"})
    if document.url and "href" in link.attrib:
        yield from _target(link, rel if parent in {"feed", "channel"} else "", document.url)


def _target(link: Element, rel: str, url: str) -> Iterator[Fault]:
    """What the link points at, once its address is made absolute."""
    href, base = link.get("href", ""), resolved(link, "", url)
    target = resolved(link, href, url)
    if rel == "self" and target != url:
        what = f"names another address than the feed's own: {shown(href)}"
        yield warning(what, "RFC 4287 4.2.7.2", f"Write {url}")
    elif base != url and target.partition("#")[0] == base.partition("#")[0] and not href.startswith(base):
        what = f"may be taken for this same document: {shown(href)}"
        yield warning(what, "RFC 3986 4.4", "Write the whole address, and leave xml:base out.")


def _relative(href: str, *, in_rss: bool) -> Fault:
    fault = error if in_rss else warning
    return fault(f"is relative: {shown(href)}", "RFC 4287 4.2.7.1", "Write the whole address.")


def _link(link: Element, document: Document) -> Found:
    for fault in _link_faults(link, document):
        yield link, fault


def _alternates(element: Element, _document: Document) -> Found:
    """One alternate for each type and language (RFC 4287 4.1.1 and 4.1.2)."""
    seen: set[tuple[str, str]] = set()
    for link in element.findall(name("link")):
        key = (link.get("type", ""), link.get("hreflang", ""))
        if relation(link) != "alternate":
            continue
        if key in seen:
            what = "is a second alternate of the same type and language"
            yield link, error(what, "RFC 4287 4.1.1", "Keep one, or tell them apart by type or hreflang.")
        seen.add(key)


def _self_link(feed: Element, document: Document) -> Found:
    if document.url and not any(relation(link) == "self" for link in feed.findall(name("link"))):
        what = 'lacks <link rel="self">'
        yield feed, warning(what, "RFC 4287 4.1.1", f"Add one with href {document.url}")


def _different(tag: str, fault: str, level: Level, source: str, remedy: str) -> ElementRule:
    """No two entries of a feed may share this child's value."""

    def ask(feed: Element, _document: Document) -> Found:
        seen: dict[str, int] = {}
        for entry in feed.findall(name("entry")):
            for child in entry.findall(name(tag)):
                value = text_of(child).strip()
                if value in seen:
                    yield child, Fault(level, f"{fault} {seen[value]}: {shown(value)}", source, remedy)
                seen.setdefault(value, child.sourceline or 0)

    return ask


def _order(feed: Element, _document: Document) -> Found:
    after_entry = False
    for child in children(feed):
        if child.tag == name("entry"):
            after_entry = True
        elif after_entry and child.tag in _METADATA:
            what = "stands after an entry"
            yield child, warning(what, "RFC 4287 4.1.1", "Put what describes the feed before its entries.")
            return


def _entries_have_authors(feed: Element, document: Document) -> Found:
    if feed.find(name("author")) is None:
        for entry in feed.findall(name("entry")):
            yield from _has_author(entry, document)


def _has_author(entry: Element, _document: Document) -> Found:
    if entry.find(name("author")) is None and entry.find(f"{name('source')}/{name('author')}") is None:
        what = "lacks <author>, and so does the feed"
        yield entry, error(what, "RFC 4287 4.1.2", "Add an author to the entry or to the feed.")


def _has_something_to_read(entry: Element, _document: Document) -> Found:
    content, summary = entry.find(name("content")), entry.find(name("summary"))
    if content is None:
        if not any(relation(link) == "alternate" for link in entry.findall(name("link"))):
            what = 'has neither <content> nor <link rel="alternate">'
            yield entry, error(what, "RFC 4287 4.1.2", "Add one of them.")
        if summary is None:
            yield entry, warning("has neither <content> nor <summary>", "RFC 4287 4.1.1.1", "Add one of them.")
    elif summary is None and ("src" in content.attrib or _is_base64(content.get("type", "text"))):
        what = "lacks <summary>, and its <content> cannot be read in place"
        yield entry, error(what, "RFC 4287 4.1.2", "Add a summary.")


def _is_base64(kind: str) -> bool:
    lower = kind.lower()
    return "/" in lower and not lower.startswith("text/") and not lower.endswith(("+xml", "/xml"))


_P = "RFC 4287 3.2"
PERSON = Shape(
    _P,
    children={
        name("name"): Child(Shape(_P, text=all_of(not_blank, person_name, plain_attribute)), Level.ERROR),
        name("email"): Child(Shape(_P, text=address)),
        name("uri"): Child(Shape(_P, text=all_of(not_blank, iri_reference), space=Space.REFUSE)),
    },
)
_L = "RFC 4287 4.2.7"
LINK = Shape(
    _L,
    opaque=True,
    attributes={
        "href": iri_reference,
        "rel": _relation,
        "type": media_type,
        "hreflang": language,
        "title": all_of(not_blank, plain_attribute),
        "length": integer(0, None, _L),
        **REPLY_COUNTS,
    },
    required=("href",),
    whole=(_link,),
)
_CATEGORY = Shape(
    "RFC 4287 4.2.2",
    opaque=True,
    attributes={"term": not_blank, "scheme": iri, "label": plain_attribute},
    required=("term",),
)
_GENERATOR = Shape(
    "RFC 4287 4.2.4", text=all_of(not_blank, plain_attribute), attributes={"uri": iri_reference, "version": anything}
)


def _value(section: str, rule: Rule) -> Shape:
    return Shape(f"RFC 4287 {section}", text=rule, space=Space.REFUSE)


_DATE, _ID = _value("3.3", rfc3339), _value("4.2.6", canonical_iri)
_IMAGE = all_of(not_blank, iri_reference)
_OPTIONAL: Mapping[str, Child] = {
    name("author"): Child(PERSON, many=True),
    name("category"): Child(_CATEGORY, many=True),
    name("contributor"): Child(PERSON, many=True),
    name("generator"): Child(_GENERATOR),
    name("icon"): Child(_value("4.2.5", _IMAGE)),
    name("logo"): Child(_value("4.2.8", _IMAGE)),
    name("link"): Child(LINK, many=True),
    name("rights"): Child(TEXT),
    name("subtitle"): Child(TEXT),
}


def _identity(missing: Level) -> dict[str, Child]:
    shapes = {"id": _ID, "title": TEXT, "updated": _DATE}
    return {name(local_name): Child(shape, missing) for local_name, shape in shapes.items()}


_METADATA = {*_OPTIONAL, *_identity(Level.ERROR)}
_SOURCE = Shape("RFC 4287 4.2.11", children={**_OPTIONAL, **_identity(Level.WARNING)}, whole=(_alternates,))
_APP_DATE = {"{http://www.w3.org/2007/app}edited": Child(Shape("RFC 5023 10.2", text=rfc3339))}
ENTRY = Shape(
    "RFC 4287 4.1.2",
    children={
        **_identity(Level.ERROR),
        **{name(part): _OPTIONAL[name(part)] for part in ("author", "category", "contributor", "link", "rights")},
        name("content"): Child(CONTENT),
        name("published"): Child(_DATE),
        name("source"): Child(_SOURCE),
        name("summary"): Child(TEXT),
        **ABOUT_ENTRY,
        **_APP_DATE,
    },
    whole=(_has_something_to_read, _alternates),
)
ENTRY_DOCUMENT = replace(ENTRY, whole=(_has_author, *ENTRY.whole))
FEED = Shape(
    "RFC 4287 4.1.1",
    children={
        **_OPTIONAL,
        **_identity(Level.ERROR),
        name("entry"): Child(ENTRY, many=True),
        **ABOUT_FEED,
        **ABOUT_ATOM_FEED,
    },
    whole=(
        _self_link,
        history_faults,
        _alternates,
        _order,
        _entries_have_authors,
        _different("id", "is the same as on line", Level.ERROR, "RFC 4287 4.1.1", "Give each entry an id of its own."),
        _different(
            "updated", "is the same moment as on line", Level.WARNING, "RFC 4287 4.1.1", "Part the entries by a second."
        ),
    ),
)


def _within_rss(shape: Shape, *names: str) -> dict[str, Child]:
    """Atom's elements as RSS borrows them: none is missing where it is not."""
    borrowed = {tag: shape.children[tag] for tag in map(name, names)}
    return {tag: Child(child.shape, many=child.many) for tag, child in borrowed.items()}


IN_CHANNEL = _within_rss(FEED, *(local(tag) for tag in _METADATA))
IN_ITEM = _within_rss(
    ENTRY, "author", "content", "contributor", "id", "link", "published", "rights", "summary", "title", "updated"
)
_NAMES = {local(tag) for shape in (FEED, ENTRY, PERSON) for tag in shape.children if tag.startswith(name(""))}
VOCABULARY = Vocabulary(
    core=ATOM,
    anywhere=frozenset({DC}),
    known={**KNOWN, "http://www.w3.org/2007/app": frozenset({"edited", "control", "collection"})},
    hints={known.lower(): known for known in _NAMES},
    prefixes={space: prefix for space, prefix in SHOWN_PREFIXES.items() if space != ATOM},
)
