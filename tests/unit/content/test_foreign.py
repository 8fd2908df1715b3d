"""The HTML of somebody else's entry, as it is mailed."""

from __future__ import annotations

import time

import pytest

from publisher.content.foreign import absolute, foreign_body

BASE = "https://there.test/blog/post/"


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ('<a href="/x">', '<a href="https://there.test/x">'),
        ("<a href='../x?a=1&amp;b=2'>", '<a href="https://there.test/blog/x?a=1&amp;b=2">'),
        ("<a href=x>", '<a href="https://there.test/blog/post/x">'),
        ('<A HREF = "//cdn.test/x">', '<A HREF="https://cdn.test/x">'),
        ('<a href="#note">', '<a href="https://there.test/blog/post/#note">'),
        ('<a href="mailto:a@b.test">', '<a href="mailto:a@b.test">'),
        ('<a href="https://else.test/">', '<a href="https://else.test/">'),
        ('<img alt="a > b" src="p.png">', '<img alt="a > b" src="https://there.test/blog/post/p.png">'),
        ('<a href="http://[">', '<a href="http://[">'),
        ('<a href="//[">', '<a href="">'),
        ('<p class=it\'s><a href="/x">', '<p class=it\'s><a href="https://there.test/x">'),
        ('1 < 2 and href="/x"', '1 < 2 and href="/x"'),
    ],
)
def test_addresses_become_absolute(written: str, made: str) -> None:
    assert absolute(written, BASE) == made


def test_nothing_that_runs_loads_or_counts_is_left() -> None:
    bad = (
        '<script>a()</script><img src="p.gif" width="1" height="1"><a href="javascript:a()" onclick="a()">x</a>'
        '<form><input></form><style>p{}</style><iframe src="https://video.test/1"></iframe><p style="x">Text</p>'
    )
    body = foreign_body(bad, "", BASE)
    assert not any(sign in body.feed_html for sign in ("script", "onclick", "form", "style", "iframe", "p.gif"))
    assert 'href="https://video.test/1"' in body.feed_html
    assert body.summary.endswith("Text") or "Text" in body.summary


def test_a_summary_is_what_the_feed_says_else_how_it_begins() -> None:
    assert foreign_body("<p>Long</p>", "<b>Short</b> &amp; sweet", BASE).summary == "Short & sweet"
    assert foreign_body("<p>First.</p><p>Second.</p>", "", BASE).summary == "First."
    assert foreign_body("", "<p>Only this.</p>", BASE).feed_html == "<p>Only this.</p>"
    assert foreign_body("", "", BASE).summary == ""


def test_signs_that_no_feed_may_hold_are_gone_however_they_are_written() -> None:
    body = foreign_body("<p>a\x00b\x08&#8;c\ufffe\ud800</p>", "\x0b", BASE)
    assert not {"\x00", "\x08", "\ufffe", "\ud800", "\x0b"} & {*body.feed_html, *body.summary}


@pytest.mark.parametrize(
    "html", ["<div>" * 200_000, "<a href='" * 100_000, "<" * 500_000, "<a " + "x='" * 200_000, "&" * 900_000]
)
def test_hostile_html_takes_no_long_time(html: str) -> None:
    begun = time.monotonic()
    foreign_body(html, html[:100_000], BASE)
    assert time.monotonic() - begun < 20
