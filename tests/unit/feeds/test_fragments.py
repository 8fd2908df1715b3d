"""Entries as pieces of feeds: what readers could misread, and posts that lack something."""

from __future__ import annotations

import pytest

from publisher.feeds.fragments import fragment
from publisher.feeds.frames import frame
from publisher.model.entry import Author
from publisher.model.feed import Format
from tests.builders import a_feed, an_item


@pytest.mark.parametrize("title", ["A Rc<Vec<T>> for all", "Where &nbsp; goes", "Say </del> no more"])
def test_a_title_that_looks_like_html_says_in_atom_what_it_is(title: str) -> None:
    twice = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("&", "&amp;")
    assert f'<title type="html">{twice}</title>' in fragment(an_item(title=title), Format.ATOM, full=True)


@pytest.mark.parametrize("title", ["Salt & pepper", "1 < 2", "Plain"])
def test_a_title_that_nobody_takes_for_html_stays_plain_text_in_atom(title: str) -> None:
    escaped = title.replace("&", "&amp;").replace("<", "&lt;")
    assert f"<title>{escaped}</title>" in fragment(an_item(title=title), Format.ATOM, full=True)


def test_a_post_of_one_picture_is_its_own_description_in_rss() -> None:
    made = fragment(an_item(html='<img src="https://example.com/a.png" />', summary=""), Format.RSS, full=True)
    assert '<description><![CDATA[<img src="https://example.com/a.png" />]]></description>' in made
    assert "content:encoded" not in made


@pytest.mark.parametrize("wanted", [Format.RSS, Format.ATOM])
def test_an_empty_post_has_no_empty_content(wanted: Format) -> None:
    made = fragment(an_item(html="", summary=""), wanted, full=True)
    assert "content" not in made
    assert "description" not in made
    assert ("<summary>Hello</summary>" in made) is (wanted is Format.ATOM)


def test_an_atom_feed_of_a_site_without_author_goes_by_its_title() -> None:
    assert "<name>Field Notebook</name>" in frame(a_feed(), Format.ATOM).head
    named = frame(a_feed(authors=(Author("Robin"),)), Format.ATOM).head
    assert "<name>Robin</name>" in named
    assert "<name>Field Notebook</name>" not in named
