"""Whatever a post or a tag is called, by every spelling: its page is a file inside the output, or there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.content.permalinks import Facts, address_fault, permalink, written
from publisher.content.posts import read_post
from publisher.content.spelling import term
from publisher.flows.feed_plan import tag_place
from publisher.flows.former import alias_url, files_at
from publisher.model.settings import DEFAULT_PERMALINKS, SPELLINGS, PagesSettings, PostsSettings
from publisher.pages import paths
from tests.builders import some_settings

BASE = "https://blog.test/sub/"
_PARTS = st.sampled_from(
    [
        "..",
        ".",
        "/",
        "\\",
        "%2e%2e",
        "%2f",
        "%00",
        "%",
        "\0",
        "\x1f",
        "\ud800",
        "…",
        "ü",
        "x" * 300,
        "a",
        " ",
        "#",
        "?",
        ":",
    ]
)
_TEXTS = st.one_of(st.text(max_size=40), st.lists(_PARTS, max_size=8).map("".join))
_TOKENS = (
    ":slug",
    ":title",
    ":path",
    ":filename",
    ":name",
    ":sections",
    ":categories",
    ":slugorcontentbasename",
    ":2006",
)
_PATTERNS = st.lists(st.sampled_from([*_TOKENS, "/", "x", ".html", "a b", "%2e", "+"]), min_size=1, max_size=6).map(
    "".join
)
_PAGE = st.sampled_from(("tags/:name/", ":name/", "t/:name.html", "t-:name", "Ü b/:name/"))


@st.composite
def some_facts(draw: st.DrawFn) -> Facts:
    name = draw(_TEXTS) or "x"
    return Facts(
        published=datetime(2024, 2, 29, 23, 30, tzinfo=UTC),
        zone=ZoneInfo("America/New_York"),
        title=draw(_TEXTS) or "T",
        slug="own",  # made by our own rules, and so harmless (test_no_bytes_break_reading.py)
        name=name,
        stem=name,
        chosen_slug="",
        name_dated=draw(st.booleans()),
        folders=tuple(draw(st.lists(_TEXTS, max_size=3))),
        categories=tuple(draw(st.lists(_TEXTS, max_size=3))),
        file="/".join(draw(st.lists(_TEXTS, min_size=1, max_size=3))),
        written_title=draw(_TEXTS),
        written_slug=draw(_TEXTS),
    )


def stands_inside(path: str) -> bool:
    names = path.split("/")
    harmless = all(
        name not in {"", ".", ".."} and not any(letter < " " or letter == "\\" for letter in name) for name in names
    )
    return harmless and all(len(name.encode()) <= 255 for name in names)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(facts=some_facts(), pattern=_PATTERNS)
def test_a_post_has_a_page_inside(spelling: str, facts: Facts, pattern: str) -> None:
    for one in (pattern, f"/{pattern}/", DEFAULT_PERMALINKS[spelling]):
        url = permalink(one, BASE, facts, spelling)
        assert url.startswith(BASE)
        assert url.isascii()
        path = paths.output_path(url, BASE)
        if spelling != "publisher":  # where a literal pattern alone may be the front page
            assert url != BASE
            assert path is not None, url
        assert path is None or stands_inside(path)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(facts=some_facts(), path=_TEXTS)
def test_an_address_in_frontmatter_leads_inside_or_is_refused(spelling: str, facts: Facts, path: str) -> None:
    if not address_fault(path):
        url = written(path, BASE, facts, spelling)
        found = paths.output_path(url, BASE)
        assert url.startswith(BASE)
        assert url.isascii()
        assert found is None or stands_inside(found)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(name=_TEXTS, pattern=_PAGE)
@example(name="a/../../b", pattern="tags/:name/")
@example(name="/".join("x" * 1000), pattern="tags/:name/")
def test_a_tag_has_a_page_inside_or_none(spelling: str, name: str, pattern: str) -> None:
    settings = replace(some_settings(), pages=PagesSettings(tag_path=pattern), posts=PostsSettings(spelling=spelling))
    slug = term(name, spelling)
    place = tag_place(slug, settings)
    assert bool(place) == bool(slug)
    assert place.isascii()
    if place:
        path = paths.output_path(BASE + place, BASE)
        assert path is not None, place
        assert stands_inside(path)
        assert len(path) < 4000


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(alias=_TEXTS)
def test_a_former_address_has_files_inside(spelling: str, alias: str) -> None:
    if alias:
        for _, path in files_at(alias_url(alias, f"{BASE}posts/x/", BASE, spelling), BASE):
            assert stands_inside(path)


@pytest.mark.parametrize("spelling", SPELLINGS)
@given(title=st.text(max_size=30), slug=_TEXTS)
def test_no_words_break_the_reading_of_a_post(spelling: str, title: str, slug: str) -> None:
    settings = replace(
        some_settings(base_url=BASE),
        posts=PostsSettings(permalinks=(("", DEFAULT_PERMALINKS[spelling]),), spelling=spelling),
    )
    front = f"---\ntitle: {title}\nslug: {slug}\ndate: 2024-01-01\n---\nx\n"
    reading = read_post("posts/x.md", front.encode("utf-8", "replace"), settings)
    assert reading.source is None or reading.source.post.permalink.startswith(BASE)
