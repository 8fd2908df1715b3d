"""Lists written the way of wikis and of org mode: ``* item``, below it ``** item``, below that ``***``.

CommonMark sees plain text in such lines. Here each becomes an item one level below the list it stands
under. A line counts only under an open ``*`` list and outside code and raw HTML; ``** words **``, which
is bold gone wrong, is left as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from publisher.content.markdown import code_ranges

_LINE = re.compile(r"\n\*\*")
_HINT = re.compile(r"^\*{2,6}[ \t]", re.MULTILINE)
_STARRED = re.compile(r"(\*{1,6})([ \t]+)(?=\S)(.*)")
_RULE = re.compile(r"(?:[-_*][ \t]*){3,}")
_ENDS_LIST = re.compile(r"#{1,6}(?:[ \t]|$)|(?:[-_*][ \t]*){3,}$|[-+][ \t]|\d{1,9}[.)][ \t]|>|<|`{3}|~{3}")


@dataclass(slots=True)
class _Outline:
    """The open list: for each level the column where its items' text begins; ``gap`` after an empty line."""

    columns: tuple[int, ...] = ()
    gap: bool = False


def nest_lists(text: str) -> str:
    """The text with such lists in CommonMark; the same object if it has none. Applied twice it does no more."""
    if not _LINE.search(text) or not _HINT.search(text):
        return text
    inside = _code_lines(text)
    outline = _Outline()
    lines = text.split("\n")
    changed = [_code(line, outline) if number in inside else _line(line, outline) for number, line in enumerate(lines)]
    return "\n".join(changed)


def _code(line: str, outline: _Outline) -> str:
    if line.startswith(("```", "~~~", "<")):
        outline.columns = ()
    return line


def _line(line: str, outline: _Outline) -> str:
    if not line.strip():
        outline.gap = True
        return line
    gap, outline.gap = outline.gap, False
    found = None if _RULE.fullmatch(line) else _STARRED.fullmatch(line)
    if not found:
        if (gap and line[0] not in " \t") or _ENDS_LIST.match(line):
            outline.columns = ()
        return line
    level = len(found[1])
    if level == 1:
        outline.columns = (1 + _width(found[2]),)
        return line
    if not outline.columns or _is_failed_bold(found[3]):
        return line
    above = outline.columns[: level - 1]
    indent = above[-1]
    outline.columns = (*above, indent + 2)
    return f"{' ' * indent}* {found[3]}"


def _width(space: str) -> int:
    """How far the text stands from its marker (CommonMark 5.2): five or more blanks count as one."""
    width = len(space.expandtabs(4))
    return width if width <= len("    ") else 1


def _is_failed_bold(text: str) -> bool:
    bare = text.rstrip()
    return bare.endswith("**") and bare.count("**") == 1


def _code_lines(text: str) -> frozenset[int]:
    """The numbers of lines that begin inside code or raw HTML."""
    ranges = code_ranges(text)
    if not ranges:
        return frozenset()
    starts = [start for start, _ in ranges]
    inside: set[int] = set()
    offset = 0
    for number, line in enumerate(text.encode().split(b"\n")):
        at = bisect_right(starts, offset) - 1
        if at >= 0 and offset < ranges[at][1]:
            inside.add(number)
        offset += len(line) + 1
    return frozenset(inside)
