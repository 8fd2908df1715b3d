"""Real feed readers against the real server: everything once, then "nothing new", then only what is new."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import zlib
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import brotli  # type: ignore[import-untyped] # it ships no types
import httpx
import pytest

from tests.feed_readers import Tap, readers_of
from tests.servers import until
from tests.sites import BASE, a_post, a_site, config_of, run, write
from tests.web import TOKEN, WEB, Serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FEEDS = ("feed.xml", "atom.xml", "feed.json")
AUTHOR = {"Authorization": f"Bearer {TOKEN}"}
REVISIONS, POSTS = 4, 60


def a_served_site(folder: Path, posts: Mapping[str, str] | None = None, web: str = "", **keys: object) -> Path:
    three = {f"post-{number}.md": a_post(f"Post {number}", date=f"2024-0{number}-05") for number in range(1, 4)}
    return a_site(folder, three if posts is None else posts, config_of(WEB + web, **keys))


def publish(site: Path) -> None:
    done = run(site, "publish", "-q")
    assert done.code == 0, done


def feeds_hold(server: Serving, words: str) -> bool:
    return all(words in httpx.get(server.url + name).text for name in FEEDS)


# What is new


class Round:
    """All readers, each of which looks whenever the author has done something."""

    def __init__(self, tap: Tap, folder: Path) -> None:
        self._tap = tap
        self._readers = readers_of(tap.url, folder)
        self._is_first = True

    def everybody_sees(self, status: int, *new: str) -> None:
        for name, reader in self._readers.items():
            self._tap.take()
            assert (name, reader.look()) == (name, set(new))
            heard = self._tap.take()
            assert (name, {each.status for each in heard}) == (name, {status})
            assert self._is_first or [each.is_conditional for each in heard] == [True], (name, heard)
        self._is_first = False

    def everybody_has(self, *titles: str) -> None:
        for name, reader in self._readers.items():
            assert (name, reader.titles()) == (name, sorted(titles))


@pytest.mark.parametrize("is_watching", [True, False], ids=["saved under --watch", "published from outside"])
def test_readers_see_everything_then_nothing_then_only_what_is_new(tmp_path: Path, is_watching: bool) -> None:
    site = a_served_site(tmp_path / "site")

    def go_live(server: Serving, words: str) -> None:
        if not is_watching:
            publish(site)
        until(lambda: feeds_hold(server, words), f"{words} is served")

    if not is_watching:
        publish(site)
    arguments = ("--watch",) if is_watching else ("--no-clock",)
    with Serving(site, *arguments) as server, Tap(urlsplit(server.url).port or 0) as tap:
        everybody = Round(tap, tmp_path / "readers")
        everybody.everybody_sees(200, "Post 1", "Post 2", "Post 3")
        everybody.everybody_sees(304)

        write(site, "posts/fresh.md", a_post("A fresh one", date="2024-05-05"))
        go_live(server, "A fresh one")
        everybody.everybody_sees(200, "A fresh one")
        everybody.everybody_sees(304)

        write(site, "posts/post-2.md", a_post("Post 2", "Words that were mended.", date="2024-02-05"))
        go_live(server, "Words that were mended.")
        everybody.everybody_sees(200)

        (site / "posts" / "post-1.md").rename(site / "posts" / "another-name.md")
        go_live(server, f"{BASE}another-name/")
        everybody.everybody_sees(200)
        everybody.everybody_sees(304)
        everybody.everybody_has("A fresh one", "Post 1", "Post 2", "Post 3")
        assert "Traceback" not in server.said


def test_the_author_sees_how_often_feeds_were_fetched_and_how_often_nothing_was_new(tmp_path: Path) -> None:
    with Serving(a_served_site(tmp_path / "site")) as server:
        for reader in readers_of(server.url, tmp_path / "readers").values():
            reader.look()
            reader.look()
        numbers = httpx.get(f"{server.url}metrics", headers=AUTHOR).text
        counted = dict(re.findall(r'^publisher_feed_answers_total\{status="(\d+)"\} (\S+)$', numbers, re.MULTILINE))
        assert counted == {"200": "9.0", "304": "7.0"}  # newsboat fetches a feed twice at first


# What is due


@pytest.mark.parametrize("is_outside", [False, True], ids=["known at the start", "published while the server runs"])
def test_a_post_appears_when_it_is_due_without_anybodys_doing(tmp_path: Path, is_outside: bool) -> None:
    site = a_served_site(tmp_path / "site")

    def write_it() -> datetime:
        due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=9)
        write(site, "posts/later.md", a_post("A later one", date=due.isoformat()))
        return due

    due = datetime.max.replace(tzinfo=UTC) if is_outside else write_it()
    with Serving(site) as server:
        since = datetime.now(UTC)
        if is_outside:
            due = write_it()
            publish(site)
        early = feeds_hold(server, "A later one")
        assert not early or datetime.now(UTC) >= due
        until(lambda: feeds_hold(server, "A later one"), "the post is served")
        assert datetime.now(UTC) >= due
        assert datetime.now(UTC) - max(due, since) < timedelta(seconds=30)  # not at whatever pass comes next
        assert httpx.get(f"{server.url}later/").status_code == 200


# Never half


def revised(site: Path, revision: int) -> None:
    for number in range(POSTS):
        title = f"Post {number}, revision {revision}"
        day = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number)
        write(site, f"posts/post-{number}.md", a_post(title, f"{title}. " * 40, date=day.date().isoformat()))


def revision_of(name: str, text: str) -> int:
    """The revision that all entries of a feed have, each post once."""
    if name.endswith(".json"):
        titles = [entry["title"] for entry in json.loads(text)["items"]]
    else:
        entries = (each for each in ET.fromstring(text).iter() if each.tag.endswith(("}entry", "item")))
        titles = [next(child.text or "" for child in each if child.tag.endswith("title")) for each in entries]
    found = [re.fullmatch(r"Post (\d+), revision (\d+)", title) for title in titles]
    assert sorted(int(each[1]) for each in found if each) == list(range(POSTS))
    (revision,) = {int(each[2]) for each in found if each}
    return revision


@dataclass
class Onlooker:
    """A reader that looks at one feed again and again; ``seen`` are its revisions in the order that they came in."""

    url: str
    name: str
    seen: list[int] = field(default_factory=list)
    fault: Exception | None = None

    def looks(self, is_over: threading.Event) -> None:
        """Until everything is over, and once after that."""
        try:
            with httpx.Client() as client:
                tag, is_last = "", False
                while not is_last:
                    is_last = is_over.is_set()
                    tag = self._look(client, tag)
        except Exception as fault:  # noqa: BLE001 - told by the thread that waits for this one
            self.fault = fault

    def _look(self, client: httpx.Client, tag: str) -> str:
        answer = client.get(self.url + self.name, headers={"If-None-Match": tag} if tag else {})
        if answer.status_code != 304:
            assert answer.status_code == 200, answer
            assert answer.headers["etag"] != tag
            self.seen.append(revision_of(self.name, answer.text))
        return str(answer.headers["etag"])


def test_what_is_published_from_outside_is_never_seen_half(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site", {}, limit=0)
    revised(site, 0)
    publish(site)
    with Serving(site, "--no-clock") as server:
        is_over, onlookers = threading.Event(), [Onlooker(server.url, name) for name in FEEDS]
        threads = [threading.Thread(target=each.looks, args=(is_over,)) for each in onlookers]
        for thread in threads:
            thread.start()
        try:
            until(lambda: all(each.seen or each.fault for each in onlookers), "everybody has seen it as it was")
            for revision in range(1, REVISIONS + 1):
                revised(site, revision)
                publish(site)
            until(lambda: feeds_hold(server, f"revision {REVISIONS}"), "the last revision is served")
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
    for each in onlookers:
        assert each.fault is None, each
        assert each.seen == sorted(set(each.seen)), each  # none comes back, none is sent twice as something new
        assert (each.seen[0], each.seen[-1]) == (0, REVISIONS)


# Former addresses


@pytest.mark.parametrize("path", ["/", "/notes/"])
def test_former_addresses_lead_on_for_good(tmp_path: Path, path: str) -> None:
    base = f"https://blog.test{path}"
    posts = {"one.md": a_post("One", aliases=["/former/", "/2019/old name.html"]), "two.md": a_post("Two")}
    site = a_served_site(tmp_path / "site", posts, base_url=base)
    publish(site)
    (site / "posts" / "two.md").rename(site / "posts" / "moved.md")
    with Serving(site) as server, httpx.Client(base_url=server.url) as client:
        root = path.lstrip("/")
        former = {"former/": "one/", "former": "one/", "2019/old%20name.html": "one/", "two/": "moved/"}
        for old, new in former.items():
            for method in ("GET", "HEAD"):
                for body in (b"", b"a body takes the longer way"):
                    answer = client.request(method, root + old, content=body)
                    assert (old, method, answer.status_code) == (old, method, 301)
                    assert answer.headers["location"] == base + new
                    assert answer.content == b""
            posted = client.post(root + old, content=b"x")
            assert posted.status_code == 405
        folder = client.head(f"{root}moved")
        assert (folder.status_code, folder.headers["location"]) == (308, f"{path}moved/")
        assert client.get(folder.headers["location"]).status_code == 200


# Bytes


def raw(client: httpx.Client, path: str, method: str = "GET", **headers: str) -> tuple[httpx.Response, bytes]:
    """An answer, and its body as it came over the wire."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with client.stream(method, path, headers={"Accept-Encoding": "identity", **named}) as answer:
        return answer, b"".join(answer.iter_raw())


def test_feeds_come_compressed_to_those_who_take_that(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site", {"long.md": a_post("Long", "Many words. " * 400)})
    unpack = {"gzip": lambda body: zlib.decompress(body, 47), "br": brotli.decompress, "identity": bytes}
    with Serving(site) as server, httpx.Client(base_url=server.url) as client:
        for name in FEEDS:
            plain = (site / "public" / name).read_bytes()
            tags = set()
            for coding, unpacked in unpack.items():
                answer, body = raw(client, name, Accept_Encoding=coding)
                assert unpacked(body) == plain
                assert answer.headers.get("content-encoding", "identity") == coding
                assert int(answer.headers["content-length"]) == len(body)
                assert answer.headers["vary"].lower() == "accept-encoding"
                head, nothing = raw(client, name, "HEAD", Accept_Encoding=coding)
                assert nothing == b""
                apart = {"date"}
                assert {k: v for k, v in head.headers.items() if k not in apart} == {
                    k: v for k, v in answer.headers.items() if k not in apart
                }
                for validator in ({"If_None_Match": answer.headers["etag"]}, {"If_Modified_Since": modified(answer)}):
                    unchanged, nothing = raw(client, name, Accept_Encoding=coding, **validator)
                    assert (unchanged.status_code, nothing) == (304, b"")
                    assert unchanged.headers["etag"] == answer.headers["etag"]
                tags.add(answer.headers["etag"])
            assert len(tags) == 3  # strong tags: other bytes, another tag
            assert len(raw(client, name, Accept_Encoding="gzip")[1]) < len(plain) / 3
            best, _ = raw(client, name, Accept_Encoding="gzip, deflate, br")
            assert best.headers["content-encoding"] == "br"


def modified(answer: httpx.Response) -> str:
    return str(answer.headers["last-modified"])


@pytest.mark.parametrize("size", [300_000, 1_500_000], ids=["from memory", "from the file"])
def test_players_fetch_parts_of_a_recording(tmp_path: Path, size: int) -> None:
    sound = b"ID3\x04" + bytes(number * number % 251 for number in range(size - 4))
    site = a_served_site(tmp_path / "site")
    write(site, "static/talk.mp3", sound)
    with Serving(site) as server, httpx.Client(base_url=server.url) as client:
        whole, body = raw(client, "talk.mp3", Accept_Encoding="gzip, br")
        assert (whole.status_code, body) == (200, sound)
        assert whole.headers["content-type"] == "audio/mpeg"
        assert whole.headers["accept-ranges"] == "bytes"
        assert "content-encoding" not in whole.headers
        head, nothing = raw(client, "talk.mp3", "HEAD", Range="bytes=0-9")
        assert (head.status_code, nothing, int(head.headers["content-length"])) == (200, b"", size)

        parts = {"0-99": (0, 100), "100000-": (100_000, size), "-500": (size - 500, size), f"7-{size * 9}": (7, size)}
        for asked, (start, stop) in parts.items():
            part, body = raw(client, "talk.mp3", Range=f"bytes={asked}", Accept_Encoding="gzip, br")
            assert (asked, part.status_code) == (asked, 206)
            assert body == sound[start:stop]
            assert part.headers["content-range"] == f"bytes {start}-{stop - 1}/{size}"
            assert part.headers["etag"] == whole.headers["etag"]
        beyond, _ = raw(client, "talk.mp3", Range=f"bytes={size}-")
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")

        tag = whole.headers["etag"]
        for known, status in (
            (tag, 206),
            ('"another"', 200),
            (f"W/{tag}", 200),
            ("Mon, 01 Jan 2024 00:00:00 GMT", 200),
        ):
            part, body = raw(client, "talk.mp3", Range="bytes=10-19", If_Range=known)
            assert (known, part.status_code, body) == (known, status, sound[10:20] if status == 206 else sound)
        unchanged, _ = raw(client, "talk.mp3", Range="bytes=10-19", If_None_Match=tag)
        assert unchanged.status_code == 304


# How many read it, and nobody's name

AGGREGATORS = {
    "Feedly": (120, "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 120 subscribers; like FeedFetcher-Google)"),
    "Inoreader": (34, "Mozilla/5.0 (compatible; inoreader.com; 34 subscribers; feed-id=8127)"),
    "NewsBlur": (5, "NewsBlur Feed Fetcher - 5 subscribers - https://www.newsblur.com/site/8127/notebook"),
    "Feedbin": (7, "Feedbin feed-id:91 - 7 subscribers"),
}
PERSON = "Mozilla/5.0 (X11; Ann's own machine) Firefox/141.0 zebrafish"
ADDRESS = "198.51.100.77"
VIA_A_PROXY = 'trusted_proxies = ["127.0.0.1"]\n'


def fetched_by_aggregators_and_a_person(url: str) -> None:
    for name in ("feed.xml", "atom.xml"):
        for readers, agent in AGGREGATORS.values():
            httpx.get(url + name, headers={"User-Agent": agent, "X-Forwarded-For": ADDRESS}).raise_for_status()
            if name == "feed.xml":  # later on that day somebody has left; the most of a day counts
                fewer = agent.replace(str(readers), str(readers - 1))
                httpx.get(url + name, headers={"User-Agent": fewer, "If-None-Match": "*"})
        httpx.get(url + name, headers={"User-Agent": PERSON, "X-Forwarded-For": ADDRESS}).raise_for_status()
        httpx.get(url + name, headers={"User-Agent": f"{PERSON} 1 subscribers ann@example.org"}).raise_for_status()


def counted(site: Path) -> dict[tuple[str, str], int]:
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        return {
            (feed, name): count
            for feed, name, count in store.execute("SELECT feed, aggregator, readers FROM feed_reader")
        }


def expected(root: str) -> dict[tuple[str, str], int]:
    feeds = (f"{root}feed.xml", f"{root}atom.xml")
    return {(feed, name): readers for feed in feeds for name, (readers, _) in AGGREGATORS.items()}


@contextmanager
def logged_in(server: Serving) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        assert client.post("admin/login", data={"token": TOKEN}).status_code == 303
        yield client


@pytest.mark.parametrize(
    ("path", "asked_below"), [("/", ""), ("/notes/", "notes/"), ("/notes/", "")], ids=["root", "folder", "stripped"]
)
def test_aggregators_tell_how_many_read_each_feed_and_nobody_is_known(
    tmp_path: Path, path: str, asked_below: str
) -> None:
    site = a_served_site(tmp_path / "site", web=VIA_A_PROXY, base_url=f"https://blog.test{path}")
    with Serving(site) as server:
        fetched_by_aggregators_and_a_person(server.url + asked_below)
        assert server.stop() == 0
        said = server.said
    found = counted(site)
    assert expected(path).items() <= found.items()
    nobody_is_known(site, said)
    with Serving(site) as server, logged_in(server) as author:
        page = author.get("admin/feeds").text
        for feed in ("feed.xml", "atom.xml"):
            assert f"{path}{feed}" in page
        for name, (readers, _) in AGGREGATORS.items():
            assert re.search(rf"{name}</th><td[^>]*>{readers}</td>", page), name


def test_the_clock_writes_the_counts_down_while_the_server_runs(tmp_path: Path) -> None:
    site = a_served_site(tmp_path / "site", web=VIA_A_PROXY)
    with Serving(site, "--watch") as server, logged_in(server) as author:
        fetched_by_aggregators_and_a_person(server.url)
        write(site, "posts/more.md", a_post("More"))  # which wakes the clock before its minute is over
        until(lambda: expected("/").items() <= counted(site).items(), "the counts are in the store")
        assert "NewsBlur" in author.get("admin/feeds").text
        nobody_is_known(site, server.said)


def nobody_is_known(site: Path, said: str) -> None:
    """Neither in the store's tables nor in the bytes of its files, nor in what the server said."""
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        store.text_factory = lambda text: text.decode("utf-8", "replace")
        everything = "\n".join(store.iterdump())
    everything += "".join(path.read_bytes().decode("latin-1") for path in site.glob("mailing.sqlite3*"))
    for word in (ADDRESS, "127.0.0.1", "zebrafish", "Firefox", "Ann's", "ann@example.org", "8127", "feed-id"):
        assert word not in everything, word
        assert word not in said.replace("http://127.0.0.1:", ""), word
