"""Atom's text constructs and content (RFC 4287 3.1 and 4.1.3): what each type may hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urljoin

from publisher.feeds.check_content import Relative, html_faults, tag_faults
from publisher.feeds.check_extensions import PREFIXES, XHTML
from publisher.feeds.check_html import Tag
from publisher.feeds.check_rules import Document, Fault, anything, error, shown, warning
from publisher.feeds.check_text import markup, media_type
from publisher.feeds.check_tree import XML, Element, Shape, children, is_element, local, namespace, text_of
from publisher.feeds.check_urls import iri_reference, is_absolute

Found = Iterator[tuple[Element, Fault]]

_TEXT = "RFC 4287 3.1.1"
_CONTENT = "RFC 4287 4.1.3"
_DIV = f"{{{XHTML}}}div"
_FOREIGN = frozenset({"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"})
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}\Z")


def base_of(element: Element) -> bool:
    """Whether xml:base, here or further out, says what relative addresses are relative to."""
    around = (element, *element.iterancestors())
    return any(is_absolute(node.get(XML + "base", "")) for node in around)


def resolved(element: Element, reference: str, url: str) -> str:
    """The reference made absolute by the xml:base around it, and by the document's own address."""
    bases = [node.get(XML + "base", "") for node in (element, *element.iterancestors())]
    for part in (*reversed(bases), reference):
        try:
            url = urljoin(url, part)
        except ValueError:
            return reference
    return url


def _relative(element: Element) -> Relative:
    return Relative.RESOLVED if base_of(element) else Relative.FORBIDDEN


def _construct(element: Element, document: Document) -> Found:
    """title, subtitle, summary, rights."""
    kind = element.get("type", "text")
    if kind not in _INLINE:
        what = f"has the type {shown(kind)}, but only text, html and xhtml are allowed"
        yield element, error(what, _TEXT, "Use one of the three.")
    as_meant = {"text/html": _as_html, "application/xhtml+xml": _as_whatever}.get(kind, _as_text)
    yield from _INLINE.get(kind, as_meant)(element, document)


def _content(element: Element, document: Document) -> Found:
    """What an entry holds, or where it is."""
    kind = element.get("type", "text")
    if "src" in element.attrib:
        yield from _elsewhere(element)
    elif kind in _INLINE:
        yield from _INLINE[kind](element, document)
    else:
        yield from _of_media_type(element, kind, document)


def _elsewhere(element: Element) -> Found:
    if text_of(element).strip() or len(element):
        yield element, error("has src and content of its own", f"{_CONTENT}.2", "Keep one of them.")
    kind = element.get("type", "")
    if not kind:
        yield element, warning("has src but no type", f"{_CONTENT}.2", "Add the media type.")
    elif "/" not in kind:
        yield element, error(f"has src and the type {shown(kind)}", f"{_CONTENT}.1", "Name a media type.")


def _of_media_type(element: Element, kind: str, document: Document) -> Found:
    lower = kind.lower().partition(";")[0].strip()
    if lower.startswith(("multipart/", "message/")):
        yield element, error(f"has the composite type {shown(kind)}", f"{_CONTENT}.1", "Use a single media type.")
    for fault in media_type(kind, document):
        yield element, Fault(fault.level, f"attribute type {fault.what}", fault.source, fault.remedy)
    if lower.endswith(("+xml", "/xml")):
        yield from _as_xml(element, lower)
        return
    yield from _no_children(element)
    if lower.startswith("text/"):
        yield from _as_document(element, lower, document)
    elif not _BASE64.match(text := "".join(text_of(element).split())) or len(text) % 4:
        yield element, error("is not Base64", f"{_CONTENT}.3", "Encode it, or use a text type.")


def _as_xml(element: Element, kind: str) -> Found:
    inside = [child.tag for child in children(element)]
    if text_of(element).strip() or len(inside) != 1:
        yield element, error("must hold one element and nothing beside it", f"{_CONTENT}.3", "Put one root in it.")
    elif kind == "application/xhtml+xml" and inside != [f"{{{XHTML}}}html"]:
        yield element, warning("is XHTML, but no whole document", f"{_CONTENT}.3", 'Use type="xhtml" and a div.')


def _as_document(element: Element, kind: str, document: Document) -> Found:
    text = text_of(element)
    if kind != "text/html":
        yield from _as_text(element, document)
        return
    if "<html" not in text.lower():
        yield element, warning("is HTML, but no whole document", f"{_CONTENT}.3", 'Use type="html".')
    for fault in html_faults(text, _relative(element), whole=True):
        yield element, fault


def _as_whatever(_element: Element, _document: Document) -> Found:
    """Content of a type that was refused already; nothing more can be said of it."""
    yield from ()


def _no_children(element: Element) -> Found:
    for child in children(element):
        what = f"holds <{local(child.tag)[:60]}>, but its type allows no elements"
        yield element, error(what, _TEXT, 'Escape it and use type="html", or use type="xhtml".')
        return


def _not_empty(element: Element) -> Found:
    if not text_of(element).strip() and not len(element):
        yield element, warning("is empty", "RFC 4287 4.1.1.1", "Give it a text, or leave it out.")


def _as_text(element: Element, document: Document) -> Found:
    yield from _no_children(element)
    yield from _not_empty(element)
    text = text_of(element)
    first = element.sourceline or 0
    hexed = any(line in document.hexed for line in range(first, first + text.count("\n") + 1))
    for found in markup(text):
        if found.startswith("</") or not hexed:
            what = f"holds HTML without saying so: {shown(found)}"
            yield element, warning(what, _TEXT, 'Say type="html", or take the markup out.')
        return


def _as_html(element: Element, _document: Document) -> Found:
    yield from _no_children(element)
    yield from _not_empty(element)
    for fault in html_faults(text_of(element), _relative(element)):
        yield element, fault


def _as_xhtml(element: Element, _document: Document) -> Found:
    inside = list(children(element))
    if [child.tag for child in inside] != [_DIV] or text_of(element).strip():
        what = "must hold one XHTML <div> and nothing beside it"
        yield element, error(what, f"{_TEXT}.3", f'Wrap it in <div xmlns="{XHTML}">.')
    relative = _relative(element)
    seen: set[str] = set()
    for node in inside:
        for where, fault in _xhtml_tree(node, relative):
            kind = fault.what.partition(":")[0]
            if kind not in seen:
                seen.add(kind)
                yield where, fault
    yield from _escaped_inside(element)


def _xhtml_tree(div: Element, relative: Relative) -> Found:
    for node in div.iter():
        if not is_element(node):
            continue
        space, local_name = namespace(node.tag), local(node.tag)
        if space == XHTML:
            attributes = tuple((key, value) for key, value in node.attrib.items() if not key.startswith("{"))
            tag = Tag(local_name, end=False, empty=False, attributes=attributes)
            for fault in tag_faults(tag, relative):
                yield node, fault
        elif space not in _FOREIGN:
            yield node, _not_xhtml(space, local_name)


def _not_xhtml(space: str, local_name: str) -> Fault:
    what = f"is no XHTML: <{PREFIXES.get(space, '')}{':' if space in PREFIXES else ''}{local_name[:60]}>"
    remedy = f"Put it into the namespace {XHTML}, or out of the content."
    return error(what, f"{_TEXT}.3", remedy) if not space or space in PREFIXES else warning(what, f"{_TEXT}.3", remedy)


def _escaped_inside(element: Element) -> Found:
    """Markup that was escaped once too often; in a text with elements of its own it may be meant."""
    divs = [child for child in children(element) if child.tag == _DIV]
    if len(divs) == 1 and not len(divs[0]) and (found := next(markup(text_of(divs[0])), "")):
        yield (
            element,
            warning(f"holds escaped HTML: {shown(found)}", f"{_TEXT}.3", 'Write it as elements, or use type="html".'),
        )


def _body(element: Element, _document: Document) -> Found:
    """<xhtml:body> in an item, an early way to give the whole text."""
    for found in _xhtml_tree(element, Relative.FORBIDDEN):
        if found[0] is not element:
            yield found


_INLINE: dict[str, Callable[[Element, Document], Found]] = {"text": _as_text, "html": _as_html, "xhtml": _as_xhtml}

XHTML_BODY = Shape("XHTML", opaque=True, whole=(_body,))
TEXT = Shape(_TEXT, opaque=True, attributes={"type": anything}, whole=(_construct,))
CONTENT = Shape(_CONTENT, opaque=True, attributes={"type": anything, "src": iri_reference}, whole=(_content,))
