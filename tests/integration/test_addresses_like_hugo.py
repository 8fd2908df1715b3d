"""The real Hugo and we, over one folder of posts whose names go wrong somewhere: every address, byte for byte."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from publisher.feeds.reading import read_feed
from publisher.flows.former import alias_url, files_at
from tests.addresses import BASE, NASTY, ZONE, any_words, front, names_of_files, ours, quoted, tag_places
from tests.generators import hugo
from tests.sites import paths_in, write

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_LIST = """{{ range .Site.RegularPages }}{{ .File.Path }}\t{{ .Permalink }}
{{ end }}"""
_TERMS = "{{ range .Site.Taxonomies.tags }}{{ .Page.Data.Term }}\t{{ .Page.RelPermalink }}\n{{ end }}"
_NOT_OURS = frozenset({"index"})  # as a file's name it makes its folder one post
_HIDDEN = re.compile(r"(?:^|/)\.")  # neither Hugo nor we look at these


def a_hugo(folder: Path, patterns: Mapping[str, str], more: str = "") -> Path:
    """A site of Hugo's that lists all of its addresses."""
    table = "".join(f"{quoted(section)} = {quoted(pattern)}\n" for section, pattern in patterns.items())
    formats = "".join(
        f'[outputFormats.{name}]\nmediaType = "text/plain"\nbaseName = "{name}"\nisPlainText = true\n'
        for name in ("list", "terms")
    )
    config = (
        f'baseURL = "{BASE}"\ntitle = "T"\ntimeZone = "{ZONE}"\n{more}\n[taxonomies]\ntag = "tags"\n'
        f'[permalinks.page]\n{table}{formats}[outputs]\nhome = ["list", "terms", "rss"]\n[services.rss]\nlimit = -1\n'
    )
    write(folder, "hugo.toml", config)
    write(folder, "layouts/home.list.txt", _LIST)
    write(folder, "layouts/home.terms.txt", _TERMS)
    for name in ("page", "list"):
        write(folder, f"layouts/{name}.html", "x")
    return folder


def rows(folder: Path, name: str) -> dict[str, str]:
    lines = (folder / f"public/{name}.txt").read_text("utf-8").split("\n")
    return dict(line.rsplit("\t", 1) for line in lines if "\t" in line)


def built(folder: Path) -> dict[str, str]:
    """Hugo's addresses of posts by path, below BASE."""
    hugo(folder)
    return {path: url.removeprefix(BASE) for path, url in rows(folder, "list").items()}


def with_patterns(folder: Path, patterns: Mapping[str, str], *, ugly: bool) -> dict[str, str]:
    """Ours; what a configuration of Hugo's is in [posts] permalink."""
    end = ".html" if ugly else "/"
    shaped = {"": "/:sections/:slugorcontentbasename", **patterns}
    found = ours(folder, "hugo", {name: pattern.rstrip("/") + end for name, pattern in shaped.items()}, "content")
    return {path: url for path, url in found.items() if not _HIDDEN.search(path)}


def nasty_posts(folder: Path) -> None:
    for at, name in enumerate(NASTY):
        write(folder, f"content/title/{at}.md", front(name, date="2024-12-31T23:30:00-08:00"))
        write(folder, f"content/slug/{at}.md", front("x", date="2024-12-31T23:30:00", slug=quoted(name)))
        write(folder, f"content/bundles/{name}/index.md", front("x", date="2024-06-01"))
        write(folder, f"content/yaml/{at}.md", front(name, "---", date="2024-02-29 00:30:00 +0500"))
        if name not in _NOT_OURS:
            write(folder, f"content/posts/{name}.md", front(f"T {at}", date="2024-01-01"))
            write(folder, f"content/{name}/inside/{at}.md", front("x", date="2024-06-01T00:30:00Z"))
    write(folder, "content/top.md", front("Top", date="2024-06-01T00:30:00+05:00"))


PATTERNS: dict[str, dict[str, str]] = {
    "none": {},
    "names": {
        "/": "/:year/:month/:slug/",
        "posts": "/:sections/:slugorfilename",
        "title": "/a/:year/:monthname/:day/:weekday/:weekdayname/:yearday/:title/",
        "slug": "/:section/x/:slug",
        "bundles": "/B c/:contentbasename/:2006-:Jan-:02/",
        "yaml": "/:year/:month/:day/:slug/",
    },
    "sections": {
        "title": "/:title",
        "slug": "/:sections[last]/:sections[0]/:sections[1:]/:slugorcontentbasename/",
        "bundles": "/:filename/",
        "posts": "/:sections/:slugorcontentbasename/x/",
        "yaml": "/:06/:1/:2/:002/:Monday/:15-:04/:title/",
    },
}


@pytest.mark.parametrize("ugly", [False, True], ids=["folders", "files"])
@pytest.mark.parametrize("patterns", PATTERNS.values(), ids=PATTERNS)
def test_posts_live_where_hugo_puts_them(tmp_path: Path, patterns: dict[str, str], ugly: bool) -> None:
    folder = a_hugo(tmp_path, patterns, "uglyURLs = true" if ugly else "")
    nasty_posts(folder)
    theirs = built(folder)
    assert with_patterns(folder, patterns, ugly=ugly) == theirs
    assert len(theirs) > 4 * len(NASTY)
    feed = read_feed((folder / "public/index.xml").read_bytes())
    assert {item.url.removeprefix(BASE) for item in feed.items} == set(theirs.values())


def test_the_files_are_where_a_host_looks_for_these_addresses(tmp_path: Path) -> None:
    folder = a_hugo(tmp_path, {})
    nasty_posts(folder)
    theirs = built(folder)
    written = {path for path in paths_in(folder / "public") if path.endswith(".html")}
    literal = {path for path in theirs.values() if "%25" in path or re.search("%[2-7]", path)}  # a folder called a%20b
    assert {f"{unquote(url)}index.html" for url in theirs.values() if url not in literal} <= written


def test_an_address_in_frontmatter_is_left_as_it_is(tmp_path: Path) -> None:
    folder = a_hugo(tmp_path, {})
    urls = (
        "/A b/Ü",
        "/x.html",
        "no/slash/",
        "/v1.2",
        "/v1.3/",
        "/a//b",
        "/e/index.html",
        "/%C3%BC/%c3%bc/",
        "/:year/:slug/",
    )
    for at, url in enumerate(urls):
        write(folder, f"content/posts/{at}.md", front("A Title", date="2024-01-01", url=quoted(url)))
    theirs = built(folder)
    assert with_patterns(folder, {}, ugly=False) == theirs


def test_a_date_in_the_files_name_stays_in_its_address_unless_it_is_the_only_one(tmp_path: Path) -> None:
    more = '[frontmatter]\ndate = [":default", ":filename"]\n'
    folder = a_hugo(tmp_path, {"slugs": "/:year/:slug/"}, more)
    for section in ("posts", "slugs"):
        write(folder, f"content/{section}/2024-05-06-Named Day.md", front("Title One", date="2024-01-01"))
        write(folder, f"content/{section}/2024-05-07-Other Day.md", front("Title Two"))
    assert with_patterns(folder, {"slugs": "/:year/:slug/"}, ugly=False) == built(folder)


@pytest.mark.parametrize("ugly", [False, True], ids=["folders", "files"])
def test_tags_live_where_hugo_puts_them(tmp_path: Path, ugly: bool) -> None:
    folder = a_hugo(tmp_path, {}, "uglyURLs = true" if ugly else "")
    tags = [name for name in (*NASTY, "a/b", "Web/Sem Antic", "x.md", "@x", "~x") if " " * 2 not in name]
    tags = [name.strip() for name in tags]
    write(folder, "content/posts/x.md", front("X", date="2024-01-01", tags=f"[{', '.join(map(quoted, tags))}]"))
    hugo(folder)
    theirs = {name: url.removeprefix("/sub/") for name, url in rows(folder, "terms").items()}
    mine = tag_places(tags, "hugo", f"tags/:name{'.html' if ugly else '/'}")
    assert {place for place in mine.values() if place} == set(theirs.values()) - {"tags/", "tags.html"}


def test_aliases_answer_where_hugo_answers(tmp_path: Path) -> None:
    folder = a_hugo(tmp_path, {})
    aliases = ["old", "/older", "../up", "/a b/ü", "/page.html", "deep/er/", "/x//y/./z", "/de/alt/", "/v1.2", "/q.php"]
    own = {"posts/page.md": aliases, "posts/folder/bundle/index.md": ["beside", "./b", "../c", "/bundle"]}
    for path, names in own.items():
        write(folder, f"content/{path}", front("P", date="2024-01-01", aliases=f"[{', '.join(map(quoted, names))}]"))
    pages = built(folder)
    written = set(paths_in(folder / "public"))
    for path, url in pages.items():
        for alias in own[path]:
            [*_, (_, file)] = files_at(alias_url(alias, BASE + url, BASE, "hugo"), BASE)
            assert file in written, alias
            assert url in (folder / "public" / file).read_text("utf-8")


def test_hugo_and_we_agree_over_any_words(tmp_path: Path) -> None:
    patterns = {"titles": "/t/:title/:filename/", "slugs": "/:sections/:slug/", "files": "/f/:contentbasename/"}
    folder = a_hugo(tmp_path, patterns)
    for at, word in enumerate(any_words()):
        write(folder, f"content/titles/{at}.md", front(word, date="2024-01-01"))
        write(folder, f"content/slugs/{at}.md", front("x", date="2024-01-01", slug=quoted(word)))
        write(folder, f"content/plain/{at}.md", front("x", date="2024-01-01", slug=quoted(word)))
    for at, name in names_of_files(any_words()):
        write(folder, f"content/files/{at}/{name}.md", front("x", date="2024-01-01"))
        write(folder, f"content/plain files/{at}/{name}.md", front("x", date="2024-01-01"))
        write(folder, f"content/{at} {name}/x.md", front("x", date="2024-01-01"))
    theirs, mine = built(folder), with_patterns(folder, patterns, ugly=False)
    differing = {path: (url, mine.get(path)) for path, url in theirs.items() if url != mine.get(path)}
    assert {path: pair for path, pair in differing.items() if not _is_no_name(pair[0])} == {}


def _is_no_name(url: str) -> bool:
    """Where we choose for ourselves: what a file system takes for a folder, empty parts, and bytes that are no text."""
    return re.search(r"(?:^|/)(?:\.{0,2})/", url) is not None or "\ufffd" in unquote(url)
