"""JSON Feed 1.1 as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.feeds.check_content import Relative, html_faults
from publisher.feeds.check_dates import rfc3339
from publisher.feeds.check_json_text import Node, read
from publisher.feeds.check_rules import Document, Fault, Rule, anything, error, shown, warning
from publisher.feeds.check_text import language, media_type, not_blank
from publisher.feeds.check_urls import iri, web_address
from publisher.model.problem import Level

if TYPE_CHECKING:
    from publisher.model.problem import Problem

_SPEC = "JSON Feed 1.1"
_VERSION = "https://jsonfeed.org/version/1.1"
_OLDER = "https://jsonfeed.org/version/1"

Found = Iterator[tuple[int, str, Fault]]
ObjectRule = Callable[[Mapping[str, Node], int, Document], Found]  # yields line, key, fault


@dataclass(frozen=True, slots=True)
class Field:
    """What a key may hold: a type ("string", "number", …), a rule for strings, a table for objects."""

    kind: str
    rule: Rule = anything
    table: Table | None = None
    missing: Level | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """An object's keys, and rules over the object as a whole. ``about`` names it in sources."""

    about: str
    fields: Mapping[str, Field]
    whole: tuple[ObjectRule, ...] = ()


_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "array of objects": (list,),
    "array of strings": (list,),
    "object": (dict,),
}


def check_json(data: bytes, document: Document) -> Iterator[Problem]:
    """Every problem of a JSON Feed, in no particular order."""
    root, faults = read(data)
    for line, fault in faults:
        yield document.problem(line, "The document", fault)
    if root is None:
        return
    if not isinstance(root.value, dict):
        yield document.problem(root.line, "The document", error("is no JSON object", _SPEC, "Publish a feed object."))
        return
    yield from _object(root, _FEED, "", document)


def _object(node: Node, table: Table, place: str, document: Document) -> Iterator[Problem]:
    for key, child in node.value.items():
        field = table.fields.get(key)
        name = f"{place}{key[:60]}"
        if field is None:
            yield from _stranger(key, child.line, name, table, document)
        else:
            yield from _value(child, field, name, table, document)
    for key, field in table.fields.items():
        if field.missing is not None and key not in node.value:
            fault = Fault(field.missing, f"lacks {key}", f"{_SPEC}, {table.about}", f'Add "{key}".')
            yield document.problem(node.line, place.rstrip(".") or "The feed", fault)
    for rule in table.whole:
        for line, key, fault in rule(node.value, node.line, document):
            yield document.problem(line, f"{place}{key}".rstrip(".") or "The feed", fault)


def _value(node: Node, field: Field, name: str, table: Table, document: Document) -> Iterator[Problem]:
    source = f"{_SPEC}, {table.about}"
    if not _is(node, field.kind):
        fault = error(f"is no {field.kind}", source, "Write the right type, or leave the key out.")
        yield document.problem(node.line, name, fault)
    elif isinstance(node.value, str):
        for fault in field.rule(node.value, document):
            yield document.problem(node.line, name, fault)
    elif isinstance(node.value, dict) and field.table:
        yield from _object(node, field.table, f"{name}.", document)
    elif isinstance(node.value, list):
        yield from _members(node, field, name, source, document)
    elif isinstance(node.value, int | float) and node.value < 0:
        yield document.problem(node.line, name, error("is negative", source, "Leave it out if it is unknown."))


def _members(node: Node, field: Field, name: str, source: str, document: Document) -> Iterator[Problem]:
    member = "object" if field.table else "string"
    for index, child in enumerate(node.value):
        place = f"{name}[{index}]"
        if not _is(child, member):
            fault = error(f"is no {member}", source, "Write the right type, or leave it out.")
            yield document.problem(child.line, place, fault)
        elif field.table:
            yield from _object(child, field.table, f"{place}.", document)
        else:
            for fault in field.rule(child.value, document):
                yield document.problem(child.line, place, fault)


def _is(node: Node, kind: str) -> bool:
    if kind != "boolean" and isinstance(node.value, bool):
        return False  # in Python True is a number
    return isinstance(node.value, _KINDS[kind])


def _stranger(key: str, line: int, name: str, table: Table, document: Document) -> Iterator[Problem]:
    source = f"{_SPEC}, extensions"
    if not key.startswith("_"):
        near = next((known for known in table.fields if _letters(known) == _letters(key)), "")
        remedy = f'Write "{near}".' if near else "Take it out, or start its name with an underscore."
        yield document.problem(line, name, warning("is not defined", source, remedy))
    elif not key[1:2].isalpha():
        yield document.problem(line, name, warning("has no letter after the underscore", source, "Rename it."))


def _letters(key: str) -> list[str]:
    """What a key has in common with its misspellings: other case, letters swapped."""
    return sorted(key[:40].lower())


def _version(value: str, _document: Document) -> Iterator[Fault]:
    source = f"{_SPEC}, top-level"
    if value == _OLDER:
        yield warning("names version 1", source, f"Write {_VERSION}")
    elif value != _VERSION:
        yield error(f"names no version of JSON Feed: {shown(value)}", source, f"Write {_VERSION}")


def _html(value: str, _document: Document) -> Iterator[Fault]:
    yield from html_faults(value, Relative.FORBIDDEN)


def _own_address(value: str, document: Document) -> Iterator[Fault]:
    yield from web_address(value, document)
    if document.url and value != document.url:
        what = f"names another address than the feed's own: {shown(value)}"
        yield warning(what, f"{_SPEC}, top-level", f"Write {document.url}")


def _text(feed: Mapping[str, Node], key: str) -> str:
    value = feed[key].value if key in feed else ""
    return value if isinstance(value, str) else ""


def _own_address_given(feed: Mapping[str, Node], line: int, document: Document) -> Found:
    if document.url and "feed_url" not in feed:
        yield line, "", warning("lacks feed_url", f"{_SPEC}, top-level", f'Add "feed_url": "{document.url}".')


def _next_page(feed: Mapping[str, Node], _line: int, _document: Document) -> Found:
    following = _text(feed, "next_url")
    if following and following == _text(feed, "feed_url"):
        what = "is the same as feed_url"
        yield feed["next_url"].line, "next_url", error(what, f"{_SPEC}, top-level", "Leave it out on the last page.")


def _unique_ids(feed: Mapping[str, Node], _line: int, _document: Document) -> Found:
    seen: dict[str, int] = {}
    items = feed["items"].value if "items" in feed and isinstance(feed["items"].value, list) else []
    for index, item in enumerate(items):
        node = item.value.get("id") if isinstance(item.value, dict) else None
        if node is None or not isinstance(node.value, str):
            continue
        if node.value in seen:
            what = f"is the same as on line {seen[node.value]}: {shown(node.value)}"
            yield node.line, f"items[{index}].id", error(what, f"{_SPEC}, items", "Give each item an id of its own.")
        seen.setdefault(node.value, node.line)


def _one_of_both(item: Mapping[str, Node], line: int, _document: Document) -> Found:
    if "content_html" not in item and "content_text" not in item:
        what = "has neither content_html nor content_text"
        yield line, "", error(what, f"{_SPEC}, items", "Add one of them.")


def _somebody(author: Mapping[str, Node], line: int, _document: Document) -> Found:
    if not {"name", "url", "avatar"} & author.keys():
        yield line, "", error("has neither name, url nor avatar", f"{_SPEC}, authors", "Add one of them.")


def _one_author(owner: Mapping[str, Node], _line: int, _document: Document) -> Found:
    """1.0 had author; 1.1 has authors, and keeps author beside it for older readers."""
    if "author" in owner and "authors" not in owner:
        what = "is superseded by authors"
        yield owner["author"].line, "author", warning(what, f"{_SPEC}, authors", 'Write "authors": [{…}].')


_URL, _STRING = Field("string", iri), Field("string")
_PERSON = Table("authors", {"name": Field("string", not_blank), "url": _URL, "avatar": _URL}, (_somebody,))
_PEOPLE: Mapping[str, Field] = {
    "author": Field("object", table=_PERSON),
    "authors": Field("array of objects", table=_PERSON),
    "language": Field("string", language),
}
_ATTACHMENT = Table(
    "attachments",
    {
        "url": Field("string", iri, missing=Level.ERROR),
        "mime_type": Field("string", media_type, missing=Level.ERROR),
        "title": _STRING,
        "size_in_bytes": Field("number"),
        "duration_in_seconds": Field("number"),
    },
)
_HUB = Table(
    "hubs",
    {"type": Field("string", not_blank, missing=Level.ERROR), "url": Field("string", iri, missing=Level.ERROR)},
)
_ITEM = Table(
    "items",
    {
        **_PEOPLE,
        "id": Field("string", not_blank, missing=Level.ERROR),
        "url": _URL,
        "external_url": _URL,
        "title": _STRING,
        "content_html": Field("string", _html),
        "content_text": _STRING,
        "summary": _STRING,
        "image": _URL,
        "banner_image": _URL,
        "date_published": Field("string", rfc3339),
        "date_modified": Field("string", rfc3339),
        "tags": Field("array of strings", not_blank),
        "attachments": Field("array of objects", table=_ATTACHMENT),
    },
    (_one_of_both, _one_author),
)
_FEED = Table(
    "top-level",
    {
        **_PEOPLE,
        "version": Field("string", _version, missing=Level.ERROR),
        "title": Field("string", not_blank, missing=Level.ERROR),
        "home_page_url": Field("string", web_address, missing=Level.WARNING),
        "feed_url": Field("string", _own_address),
        "description": _STRING,
        "user_comment": _STRING,
        "next_url": Field("string", web_address),
        "icon": _URL,
        "favicon": _URL,
        "expired": Field("boolean"),
        "hubs": Field("array of objects", table=_HUB),
        "items": Field("array of objects", table=_ITEM, missing=Level.ERROR),
    },
    (_own_address_given, _next_page, _unique_ids, _one_author),
)
