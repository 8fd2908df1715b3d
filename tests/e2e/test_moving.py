"""Five running sites are adopted, each of another generator: no reader sees anything as new."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from publisher.feeds.reading import read_feed
from publisher.rules.differences import compare, when
from tests.answering import Answering
from tests.generators import hugo, jekyll
from tests.sites import run, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.model.received import ReceivedFeed

SITES = Path(__file__).parent.parent / "golden" / "moving"


def nothing(_folder: Path) -> None:
    """The feed lies there already."""


class Running(NamedTuple):
    """A generator's site: how it is built, and where its feed is then."""

    name: str
    build: Callable[[Path], None]
    feed: str
    posts: int

    def checkout(self, folder: Path) -> Path:
        shutil.copytree(SITES / self.name, folder)
        if (folder / "pelicanconf.txt").exists():
            (folder / "pelicanconf.txt").rename(folder / "pelicanconf.py")
        self.build(folder)
        return folder


RUNNING = (
    Running("hugo", hugo, "public/index.xml", 4),
    Running("jekyll", jekyll, "_site/feed.xml", 3),
    Running("zola", nothing, "atom.xml", 3),
    Running("eleventy", nothing, "feed.xml", 3),
    Running("pelican", nothing, "all.atom.xml", 3),
)
every_site = pytest.mark.parametrize("running", RUNNING, ids=[one.name for one in RUNNING])


def adopted(checkout: Path, *places: str) -> Path:
    done = run(checkout, "init", "feeds", *(f"--from={place}" for place in places))
    assert done.code == 0, done
    return checkout / "feeds"


def documents(site: Path) -> dict[str, ReceivedFeed]:
    """The three feeds that a site publishes now, by format."""
    done = run(site, "publish", "--json")
    assert done.code == 0, done
    config = (site / "config.toml").read_text("utf-8")
    output = site / config.partition('[output]\ndir = "')[2].partition('"')[0]
    paths = config.partition("\npaths = { ")[2].partition(" }")[0].replace('"', "").split(", ")
    return {key: read_feed((output / path).read_bytes()) for key, path in (one.split(" = ") for one in paths)}


@every_site
def test_no_reader_sees_anything_as_new(tmp_path: Path, running: Running) -> None:
    checkout = running.checkout(tmp_path / "site")
    before = read_feed((checkout / running.feed).read_bytes())
    assert len(before.items) == running.posts
    site = adopted(checkout, ".", running.feed)
    after = documents(site)
    assert set(after) == {"rss", "atom", "json"}
    for name, feed in after.items():
        assert [item.id for item in feed.items] == [item.id for item in before.items], name
        assert [item.title for item in feed.items] == [item.title for item in before.items], name
        assert [item.published for item in feed.items] == [when(item) for item in before.items], name
        assert not [one for one in compare(before, feed) if one.cause.is_harm], name


@every_site
def test_addresses_are_written_as_the_generator_writes_them(tmp_path: Path, running: Running) -> None:
    checkout = running.checkout(tmp_path / "site")
    before = read_feed((checkout / running.feed).read_bytes())
    for name, feed in documents(adopted(checkout, ".", running.feed)).items():
        assert [item.url for item in feed.items] == [item.url for item in before.items], name


@every_site
def test_check_says_that_nobody_would_notice_and_a_longer_feed_that_they_would(
    tmp_path: Path, running: Running
) -> None:
    checkout = running.checkout(tmp_path / "site")
    site = adopted(checkout, ".", running.feed)
    done = run(site, "check", "--against", f"../{running.feed}")
    assert done.code == 0, done
    assert "readers would notice nothing" in done.out
    config = (site / "config.toml").read_text("utf-8")
    write(site, "config.toml", config.replace(f"limit = {running.posts} ", "limit = 10 "))
    done = run(site, "check", "--against", f"../{running.feed}", "--json")
    assert done.code == 1, done
    found = json.loads(done.out)[0]["findings"]
    assert [one["remedy"] for one in found if one["harm"]] == [
        f"limit = {running.posts} in [feeds]: the feed of today holds {running.posts} entries"
    ]


@every_site
def test_an_old_post_that_is_met_later_is_not_new(tmp_path: Path, running: Running) -> None:
    """A post that is not in the checkout on the day of the move keeps the id that readers know."""
    checkout = running.checkout(tmp_path / "site")
    before = read_feed((checkout / running.feed).read_bytes())
    newest = before.items[0]
    post = next(path for path in checkout.rglob("*.m*") if f"{newest.title}" in path.read_text("utf-8"))
    aside = post.rename(tmp_path / post.name)
    done = run(checkout, "init", "feeds", "--from=.", f"--from={running.feed}", "--json")
    assert done.code == 0, done
    assert [one["title"] for one in json.loads(done.out)["unmatched"]["items"]] == [newest.title]
    atom = documents(checkout / "feeds")["atom"]
    assert newest.id not in {item.id for item in atom.items}
    assert atom.tombstones == ()
    aside.rename(post)
    assert documents(checkout / "feeds")["atom"].items[0].id == newest.id


def test_a_feed_alone_is_adopted_by_its_address_or_by_its_page(tmp_path: Path) -> None:
    feed = (SITES / "pelican" / "all.atom.xml").read_bytes()
    page = b'<html><link rel="alternate" type="application/atom+xml" href="/feeds/all.atom.xml"></html>'
    with Answering({"/feeds/all.atom.xml": feed, "/": page}) as server:
        for name, place in (("one", f"{server.url}feeds/all.atom.xml"), ("two", server.url)):
            done = run(tmp_path, "init", name, "--from", place)
            assert done.code == 0, done
            assert "3 entries of the feed without a post; their ids are kept" in done.out
            config = (tmp_path / name / "config.toml").read_text("utf-8")
            assert 'atom = "feeds/all.atom.xml"' in config
            assert 'base_url = "https://pelican.blog.test/"' in config
            assert (tmp_path / name / "ids.toml").read_text("utf-8").count("withdrawn = ") == 3
            assert list((tmp_path / name / "posts").iterdir()) == []


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    checkout = RUNNING[2].checkout(tmp_path / "site")
    done = run(checkout, "init", "feeds", "--from=.", "--from=atom.xml", "--dry-run")
    assert (done.code, (checkout / "feeds").exists()) == (0, False), done
    assert "nothing was written" in done.out


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        ("nowhere.xml", 2, "cannot be read"),
        ("empty.xml", 1, "is empty"),
        ("page.html", 1, "is a web page, no feed"),
        ("words.txt", 1, "is no feed"),
        ("folder", 2, "no generator's checkout that is known"),
        ("pipe", 2, "is no file"),
        ("http://127.0.0.1:9/feed", 2, "cannot be fetched"),
        ("ftp://x.test/feed", 2, "no address that can be fetched"),
        ("bytes.xml", 1, "no feed"),
    ],
)
def test_what_is_no_running_site_is_refused_in_words(tmp_path: Path, place: str, code: int, words: str) -> None:
    (tmp_path / "empty.xml").touch()
    (tmp_path / "page.html").write_text("<!DOCTYPE html><html><p>Hello</html>", "utf-8")
    (tmp_path / "words.txt").write_text("Hello", "utf-8")
    (tmp_path / "bytes.xml").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "folder").mkdir()
    subprocess.run(["mkfifo", tmp_path / "pipe"], check=True)
    done = run(tmp_path, "init", "new", "--from", place)
    assert done.code == code, done
    assert words in done.err
    assert "Traceback" not in done.err
    assert not (tmp_path / "new").exists()


def test_nothing_that_stands_in_the_folder_is_overwritten(tmp_path: Path) -> None:
    feed = str(SITES / "zola" / "atom.xml")
    for name in ("config.toml", "ids.toml"):
        write(tmp_path / name.partition(".")[0], name, '[site]\ntitle = "Mine"\n')
        done = run(tmp_path, "init", name.partition(".")[0], "--from", feed)
        assert done.code == 2, done
        assert (tmp_path / name.partition(".")[0] / name).read_text("utf-8") == '[site]\ntitle = "Mine"\n'


def test_a_feed_that_was_cut_off_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    text = (SITES / "zola" / "atom.xml").read_bytes()
    write(tmp_path, "atom.xml", text[: text.rindex(b"<title>")])
    done = run(tmp_path, "init", "new", "--from", "atom.xml", "--json")
    assert done.code == 0, done
    found = json.loads(done.out)
    assert found["feeds"][0]["entries"] == 2
