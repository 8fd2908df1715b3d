"""Tags as a generator's: with slashes, dots and signs in their addresses, in a folder of any name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin

import pytest

from publisher.output.redirects import PATH as REDIRECTS
from tests.sites import BASE, a_post, a_site, config_of, messages, published, stamps, tree

if TYPE_CHECKING:
    from pathlib import Path

_LINK = re.compile(r'(?:href|src)="([^"]+)"')


def config(spelling: str, tag_path: str) -> str:
    text = config_of(per=["tag"])
    return text.replace("[posts]\n", f'[posts]\nspelling = "{spelling}"\n').replace(
        "[pages]\n", f'[pages]\ntag_path = "{tag_path}"\n'
    )


def broken_links(files: dict[str, bytes]) -> list[tuple[str, str]]:
    """Links within the site that lead to no file of it."""
    found = []
    for path, data in files.items():
        if not path.endswith(".html") or path == "404.html":
            continue
        page = BASE + quote(path.removesuffix("index.html"))
        for link in _LINK.findall(data.decode()):
            url = urljoin(page, link.replace("&amp;", "&").replace("&#39;", "'")).partition("#")[0]
            if url.startswith(BASE):
                there = unquote(url.removeprefix(BASE))
                if not {there, f"{there}index.html", f"{there}.html"} & files.keys():
                    found.append((path, link))
    return found


@pytest.mark.parametrize(
    ("tag_path", "places"),
    [
        (
            "tags/:name/",
            ("tags/web/dev/index.html", "tags/c++/index.html", "tags/c#/index.html", "tags/node.js/index.html"),
        ),
        (
            "Themen & mehr/:name.html",
            ("Themen & mehr/web/dev.html", "Themen & mehr/c++.html", "Themen & mehr/index.html"),
        ),
        (":name/", ("web/dev/index.html", "c#/index.html", "tags/index.html", "feeds/index.html")),
    ],
)
def test_each_tag_has_its_page_and_every_link_leads_there(
    tmp_path: Path, tag_path: str, places: tuple[str, ...]
) -> None:
    posts = {
        "one.md": a_post("One", tags=["Web/Dev", "C++", "C#", "node.js", "Web"]),
        "two.md": a_post("Two", tags=["feeds", "..", "😀", "web/dev", "C#"]),
    }
    site = a_site(tmp_path / "site", posts, config("hugo", tag_path))
    report = published(site)
    assert report.problems == (), messages(report)
    files = tree(site / "public")
    assert set(places) <= files.keys()
    assert broken_links(files) == []
    before = stamps(site / "public")
    published(site)
    assert stamps(site / "public") == before


def test_feeds_of_tags_stand_beside_their_pages(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site", {"one.md": a_post("One", tags=["Web/Dev", "C#"])}, config("hugo", "tags/:name/"))
    published(site)
    files = tree(site / "public")
    assert {"tags/web/dev/feed.xml", "tags/c#/feed.json", "feeds/tag/web/dev/index.html"} <= files.keys()
    assert b"https://blog.test/tags/c%23/feed.json" in files["tags/c#/feed.json"]


def test_the_address_of_the_default_does_not_move_by_a_byte(tmp_path: Path) -> None:
    posts = {"one.md": a_post("One", tags=["Web/Dev", "C++", "C#", "node.js", "日本"])}
    plain = a_site(tmp_path / "plain", posts, config_of(per=["tag"]))
    named = a_site(tmp_path / "named", posts, config("publisher", "tags/:name/"))
    published(plain)
    published(named)
    files = tree(plain / "public")
    assert files == tree(named / "public")
    tags = sorted(path.split("/")[1] for path in files if path.startswith("tags/") and path.count("/") == 2)
    assert sorted({*tags}) == ["c-plus-plus", "c-sharp", "node-js", "web-dev", "日本"]


def test_a_feed_that_is_a_file_is_not_made_a_folder_by_a_tag_or_a_former_address(tmp_path: Path) -> None:
    posts = {
        "one.md": a_post("One", tags=["a", "a/feed.xml", "b"], aliases=["/feed.xml", "/gone"]),
        "two.md": a_post("Two", tags=["a/feed.xml/b"]),
    }
    site = a_site(tmp_path / "site", posts, config("hugo", "tags/:name/"))
    report = published(site)
    assert report.problems == (), messages(report)
    files = tree(site / "public")
    assert files["tags/a/feed.xml"].startswith(b"<?xml")
    assert files["feed.xml"].startswith(b"<?xml")
    assert b"/gone/\t" in (site / "public" / REDIRECTS).read_bytes()
