"""Titles and descriptions lose what formats them and keep what they say."""

from __future__ import annotations

import pytest

from publisher.content.wording import plain_description, plain_title


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Never stop <del>learning</del> asking", "Never stop learning asking"),
        ("The <a href='/x'><em>best</em></a> of days", "The best of days"),
        ("One<br />Two", "One Two"),
        ("What&#8217;s new &amp; what&rsquo;s not", "What\u2019s new & what\u2019s not"),
        ("An Rc<Vec<T>> of my own", "An Rc<Vec<T>> of my own"),
        ("The <details> element", "The <details> element"),
        ("Where &nbsp; and &lt; go", "Where &nbsp; and &lt; go"),
        ("R&D in *bold*", "R&D in *bold*"),
    ],
)
def test_a_title_is_said_without_its_formatting(written: str, said: str) -> None:
    assert plain_title(written) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("See [the talk](https://example.com/a_b) by **Robin**.", "See the talk by Robin."),
        ("It is <strong>bold</strong>, and [linked](/x).", "It is bold, and linked."),
        ("snake_case and *stars* stay", "snake_case and *stars* stay"),
    ],
)
def test_a_description_is_said_without_links_and_tags(written: str, said: str) -> None:
    assert plain_description(written) == said


def test_a_long_description_of_brackets_takes_no_time() -> None:
    assert plain_description("<b>" * 20_000 + "](" * 20_000)
