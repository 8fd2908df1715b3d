"""What MDX adds to Markdown: modules, comments, components, and tags with Markdown between them.

In MDX a tag on a line of its own does not turn what follows into HTML, and nothing is code because it is
indented (mdxjs.com, "Markdown"); here both are put into words that CommonMark understands.
"""

from __future__ import annotations

import re
from html import escape
from textwrap import dedent
from typing import TYPE_CHECKING

from publisher.content.markdown import indented_code
from publisher.content.shortcodes import BRACED, find_components
from publisher.content.standins import Form, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODULE = re.compile(r"^(?:import|export)[ \t{*][^\n]*(?:\n(?:[ \t]+[^\s`~]|[\]})])[^\n]*)*", re.MULTILINE)
_COMMENT = re.compile(r"\{/\*[^{}]*\*/\}")
_SPACE = re.compile(r"""\{(?P<quote>["'`])(?P<text>[^"'`{}\n]*)(?P=quote)\}""")
# Only elements that hold prose; lists and tables are HTML from their first tag to their last.
_BOX = re.compile(
    r"^[ \t]*(?P<tag></?(?:div|section|aside|article|details|main|center|[a-z]+(?:-[a-z]+)+)"
    rf"(?:\s(?:[^<>{{}}]|{BRACED})*+)?>)[ \t]*$",
    re.MULTILINE,
)
_DEEPEST = 4  # levels of indented tags that are looked into


def find_mdx(text: str) -> Iterator[Mark]:
    """The marks of MDX in a text, unordered."""
    for one in _MODULE.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])
    for one in _COMMENT.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])
    for one in _SPACE.finditer(text):
        yield Mark(one.start(), one.end(), Form(inline=escape(one["text"]) or " "), one[0])
    for one in _BOX.finditer(text):
        yield Mark(one.start("tag"), one.end("tag"), Form(f"{one['tag']}\n"), one["tag"])
    yield from find_components(text)


def without_indented_code(text: str) -> str:
    """The text with what CommonMark would take for indented code moved to the left."""
    for _ in range(_DEEPEST):
        ranges = indented_code(text) if "\n\t" in text or "\n    " in text else []
        if not ranges:
            break
        data, position = text.encode(), 0
        pieces: list[str] = []
        for start, end in ranges:
            line_start = data.rfind(b"\n", 0, start) + 1
            pieces += (data[position:line_start].decode(), dedent(data[line_start:end].decode().expandtabs(4)))
            position = end
        text = "".join((*pieces, data[position:].decode()))
    return text
