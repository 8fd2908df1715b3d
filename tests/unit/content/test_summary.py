"""A post in a few words."""

from __future__ import annotations

import pytest

from publisher.content.summary import LONGEST, plain_text, shortened
from tests.bodies import rendered


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        ("Plain *words* &amp; `code`.\n\nMore.", "Plain words & code."),
        ("# Title\n\n![alt](pic.png)\n\n```\ncode\n```\n\n| a |\n|---|\n\nWords at last.", "Words at last."),
        ("Line\nbreaks  \nand <br>tags", "Line breaks and tags"),
        ("A claim[^1].\n\n[^1]: Why.", "A claim."),
        ("- one\n- two", "one two"),
        ("<div>Only raw</div>", "Only raw"),
        ("<script>x</script><p>After.</p>", "After."),
        ("<!-- a comment --><p>After.", "After."),
        ("<figure><img src=a><figcaption><p>No.</p></figcaption></figure>\n\nYes.", "Yes."),
        ("", ""),
        ("![](pic.png)", ""),
        ("```\ncode\n```", ""),
    ],
)
def test_a_summary_is_how_the_post_begins(body: str, summary: str) -> None:
    assert rendered(body).body.summary == summary


def test_the_authors_description_comes_first_and_is_never_cut() -> None:
    assert rendered("Body.", description=" Said\n so. ").body.summary == "Said so."
    assert len(rendered("Body.", description="word " * 200).body.summary) > LONGEST


def test_a_long_summary_is_cut_between_words() -> None:
    cut = shortened("word, " * 100)
    assert len(cut) <= LONGEST
    assert cut.endswith("word…")
    assert len(shortened("x" * 1_000)) == LONGEST
    assert shortened("short") == "short"


def test_plain_text_keeps_words_of_cells_and_lines_apart() -> None:
    assert plain_text("<tr><td>a</td><td>b</td></tr>x<br/>y&nbsp;z<b>w</b>") == "a b x y zw"
