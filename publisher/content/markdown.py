"""Markdown to HTML by pulldown-cmark: CommonMark with tables, footnotes, task lists and their like.

Not switched on: smart punctuation (it changes what authors wrote), and metadata blocks (frontmatter was
read before). Formulas are switched on only for a body that holds one (see formulas.py), so that a price
never becomes one. The parser is linear and keeps its own stack; nesting of 100,000 levels does it no harm.
"""

from __future__ import annotations

from functools import cache
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyromark import Markdown


@cache
def _parser(*, formulas: bool) -> Markdown:
    from pyromark import Markdown, Options  # noqa: PLC0415 - a run with nothing to render does without

    options = (
        Options.ENABLE_TABLES
        | Options.ENABLE_FOOTNOTES
        | Options.ENABLE_STRIKETHROUGH
        | Options.ENABLE_TASKLISTS
        | Options.ENABLE_HEADING_ATTRIBUTES
        | Options.ENABLE_DEFINITION_LIST
    )
    return Markdown(options=options | Options.ENABLE_MATH if formulas else options)


def to_html(text: str, *, formulas: bool) -> str:
    """The HTML of a text without lone surrogates. Raw HTML in it comes out as it went in."""
    return _parser(formulas=formulas).html(text)


def inline_html(text: str) -> str:
    """A caption or title, which generators run through Markdown, as HTML that may stand inside a line."""
    html = to_html(text.strip(), formulas=False).strip()
    inside = html.removeprefix("<p>").removesuffix("</p>")
    return inside if len(inside) == len(html) - len("<p></p>") and "<p>" not in inside else escape(text, quote=False)


def code_ranges(text: str) -> list[tuple[int, int]]:
    """Where code and raw HTML stand in a text: offsets of bytes of its UTF-8, in order."""
    ranges: list[tuple[int, int]] = []
    for event, place in _parser(formulas=False).events_with_range(text):
        if isinstance(event, dict):
            start = event.get("Start")
            if "Code" in event or "Html" in event or "InlineHtml" in event or _is_code(start):
                ranges.append((place["start"], place["end"]))
    return ranges


def indented_code(text: str) -> list[tuple[int, int]]:
    """Where code stands that is code by its indentation alone, outside of lists: offsets of bytes."""
    ranges: list[tuple[int, int]] = []
    items = 0
    for event, place in _parser(formulas=False).events_with_range(text):
        if isinstance(event, dict):
            items += (event.get("Start") == "Item") - (event.get("End") == "Item")
            start = event.get("Start")
            if not items and isinstance(start, dict) and start.get("CodeBlock") == "Indented":
                ranges.append((place["start"], place["end"]))
    return ranges


def _is_code(start: object) -> bool:
    return isinstance(start, dict) and "CodeBlock" in start
