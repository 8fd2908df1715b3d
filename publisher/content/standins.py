"""Stand-ins: words put into a text in place of what Markdown must not see, and taken out of its HTML again.

Shortcodes, wikilinks and other marks of dialects are no Markdown, and only the Markdown parser knows
what is code. So each mark waits outside: a word of plain letters stands in for it while the parser works.
Where the word comes out inside code, the author's own characters come back, untouched; anywhere else
comes what the mark means. A mark alone on its line is parted from its neighbours by empty lines, as the
generators do when they put a block there.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DEEPEST_INDENT = 80  # columns looked at before a mark
_KEY = "zqk"  # letters only: no meaning in Markdown, in URLs or in HTML


class Pairing(Enum):
    """Whether a mark stands by itself or wraps what lies between it and its partner."""

    ALONE = "alone"
    OPEN = "open"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Form:
    """What a mark becomes: as a block, inside a line, and inside an attribute. All are HTML, escaped.

    An opening and a closing form of one ``name`` make a pair, shown as the opening one's ``block`` and ``end``;
    without a partner neither shows.
    ``problem`` is what the author should know; ``ends_summary`` marks the place up to which a summary goes.
    """

    block: str = ""
    end: str = ""
    inline: str = ""
    attribute: str = ""
    pairing: Pairing = Pairing.ALONE
    name: str = ""
    problem: str = ""
    remedy: str = ""
    ends_summary: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A piece of the text, ``start`` to ``end``, with its form. ``in_code`` is shown if it turns out to be code."""

    start: int
    end: int
    form: Form
    in_code: str


class Held(NamedTuple):
    """A text with stand-ins in it, and the marks they stand in for, by number."""

    text: str
    marks: tuple[Mark, ...]
    key: str


class Restored(NamedTuple):
    """HTML with every stand-in resolved. ``summary_end`` is the offset of the more marker, -1 for none.

    ``seen`` are the marks that were not in code.
    """

    html: str
    summary_end: int
    seen: tuple[Mark, ...]


def hold(text: str, marks: Sequence[Mark]) -> Held:
    """Put a stand-in for every mark. Marks are in order and do not overlap."""
    key = _KEY
    while key in text:
        key += "q"
    pieces: list[str] = []
    position = 0
    for number, mark in enumerate(marks):
        line_start, line_end = _own_line(text, mark)
        if line_end < 0:
            pieces += (text[position : mark.start], f"{key}{number}z")
            position = mark.end
        else:
            pieces += (text[position:line_start], "\n", text[line_start : mark.start], f"{key}{number}y\n")
            position = line_end
    pieces.append(text[position:])
    return Held("".join(pieces), tuple(marks), key)


def _own_line(text: str, mark: Mark) -> tuple[int, int]:
    """The line that a mark has to itself, (0, -1) if it shares it or is no block."""
    if mark.form.inline and not mark.form.block:
        return 0, -1
    line_start = text.rfind("\n", max(0, mark.start - _DEEPEST_INDENT), mark.start) + 1
    if text[line_start : mark.start].strip(" \t") or (not line_start and mark.start > _DEEPEST_INDENT):
        return 0, -1
    line_end = mark.end
    while line_end < len(text) and text[line_end] in " \t":
        line_end += 1
    return (line_start, line_end) if line_end == len(text) or text[line_end] == "\n" else (0, -1)


class _Place(Enum):
    CODE = "code"
    VERBATIM = "verbatim"
    ATTRIBUTE = "attribute"
    WHOLE = "whole"  # a paragraph of its own, or a place where a block may stand
    FIRST = "first"  # begins a paragraph
    LAST = "last"  # ends one
    INLINE = "inline"


class _Found(NamedTuple):
    start: int
    end: int
    number: int
    place: _Place
    indent: str = ""


def restore(html: str, held: Held) -> Restored:
    """Take the stand-ins out of the parser's HTML."""
    if not held.marks:
        return Restored(html, -1, ())
    found = [one for one in _find(html, held.key) if one.number < len(held.marks)]
    wrapping = _paired(found, held.marks)
    pieces: list[str] = []
    position, length, summary_end = 0, 0, -1
    for one in found:
        mark = held.marks[one.number]
        shown = _shown(mark, one, wrapping)
        pieces += (html[position : one.start], shown)
        length += one.start - position + len(shown)
        position = one.end
        if mark.form.ends_summary and summary_end < 0 and one.place not in _QUIET:
            summary_end = length
    pieces.append(html[position:])
    seen = tuple(held.marks[one.number] for one in found if one.place not in _QUIET)
    return Restored("".join(pieces), summary_end, seen)


_QUIET = frozenset({_Place.CODE, _Place.VERBATIM})


def _find(html: str, key: str) -> list[_Found]:
    word = rf"{key}(\d+)[yz]"
    scanner = re.compile(
        rf"(?P<pre><pre><code[^<>]*>[^<]*</code>|<code[^<>]*>[^<]*</code>)"
        rf"|(?P<verbatim><!--.*?(?:-->|\Z)|<(?P<name>pre|script|style|textarea)\b.*?(?:</(?P=name)\s*>|\Z))"
        rf"|(?P<tag><[A-Za-z][^<>]*?{word}[^<>]*>)"
        rf"|(?P<whole><p>(?:{word}\s*)+</p>\n?)"
        rf"|(?P<first><p>)?{word}(?P<last></p>)?",
        re.DOTALL | re.IGNORECASE,
    )
    single = re.compile(word)
    in_code = re.compile(rf"(?:\n(?P<indent>[ \t]*))?{key}(\d+)y\n?|{key}(\d+)z")
    found: list[_Found] = []
    for match in scanner.finditer(html):
        kind = match.lastgroup
        if kind == "pre" or match["verbatim"]:
            if key in match[0]:
                place = _Place.VERBATIM if match["verbatim"] else _Place.CODE
                found += _words(in_code, match, place)
        elif kind == "tag" or match["tag"]:
            found += _words(single, match, _Place.ATTRIBUTE)
        elif match["whole"]:
            found += _spread(_words(single, match, _Place.WHOLE), match.start(), match.end())
        else:
            found.append(_in_text(html, match, single))
    return found


def _words(pattern: re.Pattern[str], match: re.Match[str], place: _Place) -> list[_Found]:
    offset = match.start()
    return [
        _Found(offset + one.start(), offset + one.end(), int(one[one.lastindex or 1]), place, _indent(one))
        for one in pattern.finditer(match[0])
    ]


def _indent(word: re.Match[str]) -> str:
    """The indent of a stand-in that got empty lines around it, which in code go away again."""
    return word.groupdict().get("indent") or ""


def _spread(words: list[_Found], start: int, end: int) -> list[_Found]:
    """Words that make up a whole paragraph take its tags and the space between them with them."""
    starts = [start, *(one.end for one in words[:-1])]
    ends = [*(one.end for one in words[:-1]), end]
    return [one._replace(start=starts[at], end=ends[at]) for at, one in enumerate(words)]


def _in_text(html: str, match: re.Match[str], single: re.Pattern[str]) -> _Found:
    word = single.search(match[0])
    number = int(word[1]) if word else 0
    if match["first"]:
        return _Found(match.start(), match.end() - len(match["last"] or ""), number, _Place.FIRST)
    if match["last"]:
        return _Found(match.start(), match.end(), number, _Place.LAST)
    before = html[max(0, match.start() - 4) : match.start()]
    alone = before in {"<li>", "<dd>", "<td>"} and html.startswith("</", match.end())
    return _Found(match.start(), match.end(), number, _Place.WHOLE if alone else _Place.INLINE)


_OPENS_BLOCK = frozenset({_Place.WHOLE, _Place.FIRST})
_CLOSES_BLOCK = frozenset({_Place.WHOLE, _Place.LAST})


def _paired(found: Iterable[_Found], marks: Sequence[Mark]) -> dict[int, str]:
    """What wrapping marks show that have a partner, properly nested, where a block may begin and end.

    A closing mark without a name (Zola's ``end``) fits whatever is open.
    """
    waiting: list[_Found] = []
    open_names: Counter[str] = Counter()
    shown: dict[int, str] = {}
    for one in found:
        form = marks[one.number].form
        if form.pairing is Pairing.OPEN and one.place in _OPENS_BLOCK:
            waiting.append(one)
            open_names[form.name] += 1
        elif form.pairing is Pairing.CLOSE and one.place in _CLOSES_BLOCK and waiting:
            name = form.name or marks[waiting[-1].number].form.name
            if opener := _partner(name, waiting, open_names, marks):
                opened = marks[opener.number].form
                shown |= {opener.number: opened.block, one.number: opened.end}
    return shown


def _partner(name: str, waiting: list[_Found], open_names: Counter[str], marks: Sequence[Mark]) -> _Found | None:
    """The last opener of this name; those opened after it and never closed are forgotten."""
    while open_names[name]:
        opener = waiting.pop()
        opened = marks[opener.number].form.name
        open_names[opened] -= 1
        if opened == name:
            return opener
    return None


def _shown(mark: Mark, one: _Found, wrapping: dict[int, str]) -> str:
    form = mark.form
    if one.place is _Place.CODE:
        return one.indent + escape(mark.in_code, quote=False)
    if one.place is _Place.VERBATIM:
        return one.indent + mark.in_code
    if one.place is _Place.ATTRIBUTE:
        return form.attribute
    if one.place is _Place.WHOLE and form.pairing is Pairing.ALONE:
        return form.block or (f"<p>{form.inline}</p>\n" if form.inline else "")
    before = "</p>" if one.place is _Place.LAST else ""
    after = "<p>" if one.place is _Place.FIRST else ""
    if form.pairing is Pairing.ALONE:
        return f"{after}{form.inline}{before}"
    return f"{before}{wrapping.get(one.number, '')}{after}"
