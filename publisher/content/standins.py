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
    if not marks:
        return Held(text, (), _KEY)
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


_EDGE = re.compile(r"<(?:!--|(/?)((?i:code|pre|script|style|textarea))\b)|-->")


@dataclass(slots=True)
class _Surroundings:
    """What the HTML read so far leaves open; fed piece by piece, so the whole is linear."""

    element: str = ""  # code, pre, script, style, textarea or a comment
    place: _Place = _Place.INLINE
    in_tag: bool = False

    def read(self, html: str, start: int, end: int) -> None:
        """Take in the HTML between two stand-ins."""
        for edge in _EDGE.finditer(html, start, end):
            name = (edge[2] or "").lower()
            if not self.element and edge[0] != "-->" and not edge[1]:
                self.element = name or "!--"
                is_code = name == "code" or html.startswith("><code", edge.end())
                self.place = _Place.CODE if is_code else _Place.VERBATIM
            elif self.element == (name if edge[1] else "!--" if edge[0] == "-->" else ""):
                self.element = ""
        opened, closed = html.rfind("<", start, end), html.rfind(">", start, end)
        if opened != closed:
            self.in_tag = opened > closed


def _find(html: str, key: str) -> list[_Found]:
    """Every stand-in in the HTML, in order, with the place where it came out."""
    around = _Surroundings()
    found: list[_Found] = []
    position = 0
    for word in re.compile(rf"{key}(\d+)([yz])").finditer(html):
        around.read(html, position, word.start())
        if around.element:
            found.append(_in_code(html, word, position, around.place))
        else:
            place = _Place.ATTRIBUTE if around.in_tag else _Place.INLINE
            found.append(_Found(word.start(), word.end(), int(word[1]), place))
        position = word.end()
    return _in_paragraphs(html, found)


def _in_code(html: str, word: re.Match[str], position: int, place: _Place) -> _Found:
    """In code, the empty lines that a stand-in got around it go away again."""
    start, end = word.span()
    if word[2] == "z":
        return _Found(start, end, int(word[1]), place)
    line_start = html.rfind("\n", max(position, start - _DEEPEST_INDENT - 1), start)
    indent = html[line_start + 1 : start] if line_start >= 0 else "-"
    if indent.strip(" \t"):
        indent, line_start = "", start
    return _Found(line_start, end + html.startswith("\n", end), int(word[1]), place, indent)


def _in_paragraphs(html: str, found: list[_Found]) -> list[_Found]:
    """Tell stand-ins that make up, begin or end a paragraph from those in the middle of a line."""
    placed: list[_Found] = []
    for run in _runs(html, found):
        first, last = run[0], run[-1]
        begins = html.startswith("<p>", max(0, first.start - len("<p>")))
        ends = html.startswith("</p>", last.end)
        if first.place is not _Place.INLINE:
            placed += run
        elif (begins and ends) or _fills_an_item(html, first.start, last.end):
            placed += _spread(html, run, begins=begins)
        else:
            placed += run
            if begins:
                at = len(placed) - len(run)
                placed[at] = first._replace(start=first.start - len("<p>"), place=_Place.FIRST)
            if ends:
                placed[-1] = placed[-1]._replace(end=last.end + len("</p>"), place=_Place.LAST)
    return placed


def _runs(html: str, found: list[_Found]) -> list[list[_Found]]:
    """Stand-ins in text with nothing but space between them, together."""
    runs: list[list[_Found]] = []
    for one in found:
        before = runs[-1][-1] if runs else None
        near = before and before.place is one.place is _Place.INLINE and one.start - before.end < _DEEPEST_INDENT
        if before and near and not html[before.end : one.start].strip():
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _fills_an_item(html: str, start: int, end: int) -> bool:
    return html[max(0, start - 4) : start] in {"<li>", "<dd>", "<td>"} and html.startswith("</", end)


def _spread(html: str, run: list[_Found], *, begins: bool) -> list[_Found]:
    """Stand-ins that make up a whole paragraph take its tags and the space between them with them."""
    start = run[0].start - len("<p>") * begins
    end = run[-1].end + len("</p>") * begins
    end += begins and html.startswith("\n", end)
    starts = [start, *(one.end for one in run[:-1])]
    ends = [*(one.end for one in run[:-1]), end]
    return [one._replace(start=starts[at], end=ends[at], place=_Place.WHOLE) for at, one in enumerate(run)]


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
