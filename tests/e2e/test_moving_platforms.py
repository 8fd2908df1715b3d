"""Feeds of hosted platforms and of nobody's making are adopted as they are, whatever stands in them."""

from __future__ import annotations

import json
import tomllib
from html import escape
from typing import TYPE_CHECKING

import pytest

from tests.answering import Answering
from tests.sites import a_post, run, write

if TYPE_CHECKING:
    from pathlib import Path

DAY = "Mon, 05 Feb 2024 10:00:00 +0000"


def an_item(guid: str, link: str, title: str = "A title", date: str = DAY) -> str:
    parts = {"title": title, "link": link, "guid": guid, "pubDate": date}
    return f"<item>{''.join(f'<{key}>{escape(text)}</{key}>' for key, text in parts.items() if text)}</item>"


def rss(*items: str, home: str = "https://x.test/", at: str = "", title: str = "Blog") -> str:
    own = f'<atom:link rel="self" href="{escape(at)}"/>' if at else ""
    space = 'xmlns:atom="http://www.w3.org/2005/Atom"'
    head = f"<title>{escape(title)}</title><link>{escape(home)}</link>{own}"
    return f'<rss version="2.0" {space}><channel>{head}{"".join(items)}</channel></rss>'


def adopted(tmp_path: Path, feed: str) -> tuple[dict[str, dict[str, object]], dict[str, dict[str, str]]]:
    """config.toml and the posts of ids.toml, after a publish that keeps both."""
    write(tmp_path, "old.xml", feed)
    done = run(tmp_path, "init", "new", "--from=old.xml")
    assert done.code == 0, done
    assert run(tmp_path / "new", "publish").code == 0
    ids = tomllib.loads((tmp_path / "new" / "ids.toml").read_text("utf-8"))
    return tomllib.loads((tmp_path / "new" / "config.toml").read_text("utf-8")), ids.get("posts", {})


@pytest.mark.parametrize(
    ("home", "at", "base", "path"),
    [
        ("https://x.test", "https://x.test/feed/", "https://x.test/", "feed/index.xml"),  # WordPress
        ("https://x.test/blog", "https://x.test/blog/feed/", "https://x.test/blog/", "feed/index.xml"),
        ("https://x.test/", "https://x.test/rss/", "https://x.test/", "rss/index.xml"),  # Ghost
        ("https://x.test/", "https://x.test/feed", "https://x.test/", "feed"),  # Substack
        ("https://x.test/", "https://www.x.test/atom.xml", "https://x.test/", "atom.xml"),  # Hexo
        ("https://m.test/@r?source=rss-1", "https://m.test/@r/feed", "https://m.test/@r/", "feed"),  # Medium
        ("https://x.test/", "https://feeds.burner.test/robin", "https://x.test/", "feed.xml"),  # FeedBurner
        ("https://x.test/index.html", "", "https://x.test/", "feed.xml"),
    ],
)
def test_a_platforms_site_and_feed_stand_where_they_did(
    tmp_path: Path, home: str, at: str, base: str, path: str
) -> None:
    config, ids = adopted(tmp_path, rss(an_item("https://x.test/?p=1&a=b", f"{base}one/"), home=home, at=at))
    assert (config["site"]["base_url"], config["feeds"]["paths"]["rss"]) == (base, path)  # type: ignore[index]  # a table
    assert [one["id"] for one in ids.values()] == ["https://x.test/?p=1&a=b"]


@pytest.mark.parametrize(
    "text",
    [
        "quotes \" ' \"\"\" ''' and \\ backslashes",
        "]\n[mail]\nfrom = 'x' # $(rm -rf ~) `id`",
        "\x08bell \x1b[31m red",
        "a" * 100_000,
        "{{ x }} {% y %} %s <script>alert(1)</script>",
    ],
)
def test_no_text_of_a_feed_breaks_a_file_of_ours(tmp_path: Path, text: str) -> None:
    config, ids = adopted(tmp_path, rss(an_item(text, "https://x.test/a/", text), title=text))
    assert "from" not in config["mail"]
    assert len(ids) == 1
    assert run(tmp_path, "init", "more", "--from=old.xml", "--json").code == 0


def test_guids_that_are_numbers_repeated_or_missing_are_kept_as_far_as_they_tell_entries_apart(tmp_path: Path) -> None:
    items = (
        an_item("7", "https://x.test/7/"),
        an_item("7", "https://x.test/8/"),
        an_item("", "https://x.test/9/", "", ""),
        an_item("", "", "neither guid nor link"),
        an_item("10", "", "", ""),
    )
    _, ids = adopted(tmp_path, rss(*items))
    assert sorted(one["id"] for one in ids.values()) == ["10", "7", "https://x.test/9/"]


def test_a_page_of_wordpress_names_its_feed_its_comments_and_itself(tmp_path: Path) -> None:
    page = """<html><link rel="alternate" type="application/rss+xml" href="/feed/">
    <link rel="alternate" type="application/rss+xml" href="/comments/feed/">
    <link rel="alternate" type="application/json" href="/wp-json/1"></html>"""
    answers = {
        "/": page.encode(),
        "/feed/": rss(an_item("1", "https://x.test/1/"), at="https://x.test/feed/").encode(),
        "/comments/feed/": rss(an_item("c", "https://x.test/1/#c")).encode(),
        "/wp-json/1": b'{"id": 1}',
    }
    with Answering(answers) as server:
        done = run(tmp_path, "init", "new", "--from", server.url, "--json")
    assert done.code == 0, done
    assert [(one["path"], one["entries"]) for one in json.loads(done.out)["feeds"]] == [("feed/", 1)]


def jekyll(folder: Path, **posts: str) -> Path:
    """A checkout that was never built."""
    write(folder, "_config.yml", "title: T\nurl: https://x.test\npermalink: /:title/\ntimezone: UTC\n")
    for name, date in posts.items():
        write(folder, f"_posts/{date}-{name}.md", a_post(name.capitalize(), date=date))
    return folder


def test_pages_in_a_feed_take_no_post_its_place_and_an_older_one_stays_out(tmp_path: Path) -> None:
    jekyll(tmp_path, old="2020-01-01", one="2024-01-01", two="2024-01-02")
    dates = {"one": "Mon, 01 Jan 2024 00:00:00 Z", "two": "Tue, 02 Jan 2024 00:00:00 Z", "about": DAY}
    items = (an_item(f"tag:{n}", f"https://x.test/{n}/", n.capitalize(), date) for n, date in dates.items())
    write(tmp_path, "feed.xml", rss(*items))
    for name, places in (("in", (".", "feed.xml")), ("turned", ("feed.xml", str(tmp_path)))):
        done = run(tmp_path, "init", name, *(f"--from={place}" for place in places))
        assert done.code == 0, done
        config = tomllib.loads((tmp_path / name / "config.toml").read_text("utf-8"))
        assert (config["feeds"]["limit"], config["posts"]["dir"]) == (2, "../_posts")
    assert (tmp_path / "in" / "ids.toml").read_bytes() == (tmp_path / "turned" / "ids.toml").read_bytes()


def test_a_post_written_since_does_not_make_the_feed_short_for_ever(tmp_path: Path) -> None:
    jekyll(tmp_path, one="2024-01-01", two="2024-05-02")
    write(tmp_path, "feed.xml", rss(an_item("tag:1", "https://x.test/one/", "One", "Mon, 01 Jan 2024 00:00:00 Z")))
    done = run(tmp_path, "init", "new", "--from=.", "--from=feed.xml")
    assert done.code == 0, done
    assert tomllib.loads((tmp_path / "new" / "config.toml").read_text("utf-8"))["feeds"]["limit"] != 1


def test_a_checkout_that_was_never_built_and_names_too_long_for_a_disk_are_refused_in_words(tmp_path: Path) -> None:
    jekyll(tmp_path / "old", one="2024-01-01")
    write(tmp_path, "feed.xml", rss())
    long = "x" * 300
    for words, arguments in (
        ("no feed was found", ("new", "--from=old")),
        ("File name too long", ("new", f"--from={long}")),
        ("File name too long", (long, "--from=feed.xml")),
        ("File name too long", (long,)),
        ("is no file", ("new", "--from=")),
    ):
        done = run(tmp_path, "init", *arguments)
        assert done.code in {1, 2, 3}, done
        assert words in done.err
        assert "could not be told" not in done.err
