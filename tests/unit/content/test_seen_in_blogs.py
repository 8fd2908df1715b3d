"""One case for each thing that bodies of real blogs taught, in words of our own."""

from __future__ import annotations

import pytest

from tests.bodies import rendered


def html(body: str, path: str = "notes/today.md") -> str:
    return rendered(body, path).body.feed_html


def told(body: str, path: str = "notes/today.md") -> list[str]:
    return [problem.message for problem in rendered(body, path).problems]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            "See [[other]]: it says more.",
            '<p>See <a href="https://example.com/notes/other/">other</a>: it says more.</p>\n',
        ),
        ("[[other|That]]: https://example.org", '<p><a href="https://example.com/notes/other/">That</a>: '),
        ("[[toc]]\n\nText.", "<p>Text.</p>\n"),
        ("At [[http://example.org/a\\_b]].", '<p>At <a href="http://example.org/a_b">http://example.org/a_b</a>.</p>'),
    ],
)
def test_wikilinks_before_a_colon_to_contents_and_to_the_web(body: str, shown: str) -> None:
    assert html(body).startswith(shown)
    assert told(body) == []
