"""Where pages live, and which addresses are refused."""

from __future__ import annotations

import pytest

from publisher.pages import paths

BASE = "https://example.com/blog/"


@pytest.mark.parametrize(
    ("place", "file"),
    [
        ("", "index.html"),
        ("posts/x/", "posts/x/index.html"),
        ("posts/x.html", "posts/x.html"),
        ("posts/x.HTM", "posts/x.HTM"),
        ("about", "about.html"),
        ("posts/v1.2", "posts/v1.2.html"),
        ("posts/node.js", "posts/node.js.html"),
        ("old.php", "old.php.html"),
        ("caf%C3%A9/", "café/index.html"),
        ("tags/c%2B%2B/", "tags/c++/index.html"),
        ("a%20b", "a b.html"),
        (".well-known/x/", ".well-known/x/index.html"),
    ],
)
def test_a_page_is_written_where_a_static_host_looks_for_it(place: str, file: str) -> None:
    assert paths.output_path(BASE + place, BASE) == file


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "https://elsewhere.example/blog/x/",
        BASE + "../x/",
        BASE + "a/%2e%2e/%2e%2e/x",
        BASE + "a/..",
        BASE + "./x",
        BASE + "%2Fetc/passwd",
        BASE + "a%2f..%2fb/",
        BASE + "/x/",
        BASE + "a//b/",
        BASE + "a%00b/",
        BASE + "a%0Ab/",
        BASE + "a%5Cb/",
        BASE + "a\\b/",
        BASE + "%FF/",
        BASE + "?p=1",
        BASE + "x/#part",
        BASE + "n" * 256 + "/",
        BASE + "n" * 252,
        BASE + "\ud800/",
    ],
)
def test_an_address_that_is_no_file_of_ours_is_refused(url: str) -> None:
    assert paths.output_path(url, BASE) is None


def test_a_name_may_be_as_long_as_file_systems_allow() -> None:
    assert paths.output_path(BASE + "n" * 250, BASE) == "n" * 250 + ".html"
    assert paths.output_path(BASE + "%C3%A9" * 127 + "/", BASE) is not None
    assert paths.output_path(BASE + "%C3%A9" * 128 + "/", BASE) is None


@pytest.mark.parametrize(
    ("place", "way"),
    [("", "./"), ("about", "./"), ("posts/x/", "../../"), ("posts/x", "../"), ("404.html", "./")],
)
def test_the_way_home_depends_on_depth_alone(place: str, way: str) -> None:
    assert paths.root(BASE + place, BASE) == way


def test_links_are_relative_below_base_url_and_whole_elsewhere() -> None:
    assert paths.link(BASE + "posts/y/", BASE, "../../") == "../../posts/y/"
    assert paths.link("https://elsewhere.example/", BASE, "../../") == "https://elsewhere.example/"
    assert paths.root("https://elsewhere.example/x/", BASE) == BASE


def test_a_first_segment_with_a_colon_is_no_scheme() -> None:
    assert paths.link(BASE + "javascript:x/", BASE, paths.root(BASE, BASE)) == "./javascript:x/"


@pytest.mark.parametrize("name", ["c++", "a/b", "..", ".", "", "\x00", "naïve café", "?", "#", "a:b", "日本"])
def test_every_tag_and_feed_gets_a_place_that_can_be_written(name: str) -> None:
    for place in (paths.tag(name), paths.feed(f"tag:{name}"), paths.feed(f"feed:{name}")):
        assert paths.output_path(BASE + place, BASE) is not None


def test_places_read_well() -> None:
    assert paths.archive(2018) == "archive/2018/"
    assert paths.tag("conference") == "tags/conference/"
    assert paths.tag("a b/c++", "topics/:name.html", "+") == "topics/a%20b/c++.html"
    assert [paths.tags(one) for one in ("tags/:name/", "blog/tag/:name.html", ":name/", "x-:name/")] == [
        *("tags/", "blog/tag/", "tags/", "tags/")
    ]
    assert paths.feed("tag:a/b") == "feeds/tag/a/b/"
    assert paths.feed("main") == "feeds/main/"
    assert paths.feed("tag:conference") == "feeds/tag/conference/"
    assert paths.base_path("https://example.com/") == "/"
    assert paths.base_path(BASE) == "/blog/"
