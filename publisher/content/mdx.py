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
_TEXT = re.compile(r"""\{(?:"(?P<double>[^"{}\n]*)"|'(?P<single>[^'{}\n]*)'|`(?P<raw>[^`{}\n]*)`)\}""")
# Only elements that hold prose; lists and tables are HTML from their first tag to their last.
_BOX = re.compile(
    r"^[ \t]*(?P<tag></?(?:div|section|aside|article|details|main|center|[a-z]+(?:-[a-z]+)+)"
    rf"(?:\s(?:[^<>{{}}]|{BRACED})*+)?>)[ \t]*$",
    re.MULTILINE,
)
_TAG = re.compile(rf"""<[a-z][\w-]*\s(?P<attributes>(?:[^<>{{}}"']|"[^"<]*+"|'[^'<]*+'|{BRACED})*+)>""")
_EXPRESSION = re.compile(
    rf"""(?:\s*(?P<name>[\w:-]+)=)?(?:\{{\s*(?P<mark>["'`])(?P<text>[^"'`<>{{}}]*)(?P=mark)\s*\}}|{BRACED})"""
)
_DEEPEST = 4  # levels of indented tags that are looked into


def find_mdx(text: str) -> Iterator[Mark]:
    """The marks of MDX in a text, unordered."""
    for one in _MODULE.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])
    for one in _COMMENT.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])
    for one in _TEXT.finditer(text):
        words = one["double"] or one["single"] or one["raw"] or " "
        yield Mark(one.start(), one.end(), Form(inline=escape(words)), one[0])
    for one in _BOX.finditer(text):
        yield Mark(one.start("tag"), one.end("tag"), Form(f"{_as_html(one['tag'])}\n"), one["tag"])
    for one in _TAG.finditer(text):
        # A tag on one line without braces is HTML as it stands; over several, Markdown might find marks in it.
        if "{" in one["attributes"] or "\n" in one["attributes"]:
            yield Mark(one.start(), one.end(), Form(inline=_as_html(one[0])), one[0])
    yield from find_components(text)


def _as_html(tag: str) -> str:
    """A tag of JSX as one of HTML: texts in braces become texts in quotes, other expressions go."""
    return _EXPRESSION.sub(lambda one: f'{one["name"]}="{one["text"]}"' if one["text"] else "", tag)


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
