"""Formulas between dollar signs, told from prices.

Pandoc's rule for ``$x$`` (no space inside the signs, no digit after the closing one), made stricter by
GitHub's (no letter or digit next to the signs outside), and a span that begins with a digit and holds words
but no sign of mathematics is money. ``$$…$$`` may span lines but no empty one.
"""

from __future__ import annotations

import re

from publisher.content.standins import Form, Mark

_FORMULA = re.compile(
    r"\$(?<!\\\$)(?<!\$\$)\$(?!\$)(?P<display>(?:[^$\n`]|\n(?![ \t>]*\n))+)\$\$(?!\$)"
    r"|\$(?<![\w\\$]\$)(?![\s$])(?P<inline>[^$\n`]*[^$\s\\`])\$(?![\w$])"
    r"|\$"
)
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
