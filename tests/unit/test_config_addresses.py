"""What config.toml says of addresses: whose spelling, which patterns, where tags stand."""

from __future__ import annotations

import pytest

from publisher.config import parse
from publisher.errors import ConfigError
from publisher.model.settings import SPELLINGS

SITE = '[site]\ntitle = "T"\nbase_url = "https://x.test/"\n'


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(SITE + text)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_spelling_brings_the_pattern_that_its_program_has_without_one(spelling: str) -> None:
    posts = parse(f'{SITE}[posts]\nspelling = "{spelling}"\n').posts
    own = dict(
        parse(f'{SITE}[posts]\nspelling = "{spelling}"\npermalink = {{ talks = "/t/:slug/" }}\n').posts.permalinks
    )
    assert own == {"": dict(posts.permalinks)[""], "talks": "/t/:slug/"}
    assert dict(parse(f'{SITE}[posts]\nspelling = "{spelling}"\npermalink = "/p/:title/"\n').posts.permalinks) == {
        "": "/p/:title/"
    }


def test_an_unknown_spelling_is_refused_with_those_that_are_known() -> None:
    assert faults('[posts]\nspelling = "hexo"\n') == [
        'spelling in [posts] is to be one of "publisher", "hugo", "jekyll", "zola", "eleventy", "pelican"'
    ]


@pytest.mark.parametrize(
    "path", ["tags/:name/", "/topics/:name.html", "blog/tag/:name", ":name/", "Schlagwörter/:name/"]
)
def test_tags_may_stand_anywhere_below_the_site(path: str) -> None:
    assert parse(f'{SITE}[pages]\ntag_path = "{path}"\n').pages.tag_path == path.lstrip("/")


@pytest.mark.parametrize(
    "path",
    [
        *("tags/", "", "../:name/", "tags/%2e%2e/:name/", "a//:name/", "tags/:name?x", "tags/:name#x", "a\\\\:name/"),
        *("feeds/:name/", "archive/:name/", ".publisher/:name/", "tags/%00/:name/"),
    ],
)
def test_where_no_page_of_a_tag_can_stand_is_refused(path: str) -> None:
    assert all("tag_path in [pages]" in message for message in faults(f'[pages]\ntag_path = "{path}"\n'))


def test_a_feed_is_no_folder_of_tags() -> None:
    feed = '[feeds]\npaths = { rss = "topics" }\n'
    assert faults(f'[pages]\ntag_path = "topics/:name/"\n{feed}') == [
        "topics is the address of a feed ([feeds]) and the folder of tag_path in [pages]"
    ]
    assert not parse(f'{SITE}[pages]\nenabled = false\ntag_path = "topics/:name/"\n{feed}').pages.enabled


def test_names_with_dots_and_slashes_are_reckoned_with_where_a_spelling_keeps_them() -> None:
    text = '[feeds]\nper = ["tag"]\n[feeds.a]\npaths = { rss = "tags/v1.2/x/feed.xml" }\n'
    assert parse(SITE + text).feeds.per == ("tag",)
    assert faults(f'[posts]\nspelling = "hugo"\n{text}') == [
        "tags/:name/feed.xml is the address of two feeds ([feeds.a] and tag_paths in [feeds])"
    ]


@pytest.mark.parametrize("pattern", ["/:2006/:01/:Jan/:slug/", "/:year/:i_month/:title/"])
def test_dates_may_be_written_as_go_does(pattern: str) -> None:
    assert dict(parse(f'{SITE}[posts]\npermalink = "{pattern}"\n').posts.permalinks)[""] == pattern
