"""Cleaned HTML as plain text that says the same: for the text part of a mail, wrapped at 72 columns."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from html.parser import HTMLParser

WIDTH = 72

BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    }
)
HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
CELLS = frozenset({"td", "th"})
SILENT = frozenset({"script", "style", "template", "title"})
BREAK = "\0"  # a line break that the author asked for; HTML itself cannot hold this character


def wrap(text: str, indent: str = "", first: str | None = None) -> str:
    """Fill one paragraph to 72 columns; addresses are never broken. ``first`` indents its first line."""
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def to_text(html: str) -> str:
    """Write cleaned HTML as text. Links stand in full behind their words, images as their alt text."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.end_block()
    return "\n".join(reader.lines).strip("\n")


@dataclass(slots=True)
class _List:
    """An open list: its next number, or 0 for bullets."""

    number: int

    def marker(self) -> str:
        if not self.number:
            return "* "
        self.number += 1
        return f"{self.number - 1}. "


@dataclass(slots=True)
class _Block:
    """The text of the block under way, and how it is to be laid out. ``marker`` is a list item's."""

    words: list[str] = field(default_factory=list)
    marker: str = ""
    verbatim: bool = False
    row: bool = False


class _Reader(HTMLParser):
    """Collects lines. Blocks are parted by an empty line, except the items of a list."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.block = _Block()
        self.lists: list[_List] = []
        self.quotes = 0
        self.silent = 0
        self.links: list[tuple[str, int]] = []  # address, and the word of the block it starts at
        self.after = ""  # what the last lines were: "item", "row" or anything else
        self.quoted = 0  # and how deep they were quoted

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in CELLS:
            if "".join(self.block.words).strip():
                self.block.words.append(" | ")
        elif tag in BLOCKS:
            self.end_block()
            self._open(tag, found)
        elif tag == "a":
            self.links.append((found.get("href", ""), len(self.block.words)))
        elif tag == "img" and found.get("alt"):
            self.block.words.append(f"[{found['alt']}]")
        elif tag == "br":
            self.block.words.append(BREAK)
        elif tag in SILENT:
            self.silent += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in BLOCKS and tag not in CELLS:
            self.end_block(heading=tag in HEADINGS)
            self._close(tag)
        elif tag == "a" and self.links:
            self._end_link(*self.links.pop())
        elif tag in SILENT:
            self.silent = max(0, self.silent - 1)

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.block.words.append(data)

    def _open(self, tag: str, found: dict[str, str]) -> None:
        if tag == "ul":
            self.lists.append(_List(0))
        elif tag == "ol":
            start = found.get("start", "1")
            self.lists.append(_List(int(start) if start.isdecimal() else 1))
        elif tag == "li":
            self.block.marker = self.lists[-1].marker() if self.lists else "* "
        elif tag == "blockquote":
            self.quotes += 1
        elif tag == "hr":
            self._emit(["-" * 24])
        self.block.verbatim, self.block.row = tag == "pre", tag == "tr"

    def _close(self, tag: str) -> None:
        if tag in {"ul", "ol"} and self.lists:
            self.lists.pop()
            self.after = "item" if self.lists else ""
        elif tag == "blockquote":
            self.quotes = max(0, self.quotes - 1)

    def _end_link(self, href: str, start: int) -> None:
        words = "".join(self.block.words[start:]).strip()
        if href and not href.startswith("#") and href not in {words, f"mailto:{words}"}:
            self.block.words.append(f" <{href}>" if words else f"<{href}>")

    def end_block(self, *, heading: bool = False) -> None:
        """Lay out the block under way; an empty one leaves no trace but its list marker."""
        block, text = self.block, "".join(self.block.words)
        self.links = [(href, 0) for href, _ in self.links]
        if not text.replace(BREAK, " ").strip():
            self.block = _Block(marker=block.marker)
        elif block.verbatim:
            self.block = _Block()
            code = text.replace(BREAK, "\n").strip("\n").expandtabs(4)
            self._emit([f"    {line}".rstrip() for line in code.split("\n")])
        else:
            self.block = _Block()
            kind = "item" if block.marker else "row" if block.row else ""
            self._emit(self._filled(text, block.marker, heading=heading), kind)

    def _filled(self, text: str, marker: str, *, heading: bool) -> list[str]:
        outer = "  " * (len(self.lists) - 1)
        inner = outer + " " * len(marker) if marker else "  " * len(self.lists)
        lines: list[str] = []
        for part in text.split(BREAK):
            if words := " ".join(part.split()):
                lines += wrap(words, inner, inner if lines else outer + marker or inner).split("\n")
        if heading:
            lines.append(inner + "-" * (max(map(len, lines)) - len(inner)))
        return lines

    def _emit(self, lines: list[str], kind: str = "") -> None:
        quote = "> " * self.quotes
        if self.lines and not (kind and kind == self.after):
            self.lines.append(("> " * min(self.quotes, self.quoted)).rstrip())
        self.lines += [(quote + line).rstrip() for line in lines]
        self.after, self.quoted = kind, self.quotes
