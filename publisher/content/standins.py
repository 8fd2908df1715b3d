"""Stand-ins: words put into a text in place of what Markdown must not see, and taken out of its HTML again.

Shortcodes, wikilinks and other marks of dialects are no Markdown, and only the Markdown parser knows
what is code. So each mark waits outside: a word of plain letters stands in for it while the parser works.
Where the word comes out inside code, the author's own characters come back, untouched; anywhere else
comes what the mark means. A mark alone on its line is parted from its neighbours by empty lines, as the
generators do when they put a block there. (Taking them out again: see restoring.py.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

DEEPEST_INDENT = 80  # columns looked at before a mark
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


def hold(text: str, marks: Sequence[Mark]) -> Held:
    """Put a stand-in for every mark. Marks are in order and do not overlap."""
    if not marks:
        return Held(text, (), _KEY)
    key = _KEY
    while key in text:
        key += "q"
    pieces: list[str] = []
    kept = list(marks)
    position = 0
    for number, mark in enumerate(marks):
        line_start, line_end = _own_line(text, mark)
        if line_end < 0:
            pieces += (text[position : mark.start], f"{key}{number}z")
            position = mark.end
        else:
            pieces += (text[position:line_start], "\n", text[line_start : mark.start], f"{key}{number}y\n")
            kept[number] = replace(mark, in_code=mark.in_code + text[mark.end : line_end])  # blanks count in code
            position = line_end
    pieces.append(text[position:])
    return Held("".join(pieces), tuple(kept), key)


def _own_line(text: str, mark: Mark) -> tuple[int, int]:
    """The line that a mark has to itself, (0, -1) if it shares it or is no block."""
    if mark.form.inline and not mark.form.block:
        return 0, -1
    line_start = text.rfind("\n", max(0, mark.start - DEEPEST_INDENT), mark.start) + 1
    if text[line_start : mark.start].strip(" \t") or (not line_start and mark.start > DEEPEST_INDENT):
        return 0, -1
    line_end = mark.end
    while line_end < len(text) and text[line_end] in " \t":
        line_end += 1
    return (line_start, line_end) if line_end == len(text) or text[line_end] == "\n" else (0, -1)
