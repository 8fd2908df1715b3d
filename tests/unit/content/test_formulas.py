"""Formulas and prices."""

from __future__ import annotations

import pytest

from tests.bodies import rendered


@pytest.mark.parametrize(
    "text",
    [
        "$5 and $10",
        "US$5, CA$6",
        "$3-$4",
        "$HOME/$USER",
        "from $5 (or 6$) on",
        "cost$5$",
        "a $ b $ c",
        "$x",
        "\\$a$",
        "100$",
    ],
)
def test_money_and_variables_stay_text(text: str) -> None:
    assert rendered(text).body.html == f"<p>{text}</p>\n".replace("\\", "")


@pytest.mark.parametrize("formula", ["x", "2x+1", "x_1 * x_2", "\\frac{a}{b}", "[[1, 2]]", "n{{i}}"])
def test_a_formula_is_code_of_the_language_math(formula: str) -> None:
    html = rendered(f"Costs $5, so ${formula}$ holds.").body.html
    assert html == f'<p>Costs $5, so <code class="language-math">{formula}</code> holds.</p>\n'


def test_a_displayed_formula_is_a_block() -> None:
    html = rendered("$$\na < b\n$$").body.html
    assert html == '<pre><code class="language-math">a &lt; b\n</code></pre>\n'


def test_dollars_in_code_are_left_alone() -> None:
    assert "<code>$a</code> <code>$b$</code>" in rendered("$x$ costs $5: `$a` `$b$`").body.html
