from __future__ import annotations

import pytest

from publisher.content.headings import first_heading, plain_text, words_of


@pytest.mark.parametrize(
    ("body", "text", "leads"),
    [
        ("# One\n\nText", "One", True),
        ("\n\n## Two ##\nText", "Two", True),
        ("Text\n\n### Three {#id .class}\n", "Three", False),
        ("Over\ntwo lines\n===\n", "Over two lines", True),
        ("Text\n\nUnder\n---\n", "Under", False),
        ("Text right above\n# Four\n", "Four", False),
        ("```\n# code\n```\n# Five", "Five", False),
        ("~~~ py\n```\n# code\n~~~~\n# Six", "Six", False),
        ("    # code\n\n# Seven", "Seven", False),
        ("<!-- a\n# comment\n-->\n# Eight", "Eight", False),
        ("- item\nlazy\n---\n\n# Nine", "Nine", False),
        ("---\n---\n# Ten", "Ten", False),
        ("#\n# Eleven", "Eleven", True),
    ],
)
def test_the_first_heading_outside_code_is_found(body: str, text: str, leads: bool) -> None:
    heading = first_heading(body)
    assert heading is not None
    assert (heading.text, heading.leads) == (text, leads)


@pytest.mark.parametrize(
    "body", ["", "Text only", "#tag", "```\n# never closed", "| a |\n|---|\n", "# " + "x" * 10_000]
)
def test_what_is_no_heading_is_none(body: str) -> None:
    assert first_heading(body) is None


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("The `code_of *x*` and *it*", "The code_of *x* and it"),
        ("**bold *and* italic** ~~gone~~", "bold and italic gone"),
        ("[a link](https://example.org) ![a picture](x.png)", "a link a picture"),
        ("[[Page|shown]] and [[Other]]", "shown and Other"),
        ("AT&amp;T \\*stars\\* 2 * 3 * 4", "AT&T *stars* 2 * 3 * 4"),
        ("snake_case_name and _this_", "snake_case_name and this"),
        ("A <em>tag</em>, a note[^1]", "A tag, a note"),
        ("`a` `` b`c `` d", "a b`c d"),
    ],
)
def test_inline_markdown_becomes_plain_text(markdown: str, text: str) -> None:
    assert plain_text(markdown) == text


@pytest.mark.parametrize(
    ("name", "title"), [("hello-big_world", "Hello big world"), ("iPhone-notes", "iPhone notes"), ("", "")]
)
def test_a_files_name_gives_words(name: str, title: str) -> None:
    assert words_of(name) == title
