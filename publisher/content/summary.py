"""A post in a few plain words: its own description, what stands before its more marker, or how it begins."""

from __future__ import annotations

import re
from html import unescape

from publisher.content.html import COMMENT

LONGEST = 300  # characters, about two lines of a reader's list

_PARAGRAPH = re.compile(r"<[pP](?:\s[^<>]*)?>(.*?)(?:</[pP]>|(?=<[pP][\s>])|\Z)", re.DOTALL)
_CONTAINER = re.compile(r"<(table|figure|details)[\s>]")
_UNSEEN_NAMES = "script|style|template|svg|iframe|video|audio|object|select|textarea"
_UNSEEN = re.compile(
    rf"{COMMENT}|<(?P<name>(?i:{_UNSEEN_NAMES}))\b.*?(?:</(?i:(?P=name))\s*>|\Z)",
    re.DOTALL,
)
_NO_PROSE = re.compile(r"<(?P<name>(?i:pre|table|h[1-6]|figure|details))\b.*?(?:</(?i:(?P=name))\s*>|\Z)", re.DOTALL)
_NOTE_NUMBER = re.compile(r'<sup><a href="[^"]*#fn-\d+"[^<>]*>\d+</a></sup>')
_BREAK = re.compile(r"<(?i:br|/p|/li|/div|/h[1-6]|/d[td]|/tr|/t[dh])\b[^<>]*>")
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_LOOKED_AT = 20_000  # characters of HTML in which a first paragraph is looked for


def plain_text(html: str) -> str:
    """The words of HTML on one line, entities decoded."""
    if "<" in html:
        html = _NOTE_NUMBER.sub("", html) if "#fn-" in html else html
        html = _TAG.sub("", _BREAK.sub(" ", _UNSEEN.sub(" ", html)))
    return " ".join(unescape(html).split())


def shortened(text: str) -> str:
    """At most ``LONGEST`` characters, cut between words, with an ellipsis where something was cut."""
    if len(text) <= LONGEST:
        return text
    cut = text[: LONGEST - 1]
    if not text[LONGEST - 1].isspace():
        words = cut.rpartition(" ")[0]
        cut = words if len(words) > LONGEST // 2 else cut
    return cut.rstrip(" ,;:-\N{EN DASH}\N{EM DASH}") + "…"


def summary_of(html: str, description: str, more: int) -> str:
    """Plain text; ``more`` is the offset of the more marker in the HTML, -1 if it has none."""
    if description.strip():
        return " ".join(description.split())
    if more > 0 and (before := plain_text(_NO_PROSE.sub(" ", html[:more]))):
        return shortened(before)
    return shortened(_first_paragraph(html))


def _first_paragraph(html: str) -> str:
    """The first paragraph with words in it; without paragraphs, the first words outside of tables and code."""
    start = html[:_LOOKED_AT]
    for found in _PARAGRAPH.finditer(start):
        if not _is_inside(start, found.start()) and (text := plain_text(found[1])):
            return text
    return plain_text(_NO_PROSE.sub(" ", start))


def _is_inside(html: str, at: int) -> bool:
    """Whether the text before leaves a table, a figure or something folded open."""
    found = _CONTAINER.search(html, 0, at)
    return found is not None and html.find(f"</{found[1]}>", found.end(), at) < 0
