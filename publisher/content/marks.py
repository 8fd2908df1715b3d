"""All that a post's text holds which is no Markdown: what it is, and where, in one ordered list."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from publisher.content.formulas import formulas
from publisher.content.shortcodes import find_components, find_tags
from publisher.content.standins import Form, Mark
from publisher.content.wikilinks import wikilinks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from publisher.model.post import Post
    from publisher.model.settings import Settings

_PAIRS = re.compile(r"\[[\[!]")
_MORE_WORDS = r"(?:more|excerpt|end[ -]?excerpt|truncate|summary|read[ -]?more|preview)"
_MORE = re.compile(rf"<!--[ \t]*{_MORE_WORDS}[ \t]*-->|\{{/\*[ \t]*{_MORE_WORDS}[ \t]*\*/\}}", re.IGNORECASE)
_TABLE_OF_CONTENTS = r"^[ \t]*(?:[-*+]|1\.)[ \t][^\n]*\n[ \t]*\{:toc[^{}\n]*\}"
_ATTRIBUTES = re.compile(
    rf"""{_TABLE_OF_CONTENTS}
    | (?:(?<=[\w.,;:!?)\]"'])\n[ \t]*)?\{{::?[ \t]*(?:
        (?:toc|no_toc|/?comment|/?nomarkdown|/|(?:options|refdef|footnotes)[^{{}}\n]*)
      | (?:(?:[.\#][\w-]+|[\w:-]+=(?:"[^"\n]*"|'[^'\n]*'|[^\s{{}}"']+))[ \t]*)+
    )[ \t]*/?\}}""",
    re.VERBOSE | re.MULTILINE,
)
_CALLOUT = re.compile(
    r"^(?P<quote>[ \t]*(?:>[ \t]?)+)\[!(?P<kind>[\w-]+)\](?:[+-](?=\s))?[ \t]*(?P<title>[^\n]*)$", re.MULTILINE
)
_MDX_BLOCK = re.compile(r"^(?:import|export)[ \t{*][^\n]*(?:\n[^\n]+)*", re.MULTILINE)
_MDX_COMMENT = re.compile(r"\{/\*[^{}]*\*/\}")


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
    if "{" in text:
        found += _braced(text, post, settings)
    if "[" in text and _PAIRS.search(text):
        found += wikilinks(text)
        found += _callouts(text)
    if "<!--" in text or "{/*" in text:
        found += (Mark(one.start(), one.end(), Form(ends_summary=True), one[0]) for one in _MORE.finditer(text))
    if post.path.endswith(".mdx"):
        found += _mdx(text)
    return Marked(_apart(found, spans), bool(spans)) if found else Marked((), bool(spans))


def _braced(text: str, post: Post, settings: Settings) -> Iterator[Mark]:
    if "{{" in text or "{%" in text or "%}" in text or "}}" in text or "{#" in text:
        yield from find_tags(text, post, settings)
    if "{:" in text:
        yield from (Mark(one.start(), one.end(), Form(), one[0]) for one in _ATTRIBUTES.finditer(text))


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


def _mdx(text: str) -> Iterator[Mark]:
    for one in _MDX_BLOCK.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])
    for one in _MDX_COMMENT.finditer(text):
        yield Mark(one.start(), one.end(), Form(), one[0])
    yield from find_components(text)


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
