"""All that a post's text holds which is no Markdown: what it is, and where, in one ordered list."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.directives import find_attributes, find_directives
from publisher.content.formulas import bracketed_formulas, formulas
from publisher.content.mdx import find_mdx
from publisher.content.shortcodes import find_tags
from publisher.content.standins import Form, Mark
from publisher.content.wikilinks import wikilinks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from publisher.model.post import Post
    from publisher.model.settings import Settings

# What the searches below begin with is a letter, not a choice: that is what makes them quick.
_BRACKET = re.compile(r"\[[\[!]")
_BRACE = re.compile(r"\{[{%:#/.]")
_END = re.compile(r"\}(?<=[%>]\})")
_DIRECTIVE = re.compile(r":(?::|[a-z][\w-]*\[)")
_AT = re.compile(r"@(?<=[\s:]@)[\w-]+[.:=\s>]")
_LATEX = re.compile(r"\\[(\[]")
# Attributes of Vue, Alpine and WebC begin with a sign that CommonMark has in no tag.
_ODD_TAG = re.compile(r"<[a-z][\w-]*(?=[^<>]*?\s:?@[\w-])[^<>]*>")
_ODD_ATTRIBUTE = re.compile(r"""\s+:?@[\w.:-]+(?:=(?:"[^"]*"|'[^']*'|[^\s<>"']+))?""")
_COMMENT = re.compile(r"<!--")
_MORE_WORDS = r"(?:more|excerpt|end[ -]?excerpt|truncate|summary|read[ -]?more|preview)"
_MORE = re.compile(rf"<!--[ \t]*(?i:{_MORE_WORDS})[ \t]*-->|\{{/\*[ \t]*(?i:{_MORE_WORDS})[ \t]*\*/\}}")
_ATTRIBUTES = re.compile(
    r"""\{::?[ \t]*(?:
        (?P<contents>toc\b[^{}\n]*)
      | (?:no_toc|/?comment|/?nomarkdown|/|(?:options|refdef|footnotes)[^{}\n]*)
      | (?:(?:[.\#][\w-]+|[\w:-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s{}"']+))[ \t]*)+
    )[ \t]*/?\}""",
    re.VERBOSE,
)
_ORDINARY_END = re.compile(r"[\w.,;:!?)\]\"']")
_FENCE = re.compile(r"[ \t>*+\-\d.)]*(?:```|~~~)")
_FIRST_ITEM = re.compile(r"[ \t]*(?:[-*+]|1\.)[ \t]")
_CALLOUT = re.compile(
    r"^(?P<quote>[ \t]*(?:>[ \t]?)+)\[!(?P<kind>[\w-]+)\](?:[+-](?=\s))?[ \t]*(?P<title>[^\n]*)$", re.MULTILINE
)

_LONGEST_ITEM = 200  # characters


class Marked(NamedTuple):
    """The marks of a text, in order and apart from each other, and whether it holds formulas."""

    marks: tuple[Mark, ...]
    formulas: bool


def find_marks(text: str, post: Post, settings: Settings) -> Marked:
    """The marks of a post's body. A text without any costs a few microseconds."""
    found: list[Mark] = []
    spans: tuple[tuple[int, int], ...] = ()
    if "$" in text:
        spans, signs = formulas(text)
        found += signs
    if _LATEX.search(text):
        found += bracketed_formulas(text)
    if _AT.search(text):
        found += _odd_tags(text)
    mdx = post.path.endswith(".mdx")
    if (braces := _BRACE.search(text)) or _END.search(text):
        found += () if mdx else find_tags(text, post, settings)  # braces in MDX hold JavaScript
        found += _attributes(text)
        found += find_attributes(text)
    if _DIRECTIVE.search(text):
        found += find_directives(text)
    if _BRACKET.search(text):
        found += wikilinks(text)
        found += _callouts(text)
    if braces or _COMMENT.search(text):
        found += (Mark(one.start(), one.end(), Form(ends_summary=True), one[0]) for one in _MORE.finditer(text))
    if mdx:
        found += find_mdx(text)
    return Marked(_apart(found, spans), bool(spans)) if found else Marked((), bool(spans))


def _odd_tags(text: str) -> Iterator[Mark]:
    for one in _ODD_TAG.finditer(text):
        yield Mark(one.start(), one.end(), Form(inline=_ODD_ATTRIBUTE.sub("", one[0])), one[0])


def _attributes(text: str) -> Iterator[Mark]:
    """Attributes as kramdown writes them."""
    for one in _ATTRIBUTES.finditer(text):
        start = _with_line_before(text, one)
        yield Mark(start, one.end(), Form(), text[start : one.end()])


def _with_line_before(text: str, found: re.Match[str]) -> int:
    """Where a mark for kramdown's attributes begins.

    On a line of their own they belong to the line above, and go with its line break where that line is text;
    ``{:toc}`` takes the list item that it replaces along.
    """
    line_end = text.rfind("\n", max(0, found.start() - len("    ")), found.start())
    if line_end < 1 or text[line_end : found.start()].strip():
        return found.start()
    if found["contents"]:
        item = text.rfind("\n", max(0, line_end - _LONGEST_ITEM), line_end) + 1
        return item if _FIRST_ITEM.match(text, item) else found.start()
    line_start = text.rfind("\n", max(0, line_end - _LONGEST_ITEM), line_end) + 1
    opens_code = _FENCE.match(text, line_start)
    return line_end if _ORDINARY_END.match(text, line_end - 1) and not opens_code else found.start()


def _callouts(text: str) -> Iterator[Mark]:
    """The first line of GitHub's and Obsidian's callouts, as a title in bold."""
    for one in _CALLOUT.finditer(text):
        title = escape(one["title"].strip() or one["kind"].replace("-", " ").capitalize())
        yield Mark(
            one.end("quote"),
            one.end(),
            Form(inline=f"<strong>{title}</strong><br />"),
            text[one.end("quote") : one.end()],
        )


def _apart(found: Iterable[Mark], spans: Iterable[tuple[int, int]]) -> tuple[Mark, ...]:
    """Marks in order; of two that overlap the earlier, then the longer one; none inside a formula."""
    taken = sorted((start, -end, None) for start, end in spans)
    rows = sorted([*taken, *((mark.start, -mark.end, mark) for mark in found)], key=lambda row: row[:2])
    kept: list[Mark] = []
    position = 0
    for start, end, mark in rows:
        if start >= position:
            position = -end
            if mark is not None:
                kept.append(mark)
    return tuple(kept)
