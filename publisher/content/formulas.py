r"""Formulas between dollar signs, told from prices, and between the brackets of LaTeX.

Pandoc's rule for ``$x$`` (no space inside the signs, no digit after the closing one), made stricter by
GitHub's (no letter or digit next to the signs outside), and a span that begins with a digit and holds words
but no sign of mathematics is money. ``$$…$$`` may span lines but no empty one. ``\\(x\\)`` and ``\\[x\\]``, as
authors escape them for MathJax, are formulas; with one backslash only if a sign of mathematics is inside.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from publisher.content.standins import Form, Mark

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMULA = re.compile(
    r"\$(?<!\\\$)(?<!\$\$)\$(?!\$)(?P<display>(?:[^$\n`]|\n(?![ \t>]*\n))+)\$\$(?!\$)"
    r"|\$(?<![\w\\$]\$)(?![\s$])(?P<inline>[^$\n`]*[^$\s\\`])\$(?![\w$])"
    r"|\$"
)
_BRACKET = re.compile(r"\\(?<!\\\\)\\?([()\[\]])")
_CLOSES = {"(": ")", "[": "]"}
_SIGN = re.compile(r"[\\^_=]")
_MATHEMATICS = re.compile(r"[\\^_=+*/<>{}|]")
_TEMPLATE = re.compile(r"\{\{[<%]|[>%]\}\}|\{%|%\}")  # shortcodes are no formula, whatever stands around them
_MONEY = re.compile(r"[\d.,]+\S*\s")


def formulas(text: str) -> tuple[tuple[tuple[int, int], ...], tuple[Mark, ...]]:
    """Where formulas stand, and marks for the dollar signs that are none of theirs."""
    spans: list[tuple[int, int]] = []
    signs: list[Mark] = []
    position = 0
    while found := _FORMULA.search(text, position):
        position = found.end()
        inline = found["inline"]
        formula = inline or found["display"]
        if not formula or (inline and _is_money(inline)) or _TEMPLATE.search(formula):
            position = found.start() + 1
            signs.append(Mark(found.start(), position, Form(inline="$", attribute="$"), "$"))
        else:
            spans.append((found.start(), found.end()))
    return tuple(spans), tuple(signs) if spans else ()


def _is_money(text: str) -> bool:
    return bool(_MONEY.match(text)) and not _MATHEMATICS.search(text)


def bracketed_formulas(text: str) -> Iterator[Mark]:
    """Marks for the formulas between LaTeX's brackets; linear, a bracket pairs with the nearest."""
    opened: re.Match[str] | None = None
    for one in _BRACKET.finditer(text):
        if one[1] in _CLOSES:
            opened = one
        elif opened and _CLOSES[opened[1]] == one[1] and len(opened[0]) == len(one[0]):
            inside = text[opened.end() : one.start()]
            if "\n\n" not in inside and (len(one[0]) > len("\\)") or (_SIGN.search(inside) and "](" not in inside)):
                yield Mark(
                    opened.start(), one.end(), _code(inside, display=one[1] == "]"), text[opened.start() : one.end()]
                )
            opened = None


def _code(formula: str, *, display: bool) -> Form:
    shown = escape(formula.strip(), quote=False)
    inline = f'<code class="language-math">{shown}</code>'
    return Form(f"<pre>{inline}</pre>\n" if display else "", inline=inline, attribute=escape(formula.strip()))
