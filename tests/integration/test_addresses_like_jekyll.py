"""The real Jekyll and we, over one folder of posts whose names go wrong somewhere: every address, byte for byte.

Its plugins for archives of tags and for redirects are not in Debian; tags are compared by the filter they use.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from publisher.feeds.reading import read_feed
from tests.addresses import BASE, NASTY, ZONE, any_words, front, names_of_files, ours, quoted, tag_places
from tests.generators import jekyll
from tests.sites import paths_in, write

if TYPE_CHECKING:
    from pathlib import Path

_LIST = """---
permalink: /list.txt
---
{% for post in site.posts %}{{ post.path }}\t{{ post.url | absolute_url }}
{% endfor %}"""
_TERMS = """---
permalink: /terms.txt
---
{% for tag in site.tags %}{{ tag[0] }}\t/tag/{{ tag[0] | slugify }}/
{% endfor %}"""
_FATAL = frozenset(":?#")  # in a category: an error of Jekyll's, or an address with a query or a fragment


def a_jekyll(folder: Path, pattern: str, more: str = "") -> Path:
    """A site of Jekyll's that lists all of its addresses."""
    site = f"url: https://blog.test\nbaseurl: /sub\ntimezone: {ZONE}\nfuture: true\nplugins: [jekyll-feed]\n"
    write(folder, "_config.yml", f"{site}feed: {{posts_limit: 9999}}\npermalink: {quoted(pattern)}\n{more}")
    write(folder, "list.txt", _LIST)
    write(folder, "terms.txt", _TERMS)
    return folder


def rows(folder: Path, name: str) -> dict[str, str]:
    lines = (folder / f"_site/{name}.txt").read_text("utf-8").split("\n")
    return dict(line.rsplit("\t", 1) for line in lines if "\t" in line)


def built(folder: Path) -> dict[str, str]:
    """Jekyll's addresses of posts by path below its folder of posts; they begin at BASE."""
    jekyll(folder)
    return {path.removeprefix("_posts/"): url.removeprefix(BASE) for path, url in rows(folder, "list").items()}


def nasty_posts(folder: Path) -> None:
    for at, name in enumerate(NASTY):
        write(folder, f"_posts/2024-02-29-{name.replace('?', '')}.md", front(f"T {at}", "---"))
        text = front(name, "---", slug=quoted(name), date="2024-12-31 23:30:05 -0800")
        write(folder, f"_posts/slugs/2024-12-31-{at}.md", text)
        if (_FATAL.isdisjoint(name) or name == "C#") and name == " ".join(name.split()):
            categories = f"[{quoted(name)}, Second One, second ONE]"
            text = front(name, "---", categories=categories, date="2024-01-01 03:04:05")
            write(folder, f"_posts/in/2024-01-01-{at}.md", text)


@pytest.mark.parametrize(
    "pattern",
    [
        *("date", "pretty", "ordinal", "weekdate", "none"),
        "/:slug:output_ext",
        "/:slugified_categories/:title/",
        "/:short_year-:i_month-:i_day/:long_month/:short_month/:w_year/:week/:w_day/:short_day/:title.html",
        "/:long_day/:y_day/:hour:minute:second/:categories/:title",
        "/:collection/:name/",
        "/x/:path",
        "/a b/ü/%20/:title",
    ],
)
def test_posts_live_where_jekyll_puts_them(tmp_path: Path, pattern: str) -> None:
    folder = a_jekyll(tmp_path, pattern)
    nasty_posts(folder)
    theirs = built(folder)
    assert ours(folder, "jekyll", {"": pattern}, "_posts") == theirs
    assert len(theirs) > 2.5 * len(NASTY)
    feed = read_feed((folder / "_site/feed.xml").read_bytes())
    assert {item.url.removeprefix(BASE) for item in feed.items} == set(theirs.values())


def test_the_files_are_where_a_host_looks_for_these_addresses(tmp_path: Path) -> None:
    folder = a_jekyll(tmp_path, "pretty")
    nasty_posts(folder)
    theirs = built(folder)
    written = {unicodedata.normalize("NFKC", path) for path in paths_in(folder / "_site")}  # see content/spelling.py
    assert {f"{unquote(url)}index.html" for url in theirs.values()} <= written


def test_an_address_in_frontmatter_is_left_as_it_is(tmp_path: Path) -> None:
    folder = a_jekyll(tmp_path, "date")
    urls = (
        "/A b/Ü",
        "/x.html",
        "no/slash/",
        "/v1.2/",
        "/a//b",
        "/e/index.html",
        "/%C3%BC/%c3%bd/",
        "/:year/:slug/",
        "/d./x",
    )
    for at, url in enumerate(urls):
        write(folder, f"_posts/2024-01-01-P {at}.md", front("A Title", "---", permalink=quoted(url)))
    assert ours(folder, "jekyll", {"": "date"}, "_posts") == built(folder)


def test_collections_and_folders_above_posts_are_told_apart(tmp_path: Path) -> None:
    """The tokens of a collection; Jekyll reads the folders above _posts as categories."""
    folder = a_jekyll(tmp_path, "/:collection/:categories/:title/", "collections:\n  talks:\n    output: true\n")
    write(folder, "talks.txt", _LIST.replace("site.posts", "site.talks").replace("list", "talks"))
    write(
        folder,
        "_config.yml",
        (folder / "_config.yml").read_text().replace("true\ntalks", "true\n") + "    permalink: /t/:path/\n",
    )
    write(folder, "Far Away/_posts/2024-01-01-One.md", front("One", "---"))
    write(folder, "_posts/in/2024-01-02-Two.md", front("Two", "---"))
    write(folder, "_talks/Deep/Name Here.md", front("Talk", "---", date="2024-01-03"))
    jekyll(folder)
    theirs = {path: url.removeprefix(BASE) for name in ("list", "talks") for path, url in rows(folder, name).items()}
    patterns = {"": "/:collection/:categories/:title/", "talks": "/t/:path/"}
    mine = ours(folder, "jekyll", patterns, ".")
    assert {path: mine[path] for path in theirs} == theirs
    assert len(theirs) == 3


@pytest.mark.parametrize("quotes", ["", '"'], ids=["plain", "quoted"])
def test_a_time_without_a_zone_is_the_one_that_ruby_reads(tmp_path: Path, quotes: str) -> None:
    pattern = "/:year/:month/:day/:hour/:minute/:second/:title/"
    folder = a_jekyll(tmp_path, pattern)
    dates = (
        *("2024-06-01 23:30:00", "2024-06-01T23:30:00", "2024-6-1  23:30:00.25", "2024-06-01 23:30", "2024-06-01"),
        *("2024-06-01T23:30:00Z", "2024-06-01 23:30:00 +0500", "2024-06-01T23:30:00.5+05:00", "1 June 2024 23:30"),
    )
    for at, date in enumerate(dates):
        write(folder, f"_posts/2024-06-01-{at}.md", front("x", "---", date=quotes + date + quotes))
    assert ours(folder, "jekyll", {"": pattern}, "_posts") == built(folder)


def test_tags_are_slugs_of_jekylls(tmp_path: Path) -> None:
    folder = a_jekyll(tmp_path, "date")
    tags = [
        name.strip()
        for name in (*NASTY, *filter(_is_old, any_words()))
        if name.strip() and "  " not in name and name[0] != "#"
    ]
    write(folder, "_posts/2024-01-01-x.md", front("X", "---", tags=f"[{', '.join(map(quoted, tags))}]"))
    jekyll(folder)
    theirs = rows(folder, "terms")
    mine = {name: unquote(place) for name, place in tag_places(theirs, "jekyll", "tag/:name/").items()}
    assert mine == {name: place[1:] if place != "/tag//" else "" for name, place in theirs.items()}


def test_jekyll_and_we_agree_over_any_words(tmp_path: Path) -> None:
    pattern = "/:categories/:title/:slug/:name.html"
    folder = a_jekyll(tmp_path, pattern)
    words = [word for word in any_words() if word.strip() and _is_old(word)]
    for at, word in enumerate(words):
        write(folder, f"_posts/2024-01-01-{at}.md", front("x", "---", slug=quoted(word)))
        if _FATAL.isdisjoint(word) and word == " ".join(word.split()):
            write(folder, f"_posts/2024-01-02-{at}.md", front("x", "---", categories=f"[{quoted(word)}]"))
    for at, name in names_of_files(words):
        write(folder, f"_posts/{at}/2024-01-03-{name}.md", front("x", "---"))
    theirs, mine = built(folder), ours(folder, "jekyll", {"": pattern}, "_posts")
    assert {path: (url, mine[path]) for path, url in theirs.items() if url != mine[path]} == {}


def _is_old(word: str) -> bool:
    """Whether Debian's Addressable, whose Unicode is of 2002, knows each letter and has nothing to compose.

    It composes nothing at all behind a mark that has no letter before it.
    """
    known = all(unicodedata.ucd_3_2_0.category(one) != "Cn" and not unicodedata.combining(one) for one in word)
    return known and unicodedata.normalize("NFKC", word) == word
