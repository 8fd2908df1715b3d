"""Taking stand-ins out of the parser's HTML: what each becomes depends on where it came out.

In code, the author's own characters; in an attribute, an address or plain words; in a line, what fits into
a line; where it has a paragraph, an item or a cell to itself, a block.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.standins import DEEPEST_INDENT, Pairing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from publisher.content.standins import Form, Held, Mark


class Restored(NamedTuple):
    """HTML with every stand-in resolved. ``summary_end`` is the offset of the more marker, -1 for none.

    ``seen`` are the marks that were not in code.
    """

    html: str
    summary_end: int
    seen: tuple[Mark, ...]


class _Place(Enum):
    CODE = "code"
    VERBATIM = "verbatim"
    ATTRIBUTE = "attribute"
    WHOLE = "whole"  # a paragraph of its own
    ITEM = "item"  # all that a list's item or a table's cell holds
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
    found = _in_paragraphs(html, _find(html, held), held.marks)
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


_EDGE = re.compile(r"<(?:!--(?!-?>)|(/?)((?i:code|pre|script|style|textarea))\b)|--!?>")


@dataclass(slots=True)
class _Surroundings:
    """What the HTML read so far leaves open; fed piece by piece, so the whole is linear."""

    element: str = ""  # code, pre, script, style, textarea or a comment
    place: _Place = _Place.INLINE
    in_tag: bool = False
    unclosed: bool = False  # a <code> that never ends holds no code

    def read(self, html: str, start: int, end: int) -> None:
        """Take in the HTML between two stand-ins."""
        for edge in _EDGE.finditer(html, start, end):
            name = (edge[2] or "").lower()
            ends_comment = edge[0].startswith("--")
            if not self.element and not ends_comment and not edge[1]:
                if name == "code" and self._never_closed(html, edge.end()):
                    continue
                self.element = name or "!--"
                is_code = name == "code" or html.startswith("><code", edge.end())
                self.place = _Place.CODE if is_code else _Place.VERBATIM
            elif self.element == (name if edge[1] else "!--" if ends_comment else ""):
                self.element = ""
        opened, closed = html.rfind("<", start, end), html.rfind(">", start, end)
        if opened != closed:
            self.in_tag = opened > closed

    def _never_closed(self, html: str, at: int) -> bool:
        self.unclosed = self.unclosed or (html.find("</code", at) < 0 and html.find("</CODE", at) < 0)
        return self.unclosed


def _find(html: str, held: Held) -> list[_Found]:
    """Every stand-in in the HTML, in order, with the place where it came out."""
    around = _Surroundings()
    found: list[_Found] = []
    position = 0
    for word in re.compile(rf"{held.key}(\d{{1,7}})([yz])").finditer(html):
        around.read(html, position, word.start())
        if int(word[1]) >= len(held.marks):  # an entity spelled one that we did not write
            position = word.start()
            continue
        if around.element and not (around.in_tag and around.place is _Place.CODE):
            found.append(_in_code(html, word, position, around.place))
            if around.element == "!--" and "-->" in held.marks[int(word[1])].in_code:
                around.element = ""  # the mark itself ended the comment
        else:
            place = _Place.ATTRIBUTE if around.in_tag else _Place.INLINE
            found.append(_Found(word.start(), word.end(), int(word[1]), place))
        position = word.end()
    return found


def _in_code(html: str, word: re.Match[str], position: int, place: _Place) -> _Found:
    """In code, the empty lines that a stand-in got around it go away again."""
    start, end = word.span()
    if word[2] == "z":
        return _Found(start, end, int(word[1]), place)
    line_start = html.rfind("\n", max(position, start - DEEPEST_INDENT - 1), start)
    indent = html[line_start + 1 : start] if line_start >= 0 else "-"
    if indent.strip(" \t"):
        indent, line_start = "", start
    return _Found(line_start, end + html.startswith("\n", end), int(word[1]), place, indent)


def _in_paragraphs(html: str, found: list[_Found], marks: Sequence[Mark]) -> list[_Found]:
    """Tell stand-ins that make up, begin or end a paragraph from those in the middle of a line."""
    placed: list[_Found] = []
    for run in _runs(html, found):
        first, last = run[0], run[-1]
        begins = html.startswith("<p>", max(0, first.start - len("<p>")))
        ends = html.startswith("</p>", last.end)
        if first.place is not _Place.INLINE:
            placed += run
        elif begins and ends and _make_blocks([marks[one.number].form for one in run]):
            placed += _spread(html, run)
        elif _fills_an_item(html, first.start, last.end):
            placed += [one._replace(place=_Place.ITEM) for one in run]
        else:
            placed += run
            if begins:
                at = len(placed) - len(run)
                placed[at] = first._replace(start=first.start - len("<p>"), place=_Place.FIRST)
            if ends:
                placed[-1] = placed[-1]._replace(end=last.end + len("</p>"), place=_Place.LAST)
    return placed


def _make_blocks(forms: list[Form]) -> bool:
    """Whether these need no paragraph around them: there is a block among them, or nothing to see at all."""
    return any(form.block or form.pairing is not Pairing.ALONE for form in forms) or not any(
        form.inline for form in forms
    )


def _runs(html: str, found: list[_Found]) -> list[list[_Found]]:
    """Stand-ins in text with nothing but space between them, together."""
    runs: list[list[_Found]] = []
    for one in found:
        before = runs[-1][-1] if runs else None
        near = before and before.place is one.place is _Place.INLINE and one.start - before.end < DEEPEST_INDENT
        if before and near and not html[before.end : one.start].strip():
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _fills_an_item(html: str, start: int, end: int) -> bool:
    return html[max(0, start - 4) : start] in {"<li>", "<dd>", "<td>"} and html.startswith("</", end)


def _spread(html: str, run: list[_Found]) -> list[_Found]:
    """Stand-ins that make up a whole paragraph take its tags and the space between them with them."""
    end = run[-1].end + len("</p>")
    end += html.startswith("\n", end)
    starts = [run[0].start - len("<p>"), *(one.end for one in run[:-1])]
    ends = [*(one.end for one in run[:-1]), end]
    return [one._replace(start=starts[at], end=ends[at], place=_Place.WHOLE) for at, one in enumerate(run)]


_OPENS_BLOCK = frozenset({_Place.WHOLE, _Place.ITEM, _Place.FIRST})
_CLOSES_BLOCK = frozenset({_Place.WHOLE, _Place.ITEM, _Place.LAST})


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
    if one.place in _QUIET:
        return one.indent + (escape(mark.in_code, quote=False) if one.place is _Place.CODE else mark.in_code)
    if one.place is _Place.ATTRIBUTE:
        return form.attribute
    before = "</p>" if one.place is _Place.LAST else ""
    after = "<p>" if one.place is _Place.FIRST else ""
    if form.pairing is not Pairing.ALONE:
        return f"{before}{wrapping.get(one.number, '')}{after}"
    return f"{after}{_standing(form, one.place)}{before}"


def _standing(form: Form, place: _Place) -> str:
    if place is _Place.WHOLE:
        return form.block or (f"<p>{form.inline}</p>\n" if form.inline else "")
    if place is _Place.ITEM and not form.block.startswith("<p>"):
        return form.block or form.inline
    return form.inline
