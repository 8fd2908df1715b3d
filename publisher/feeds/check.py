"""Checking a feed document: RSS 2.0, Atom 1.0 or JSON Feed 1.1, told apart by the bytes.

What the specification forbids is an error; what the RSS Advisory Board's profile or common
sense about readers advises against is a warning. Each problem names its rule and the remedy.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from publisher.feeds import check_atom, check_rss
from publisher.feeds.check_extensions import ATOM
from publisher.feeds.check_json import check_json
from publisher.feeds.check_rules import Document, Fault, error, shown
from publisher.feeds.check_tree import Element, Shape, Vocabulary, local, namespace, walk
from publisher.feeds.check_xml import Parsed, parse, surface

if TYPE_CHECKING:
    from collections.abc import Iterator

    from publisher.model.problem import Problem

_ROOTS: dict[str, tuple[Shape, Vocabulary]] = {
    "rss": (check_rss.RSS, check_rss.VOCABULARY),
    f"{{{ATOM}}}feed": (check_atom.FEED, check_atom.VOCABULARY),
    f"{{{ATOM}}}entry": (check_atom.ENTRY_DOCUMENT, check_atom.VOCABULARY),
}
_WHOLE = "The document"


def check_document(data: bytes, path: str, url: str, *, now: datetime | None = None) -> tuple[Problem, ...]:
    """Everything wrong with a feed document, by line.

    ``path`` is shown in the problems. ``url`` is where the document is meant to live; with ""
    its own address is not looked at. ``now`` (aware) tells dates in the future; the moment of
    the call by default. Never raises, whatever the bytes; reads nothing but ``data``; takes
    time in proportion to its length.
    """
    document = Document(path, url, now or datetime.now(UTC))
    start = data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    found = check_json(data, document) if start[:1] in {b"{", b"["} else _check_xml(data, document)
    return tuple(sorted(found, key=lambda problem: problem.line))


def _check_xml(data: bytes, document: Document) -> Iterator[Problem]:
    parsed = parse(data)
    for line, fault in parsed.faults:
        yield document.problem(line, _WHOLE, fault)
    if parsed.root is not None:
        yield from _check_tree(parsed, document)


def _check_tree(parsed: Parsed, document: Document) -> Iterator[Problem]:
    root = parsed.root
    known = _ROOTS.get(root.tag)
    if known is None:
        yield document.problem(root.sourceline or 0, _WHOLE, _unknown(root))
        return
    shape, vocabulary = known
    told = Document(document.path, document.url, document.now, parsed.hexed)
    yield from surface(root, told, vocabulary.core)
    yield from walk(root, shape, vocabulary, told)


def _unknown(root: Element) -> Fault:
    name, space = local(root.tag), namespace(root.tag)
    if name in {"feed", "entry"}:
        what = f"is a <{name}> {f'in the namespace {shown(space)}' if space else 'in no namespace'}"
        return error(what, "RFC 4287 2", f'Write xmlns="{ATOM}".')
    if name == "rss":
        return error(f"puts <rss> into the namespace {shown(space)}", "RSS 2.0", "RSS has no namespace.")
    return error(f"is no feed: its root is <{name[:60]}>", "RSS 2.0 and RFC 4287", "Publish RSS, Atom or JSON Feed.")
