"""An issue as a page that anybody may read: what was meant for one reader is cut out of its frozen content.

Content is stored rendered, so this works on what a template, a site's own too, once made of it. Cut out are

- links that hold the marker of personal links, and the line around them: "Enough of it? Unsubscribe.";
- in the same way, links to the page itself, which need not be followed from there;
- elements with the class ``personal``, whatever they hold;
- comments: the conditional ones hold the same once more for Outlook.

A line that leads to an entry is content and stays, as do long ones; they lose the link alone. Everything else keeps
its bytes: the page is parsed to find what goes, and never written anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html.parser import HTMLParser
from itertools import accumulate
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.mail.compose import UNSUBSCRIBE
from publisher.mail.mjml_html import VOID
from publisher.mail.plain_text import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PERSONAL = "personal"  # the class that a template gives to what is for one reader only
LONG = 400  # characters: more is a paragraph of its own right, and not said around a link

_HOST = urlsplit(UNSUBSCRIBE).netloc
_MARKER = re.compile(rf"(?:https?://)?{re.escape(_HOST)}[^\s\"'<>()]*", re.IGNORECASE)
_RULE = re.compile(r"[-=_*]{3,}")

_POINTING = frozenset({"a", "area", "button", "embed", "form", "iframe", "img", "input", "link", "meta"})
_SPEAKING = frozenset({"a", "button", ""})
_SHOWING = frozenset({"audio", "canvas", "embed", "hr", "iframe", "img", "input", "object", "svg", "video"})
_RAW = frozenset({"script", "style", "title"})
_FRAME = frozenset({"html", "head", "body"})
_HOLDING_PLACE = frozenset({"td", "th", "div"})  # columns: their neighbours would move into an empty one's place
_TEXT = ""  # the "tag" of text
_COMMENT = "!"


@dataclass(frozen=True, slots=True)
class Parts:
    """A page in four parts: the tag ``<html …>``, what its head holds, the tag ``<body …>``, what its body holds."""

    root: str
    head: str
    opening: str
    body: str

    @property
    def whole(self) -> str:
        """The document."""
        return f"<!doctype html>{self.root}<head>{self.head}</head>{self.opening}{self.body}</body></html>"


@lru_cache(maxsize=64)
def page(html: str, url: str, entries: frozenset[str]) -> Parts:
    """Take out of an issue's HTML what is personal. ``url`` is the page's own address, "" where it has none.

    ``entries`` are the addresses of its entries.
    """
    nodes = _Reader(html).read()
    for node in nodes:
        if node.tag == _COMMENT:
            node.gone = True
        elif PERSONAL in node.classes:
            _cut(node)
        elif _is_personal(node, url):
            for each in _line(node, entries):
                _cut(each)
    _cut_emptied(nodes)
    return _parts(html, nodes)


def text(words: str, url: str, entries: Collection[str]) -> str:
    """Take out of an issue's text what is personal: lines, and below its last rule whole paragraphs."""
    own = re.compile(rf"{re.escape(url)}(?![\w/-])") if url else None
    lines = [line for line in words.split("\n") if not (own and own.search(line))]
    last = max((at for at, line in enumerate(lines) if _RULE.fullmatch(line)), default=len(lines))
    above = [line for line in lines[:last] if not _MARKER.search(line)]
    paragraphs = "\n".join(lines[last:]).split("\n\n")
    below = [paragraph for paragraph in paragraphs if not _speaks_to_one(paragraph, entries)]
    return _tidy(_MARKER.sub("", "\n".join((*above, "\n\n".join(below)))))


def inert(html: str, url: str) -> str:
    """Take the targets from an issue's personal links and from those to its own page, and leave all the rest."""
    own = rf"|{re.escape(url)}/?" if url else ""
    return re.sub(rf"""\shref=(["'])(?:{_MARKER.pattern}{own})\1""", "", html, flags=re.IGNORECASE)


def _speaks_to_one(paragraph: str, entries: Collection[str]) -> bool:
    return bool(_MARKER.search(paragraph)) and not any(address in paragraph for address in entries)


def _tidy(words: str) -> str:
    """One empty line where several are left, and no rule at the end."""
    lines: list[str] = []
    for line in words.strip("\n").split("\n"):
        if line or (lines and lines[-1]):
            lines.append(line)
    while lines and (not lines[-1] or _RULE.fullmatch(lines[-1])):
        lines.pop()
    return "\n".join(lines) + "\n"


@dataclass(slots=True, eq=False)
class _Node:
    """An element, a text or a comment, and where it stands in the page. ``inside`` is where a start tag ends."""

    tag: str
    start: int
    inside: int
    parent: _Node | None
    attributes: dict[str, str] = field(default_factory=dict)
    words: str = ""
    end: int = 0
    children: list[_Node] = field(default_factory=list)
    gone: bool = False
    touched: bool = False  # something in it is gone
    blank: bool = False  # nothing in it shows

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()


class _Reader(HTMLParser):
    """Reads a page into nodes, in the order in which they begin. Each ends where the next thing begins."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self._source = source
        self._lines = [0, *accumulate(len(line) + 1 for line in source.split("\n"))]
        self._nodes: list[_Node] = []
        self._open: list[_Node] = []
        self._ending: _Node | None = None

    def read(self) -> list[_Node]:
        self.feed(self._source)
        self.close()
        for node in (*self._open, *((self._ending,) if self._ending else ())):
            node.end = len(self._source)
        return self._nodes

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = self._begin(tag)
        made.inside = made.start + len(self.get_starttag_text() or "")
        made.attributes = {name: value or "" for name, value in reversed(attrs)}  # of two, browsers take the first
        if tag in VOID:
            self._ending = made
        else:
            self._open.append(made)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML knows no slash there

    def handle_endtag(self, tag: str) -> None:
        at = self._next()
        if all(node.tag != tag for node in self._open):
            return
        while self._open:
            node = self._open.pop()
            node.end = at
            if node.tag == tag:
                self._ending = node
                return

    def handle_data(self, data: str) -> None:
        made = self._begin(_TEXT)
        made.words = data
        self._ending = made

    def handle_comment(self, data: str) -> None:
        del data
        self._ending = self._begin(_COMMENT)

    def unknown_decl(self, data: str) -> None:
        self.handle_comment(data)  # <![endif]>, which browsers take for one too

    def handle_decl(self, decl: str) -> None:
        del decl
        self._next()

    def handle_pi(self, data: str) -> None:
        self.handle_comment(data)

    def _begin(self, tag: str) -> _Node:
        at = self._next()
        parent = self._open[-1] if self._open else None
        made = _Node(tag, at, at, parent)
        self._nodes.append(made)
        if parent:
            parent.children.append(made)
        return made

    def _next(self) -> int:
        """Where the parser stands: what came before ends there."""
        line, column = self.getpos()
        at = self._lines[line - 1] + column
        if self._ending:
            self._ending.end = at
            self._ending = None
        return at


def _is_personal(node: _Node, url: str) -> bool:
    if node.tag == _TEXT:
        return _MARKER.search(node.words) is not None and not (node.parent and node.parent.tag in _RAW)
    if node.tag not in _POINTING:
        return False  # a marker in some other attribute is taken out of it at the end
    if url and node.tag == "a" and node.attributes.get("href", "").strip().rstrip("/") == url:
        return True
    return any(_MARKER.search(value) for value in node.attributes.values())


def _line(node: _Node, entries: frozenset[str]) -> list[_Node]:
    """What is said around a personal link and means nothing without it: between two breaks, or the whole of a block."""
    alone = [] if node.tag == _TEXT else [node]
    top = node
    while top.parent and top.parent.tag not in BLOCKS | _FRAME:
        top = top.parent
    block = top.parent
    if node.tag not in _SPEAKING or block is None or block.tag in _FRAME or any(map(_holds_block, block.children)):
        return alone
    line = _between_breaks(block.children, top)
    inner = [each for one in line for each in _within(one)]
    if any(each.attributes.get("href") in entries for each in inner):
        return alone
    return alone if sum(len(each.words.strip()) for each in inner) > LONG else line


def _holds_block(node: _Node) -> bool:
    return any(each.tag in BLOCKS for each in _within(node))


def _between_breaks(among: list[_Node], node: _Node) -> list[_Node]:
    """The neighbours of a node up to the breaks on either side, one of which goes with them."""
    at = among.index(node)
    breaks = [place for place, each in enumerate(among) if each.tag == "br"]
    before = max((place for place in breaks if place < at), default=-1)
    behind = min((place for place in breaks if place > at), default=len(among))
    return among[before:behind] if before >= 0 else among[: behind + 1]


def _within(node: _Node) -> Iterator[_Node]:
    """A node and all below it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += one.children


def _cut(node: _Node) -> None:
    node.gone = True
    if node.parent:
        node.parent.touched = True


def _cut_emptied(nodes: list[_Node]) -> None:
    """Take away what holds nothing any more, innermost first."""
    for node in reversed(nodes):
        node.blank = node.gone or _shows_nothing(node)
        if node.blank and node.touched and not node.gone and _may_go(node):
            node.gone = True
        if node.parent and (node.gone or node.touched) and node.tag != _COMMENT:
            node.parent.touched = True


def _shows_nothing(node: _Node) -> bool:
    if node.tag == _TEXT:
        return not node.words.strip()
    return node.tag not in _SHOWING and node.tag not in _RAW and all(each.blank for each in node.children)


def _may_go(node: _Node) -> bool:
    if node.tag in _FRAME:
        return False
    return node.tag not in _HOLDING_PLACE or not node.parent or all(each.blank for each in node.parent.children)


def _parts(source: str, nodes: list[_Node]) -> Parts:
    named = {node.tag: node for node in reversed(nodes) if node.tag in _FRAME}
    root, head, body = named.get("html"), named.get("head"), named.get("body")
    before = head.end if head else root.inside if root else 0
    return Parts(
        _MARKER.sub("", source[root.start : root.inside]) if root else "<html>",
        _kept(source, nodes, head.inside, _closing(source, head)) if head else "",
        _MARKER.sub("", source[body.start : body.inside]) if body else "<body>",
        _kept(source, nodes, *((body.inside, _closing(source, body)) if body else (before, len(source)))),
    )


def _closing(source: str, node: _Node) -> int:
    """Where the end tag of an element begins, or where it ends if it has none."""
    tail = f"</{node.tag}>"
    return node.end - len(tail) if source[: node.end].lower().endswith(tail) else node.end


def _kept(source: str, nodes: list[_Node], start: int, end: int) -> str:
    """What is left between two places. Of a marker that no cut has reached, nothing is left either."""
    pieces, at = [], start
    for node in nodes:
        if node.gone and node.start >= at and node.end <= end:
            pieces.append(source[at : node.start])
            at = node.end
    pieces.append(source[at:end])
    return _MARKER.sub("", "".join(pieces))
