from __future__ import annotations

import pytest

from publisher.content.spelling import go_escaped, go_unescaped, hugo_path, jekyll_slug, jekyll_url, pelican_slug, term


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("plain-path_1.2/x~@+#", "plain-path_1.2/x~@+#"),
        ("A  B", "a-b"),
        ("a - b", "a-b"),
        ("a--b", "a--b"),
        (" lead", "lead"),
        ("trail ", "trail"),
        ("it's (so)!", "its-so"),
        ("50% off 5%25", "50-off-5%25"),
        ("İstanbul ΟΔΟΣ", "istanbul-οδοσ"),
        ("a\u2003b\u200bc", "a-bc"),
        ("½²", ""),
    ],
)
def test_what_hugo_keeps(text: str, path: str) -> None:
    assert hugo_path(text) == path


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a/ü b/", "/a/%C3%BC%20b/"),
        ("/%c3%bc/", "/%c3%bc/"),
        ("/%c3%bc/é/", "/%C3%BC/%C3%A9/"),
        ("/c#/", "/c%23/"),
        ("/a\\b'", "/a%5Cb%27"),
        ("/a'b", "/a'b"),
    ],
)
def test_go_encodes_anew_only_what_is_not_valid(path: str, url: str) -> None:
    assert go_escaped(path) == url


def test_a_plus_is_a_space_to_go_and_a_stray_percent_is_the_end() -> None:
    assert (go_unescaped("a+b%20c"), go_unescaped("50% off"), go_unescaped("ü")) == ("a b c", "", "ü")


@pytest.mark.parametrize(
    ("text", "slug", "pretty"),
    [
        ("A b_c.d", "a-b-c-d", "A-b_c.d"),
        ("--a--", "a", "a"),
        ("(x) & y!", "x-y", "(x)-&-y!"),
        ("ÄÖ ١٢", "äö-١٢", "ÄÖ-١٢"),
        ("!?", "", "!"),
        ("İ", "i̇", "İ"),
    ],
)
def test_what_jekyll_keeps(text: str, slug: str, pretty: str) -> None:
    assert jekyll_slug(text) == slug
    assert jekyll_slug(text, pretty=True, cased=True) == pretty


def test_jekylls_links_are_composed_and_encoded_once() -> None:
    assert jekyll_url("/e\u0301/%C3%bc/a b/%2525/ﬁ/") == "/%C3%A9/%C3%BC/a%20b/%2525/fi/"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("<b>A</b> &amp; B", "a-b"),
        ("a - b", "a-b"),
        ("don\u2019t", "dont"),
        ("Größe", "grosse"),
        ("_x_", "_x_"),
        ("?!", ""),
    ],
)
def test_what_pelican_keeps(text: str, slug: str) -> None:
    assert pelican_slug(text) == slug


@pytest.mark.parametrize("spelling", ["hugo", "jekyll", "zola", "eleventy", "pelican"])
@pytest.mark.parametrize("name", ["", "..", "/", "../..", "\0", "x" * 5000, "a/" * 3000, "\ud800"])
def test_what_can_be_no_path_is_no_term(spelling: str, name: str) -> None:
    made = term(name, spelling)
    assert ".." not in made.split("/")
    assert "\0" not in made
    assert all(len(part.encode("utf-8", "replace")) <= 250 for part in made.split("/"))
    assert len(made) <= 1000
