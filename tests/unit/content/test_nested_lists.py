"""Lists with one star a level."""

from __future__ import annotations

import pytest

from publisher.content.markdown import to_html
from publisher.content.nested_lists import nest_lists

WRITEUP = """I went, and here is what I saw.

* Computing
** Processors: good for many things (~45%)
** Cards with *eight* units

* Storage:
** Tiering

* Transfer. Needs an agent.


* Learning
Three layers, from top to bottom
** Services
** Frameworks

** Labels, after an empty line; see **bold** there
*** by people
* Kafka
"""


def test_a_writeup_in_stars_is_lists_with_no_star_left() -> None:
    html = to_html(nest_lists(WRITEUP), formulas=False)
    assert (html.count("<ul>"), html.count("<li>"), html.count("*")) == (5, 12, 0)


@pytest.mark.parametrize(
    ("text", "nested"),
    [
        ("* a\n** b", "* a\n  * b"),
        ("* a\n*** b\n** c", "* a\n  * b\n  * c"),
        ("*   a\n** b", "*   a\n    * b"),
        ("* a\n\n** b\n\n\n** c", "* a\n\n  * b\n\n\n  * c"),
        ("* a\n  more\n** b\n   more\n*** c", "* a\n  more\n  * b\n   more\n    * c"),
    ],
)
def test_starred_lines_below_a_list_are_indented(text: str, nested: str) -> None:
    assert nest_lists(text) == nested


@pytest.mark.parametrize(
    "text",
    [
        "** a",
        "* a\n**bold** words",
        "* a\n** bold **",
        "* a\n\nA paragraph.\n** b",
        "* a\n# Heading\n** b",
        "* a\n***\n",
        "* a\n* * *\n** b",
        "- a\n** b",
        "* a\n\n```\n** b\n```",
        "* a\n\n      ** b",
        "* a `x\n** b` c",
        "<pre>\n* a\n** b\n</pre>",
        "<!--\n* a\n** b\n-->",
    ],
)
def test_other_lines_are_left_alone(text: str) -> None:
    assert nest_lists(text) == text
