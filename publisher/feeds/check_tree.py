"""Shapes of elements, and the walk that holds a tree of elements against them.

A shape says what an element may hold: text by a rule, attributes by their rules, children by
their shapes, how often each; and rules over the element as a whole. check_rss.py and
check_atom.py are tables of shapes, check_extensions.py says what other namespaces add.

Elements are lxml's, known here only by tag ("{namespace}name"), text, attributes and line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from publisher.feeds.check_rules import Document, Fault, Rule, anything, error, shown
from publisher.feeds.check_text import xml_language
from publisher.feeds.check_urls import iri_reference

if TYPE_CHECKING:
    from publisher.model.problem import Level, Problem

Element = Any  # lxml ships no types
ElementRule = Callable[[Element, Document], Iterable[tuple[Element, Fault]]]

XML = "{http://www.w3.org/XML/1998/namespace}"
_COMMON: Mapping[str, Rule] = {
    XML + "lang": xml_language,
    XML + "base": iri_reference,
    XML + "id": anything,
    XML + "space": anything,
}


class Space(Enum):
    """What white space around a value means."""

    TRIM = "trim"  # nothing
    REFUSE = "refuse"  # a fault: the value is compared or parsed as it is


@dataclass(frozen=True, slots=True)
class Child:
    """How often an element occurs inside another. ``missing`` is None where it may be left out."""

    shape: Shape
    missing: Level | None = None
    many: bool = False
    repeated: Fault | None = None  # said instead of the usual error when there are several
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What one element may hold. ``text`` None means elements alone; ``source`` is where it is defined."""

    source: str
    text: Rule | None = None
    space: Space = Space.TRIM
    attributes: Mapping[str, Rule] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    children: Mapping[str, Child] = field(default_factory=dict)
    whole: tuple[ElementRule, ...] = ()
    opaque: bool = False  # its children are read by ``whole``, or by nobody


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a format makes of elements no shape names.

    ``core`` is the format's own namespace ("" for RSS); ``known`` maps further namespaces to
    the element names they define; elements of ``anywhere`` are welcome in any place; ``hints``
    maps lower-case names to the right spelling.
    """

    core: str
    anywhere: frozenset[str]
    known: Mapping[str, frozenset[str]]
    hints: Mapping[str, str]
    prefixes: Mapping[str, str]


def namespace(tag: str) -> str:
    """The namespace of a qualified name, without braces."""
    return tag[1:].partition("}")[0] if tag.startswith("{") else ""


def local(tag: str) -> str:
    """The name without its namespace."""
    return tag.rpartition("}")[2]


def is_element(node: Element) -> bool:
    """Whether a node is an element, and no entity reference."""
    return isinstance(node.tag, str)


def children(element: Element) -> Iterator[Element]:
    """Child elements in order."""
    return (child for child in element if is_element(child))


def text_of(element: Element) -> str:
    """The text of an element without that of its child elements."""
    parts = [element.text or "", *(child.tail or "" for child in element)]
    return "".join(parts)


def written(tag: str, vocabulary: Vocabulary) -> str:
    """The name as people write it: <atom:link>."""
    prefix = vocabulary.prefixes.get(namespace(tag), "")
    name = local(tag)[:60]
    return f"<{prefix}:{name}>" if prefix else f"<{name}>"


def walk(element: Element, shape: Shape, vocabulary: Vocabulary, document: Document) -> Iterator[Problem]:
    """Every problem of an element and what is in it, in no particular order."""
    place = written(element.tag, vocabulary)
    found = [*_text(element, shape, document), *_attributes(element, shape, vocabulary, document)]
    for fault in found:
        yield document.problem(element.sourceline or 0, place, fault)
    for rule in shape.whole:
        for where, fault in rule(element, document):
            yield document.problem(where.sourceline or 0, written(where.tag, vocabulary), fault)
    if not shape.opaque:
        yield from _children(element, shape, vocabulary, document)


def _text(element: Element, shape: Shape, document: Document) -> Iterator[Fault]:
    text = text_of(element)
    value = text.strip()
    if shape.opaque and shape.text is None:
        return
    if shape.text is None:
        if value:
            yield error(
                f"holds text, but only elements belong there: {shown(value)}", shape.source, "Take the text out."
            )
        return
    if value != text and shape.space is Space.REFUSE:
        yield error("has white space around its value", shape.source, "Take the white space out.")
    yield from shape.text(value, document)


def _attributes(element: Element, shape: Shape, vocabulary: Vocabulary, document: Document) -> Iterator[Fault]:
    for name in shape.required:
        if name not in element.attrib:
            yield error(f"lacks the attribute {name}", shape.source, f'Add {name}="…".')
    for name, value in element.attrib.items():
        rule = shape.attributes.get(name) or _COMMON.get(name)
        if rule is not None:
            for fault in rule(value, document):
                yield Fault(fault.level, f"attribute {local(name)} {fault.what}", fault.source, fault.remedy)
        elif namespace(name) in {"", vocabulary.core, *vocabulary.known}:
            hint = next((known for known in shape.attributes if known.lower() == name.lower()), "")
            remedy = f"Write {hint}." if hint else "Take it out."
            yield error(f"has an unknown attribute {local(name)[:60]}", shape.source, remedy)


def _children(element: Element, shape: Shape, vocabulary: Vocabulary, document: Document) -> Iterator[Problem]:
    place = written(element.tag, vocabulary)
    seen: Counter[str] = Counter()
    for child in children(element):
        known = shape.children.get(child.tag)
        seen[child.tag] += 1
        if known is None:
            yield from _stranger(child, shape, vocabulary, document)
            continue
        if seen[child.tag] > 1 and not known.many:
            name = written(child.tag, vocabulary)
            fault = known.repeated or error(f"occurs more than once in {place}", shape.source, "Keep one.")
            yield document.problem(child.sourceline or 0, name, fault)
        yield from walk(child, known.shape, vocabulary, document)
    for tag, known in shape.children.items():
        if known.missing is not None and not seen[tag]:
            what = f"lacks {written(tag, vocabulary)}"
            fault = Fault(known.missing, what, shape.source, known.remedy or f"Add {written(tag, vocabulary)}.")
            yield document.problem(element.sourceline or 0, place, fault)


def _stranger(child: Element, parent: Shape, vocabulary: Vocabulary, document: Document) -> Iterator[Problem]:
    """An element that the parent's shape does not name."""
    space, name = namespace(child.tag), local(child.tag)
    place = written(child.tag, vocabulary)
    ours = space == vocabulary.core or (not space and parent.text is not None)
    if ours and name.lower() in vocabulary.hints and vocabulary.hints[name.lower()] != name:
        fault = error("is not known", parent.source, f"Write <{vocabulary.hints[name.lower()]}>; case matters.")
    elif parent.text is not None or ours or not space:
        fault = error("does not belong there", parent.source, "Take it out, or escape it if it is meant as HTML.")
    elif space in vocabulary.known and name.partition(".")[0] not in vocabulary.known[space]:
        fault = error("is not defined by its namespace", space, "Check the spelling; case matters.")
    elif space in vocabulary.known and space not in vocabulary.anywhere:
        fault = error("does not belong there", space, "Move it to where its specification puts it.")
    else:
        return
    yield document.problem(child.sourceline or 0, place, fault)
