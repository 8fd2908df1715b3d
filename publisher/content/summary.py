"""A post in a few plain words: its own description, what stands before its more marker, or how it begins."""

from __future__ import annotations

import re
from html import unescape

LONGEST = 300  # characters, about two lines of a reader's list

_PARAGRAPH = re.compile(r"<p(?:\s[^<>]*)?>(.*?)(?:</p>|(?=<p[\s>])|\Z)", re.DOTALL | re.IGNORECASE)
_UNSEEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<(?P<name>script|style|template|svg|iframe|video|audio|object|select|textarea)\b.*?(?:</(?P=name)\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_NO_PROSE = re.compile(
    r"<(?P<name>pre|table|h[1-6]|figure|details)\b.*?(?:</(?P=name)\s*>|\Z)", re.DOTALL | re.IGNORECASE
)
_NOTE_NUMBER = re.compile(r'<sup><a href="[^"]*#fn-\d+"[^<>]*>\d+</a></sup>')
_BREAK = re.compile(r"<(?:br|/p|/li|/div|/h[1-6]|/d[td]|/tr|/t[dh])\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!][^<>]*>")
_LOOKED_AT = 20_000  # characters of HTML in which a first paragraph is looked for


def plain_text(html: str) -> str:
    """The words of HTML on one line, entities decoded."""
    if "<" in html:
        html = _NOTE_NUMBER.sub("", html)
        if "<!--" in html or _UNSEEN.search(html):
            html = _UNSEEN.sub(" ", html)
        html = _TAG.sub("", _BREAK.sub(" ", html))
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
    """Whether the text before leaves a quotation's table or a figure open."""
    return any(
        html.count(f"<{name}", 0, at) > html.count(f"</{name}>", 0, at) for name in ("table", "figure", "details")
    )
