from __future__ import annotations

import pytest

from publisher.flows.former import alias_url, files_at

BASE = "https://blog.test/sub/"
PAGE = f"{BASE}posts/page/"


@pytest.mark.parametrize(
    ("spelling", "alias", "place"),
    [
        ("publisher", "a name", ""),
        ("publisher", "old.html", "old.html"),
        ("publisher", "/old", "old"),
        ("publisher", "../old/", "posts/old/"),
        ("hugo", "old", "posts/old/"),
        ("hugo", "old/older", "posts/old/older/"),
        ("hugo", "../old", "old/"),
        ("hugo", "/de/old", "de/old/"),
        ("hugo", "/old.html", "old.html"),
        ("hugo", "/old.php", "old.php/"),
        ("hugo", "/a//b/./c/../d/", "a/b/d/"),
        ("hugo", "../../../../etc/passwd", "etc/passwd/"),
        ("hugo", "/", ""),
        ("hugo", "a:b", "posts/a:b/"),
        ("jekyll", "old", "old"),
        ("jekyll", "/old/", "old/"),
        ("jekyll", "//old", "old"),
        ("zola", "old/page.html", "old/page.html"),
        ("eleventy", "old", ""),
    ],
)
def test_an_alias_means_what_its_dialect_says(spelling: str, alias: str, place: str) -> None:
    assert alias_url(alias, PAGE, BASE, spelling) == (BASE + place if place else "")


def test_where_hugo_writes_files_a_former_address_is_a_file() -> None:
    page = f"{BASE}posts/page.html"
    assert alias_url("old", page, BASE, "hugo") == f"{BASE}posts/old.html"
    assert alias_url("/old.html", page, BASE, "hugo") == f"{BASE}old.html"


@pytest.mark.parametrize(
    ("place", "files"),
    [
        ("old/", [("old/", "old/index.html")]),
        ("old.html", [("old.html", "old.html")]),
        ("old", [("old", "old.html"), ("old/", "old/index.html")]),
        ("old.php", [("old.php", "old.php.html"), ("old.php/", "old.php/index.html")]),
        ("%C3%BC%20b/", [("%C3%BC%20b/", "ü b/index.html")]),
        ("ü b/", [("ü b/", "ü b/index.html")]),
        ("100%/", [("100%/", "100%/index.html")]),
        ("a/../../b", []),
        ("%2e%2e/b", []),
        ("a%2Fb/", []),
        ("a%00/", []),
        ("a?b=c", []),
        ("x" * 300, []),
    ],
)
def test_a_former_address_is_answered_with_a_slash_and_without(place: str, files: list[tuple[str, str]]) -> None:
    assert list(files_at(BASE + place, BASE)) == files


def test_an_address_elsewhere_has_no_file() -> None:
    assert list(files_at("tag:blog.test,2020:1", BASE)) == []
