"""Hubs are told of feeds that changed, once readers can fetch them; no hub ever fails a publish."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

import pytest

from publisher.output import hubs
from tests.sites import a_post, a_site, config_of, messages, published, run, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.2"  # loopback, and no placeholder


class Web(BaseHTTPRequestHandler):
    """Serves a folder, and is a hub at /hub; /silent never answers, /broken answers 500."""

    protocol_version = "HTTP/1.1"

    def __init__(self, web: Site, *arguments: Any) -> None:
        self.web = web
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = self.web.root / unquote(self.path).lstrip("/")
        found = path.is_file()
        self.web.fetched.append(self.path)
        self._answer(200 if found else 404, path.read_bytes() if found else b"")

    def do_POST(self) -> None:
        said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.web.told.append((self.path, said["hub.mode"][0], said["hub.url"][0]))
        if self.path == "/silent":
            self.web.done.wait(30)
        self._answer(500 if self.path == "/broken" else 204, b"")

    def _answer(self, status: int, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_words: object) -> None:
        """Tests say what matters themselves."""


class Site:
    """A web server for the folder ``root``, and what it was asked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.fetched: list[str] = []
        self.told: list[tuple[str, str, str]] = []
        self.done = threading.Event()
        self.server = ThreadingHTTPServer((HOST, 0), partial(Web, self))
        self.url = f"http://{HOST}:{self.server.server_port}/"

    def topics(self) -> list[str]:
        """What hubs were told of since the last time."""
        found = sorted(topic.removeprefix(self.url) for _, mode, topic in self.told if mode == "publish")
        self.told.clear()
        return found


@contextmanager
def serving(root: Path) -> Iterator[Site]:
    web = Site(root)
    thread = threading.Thread(target=partial(web.server.serve_forever, 0.01))
    thread.start()
    try:
        yield web
    finally:
        web.done.set()
        web.server.shutdown()
        thread.join()
        web.server.server_close()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Site]:
    with serving(tmp_path / "site" / "public") as found:
        a_site(tmp_path / "site", config=_config(found, "hub"))
        yield found


def _config(web: Site, *hub: str) -> str:
    return config_of(base_url=web.url, hubs=[web.url + one for one in hub], per=["tag"])


FEEDS = ["atom.xml", "feed.json", "feed.xml"]
TALKS = [f"tags/talk/{name}" for name in FEEDS]


def test_hubs_are_told_of_the_feeds_that_changed_and_of_no_others(web: Site, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert len(published(site).pinged) == 6
    assert web.topics() == FEEDS + TALKS
    assert published(site).pinged == ()
    write(site, "posts/two.md", a_post("Two", "Edited.", date="2024-02-06"))
    assert len(published(site).pinged) == 3
    assert web.topics() == FEEDS
    write(site, "static/picture.png", b"png")
    assert published(site).pinged == ()
    assert web.topics() == []


def test_hubs_are_not_told_of_what_readers_cannot_fetch_yet(web: Site, tmp_path: Path) -> None:
    site = tmp_path / "site"
    web.root = tmp_path / "deployed"
    report = published(site)
    assert report.pinged == ()
    assert "not at their public addresses yet" in messages(report)
    assert not report.warned
    assert web.topics() == []
    assert run(site, "publish").err == "", "what a hub missed then is not said again"
    done = run(site, "ping")
    assert (done.code, web.topics()) == (1, [])
    assert "deploy the output, then ping again" in done.err
    web.root = site / "public"
    done = run(site, "ping")
    assert (done.code, done.out, done.err) == (0, "hubs told of 6 feeds\n", "")
    assert web.topics() == FEEDS + TALKS


def test_a_dry_run_tells_nobody(web: Site, tmp_path: Path) -> None:
    published(tmp_path / "site", dry_run=True)
    assert (web.told, web.fetched) == ([], [])


def test_a_hub_that_is_broken_or_away_is_a_warning_and_the_next_one_is_told(web: Site, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write(site, "config.toml", _config(web, "broken", "hub").replace("hubs = [", 'hubs = ["http://127.0.0.2:1/", '))
    done = run(site, "publish", "--json")
    assert done.code == 0
    answer = json.loads(done.out)
    said = " ".join(problem["message"] for problem in answer["problems"])
    assert "the hub http://127.0.0.2:1/ could not be told" in said
    assert f"the hub {web.url}broken could not be told: answered 500" in said
    assert len(answer["pinged"]) == 6
    assert [path for path, *_ in web.told] == ["/broken"] + ["/hub"] * 6
    assert (site / "public" / "feed.xml").exists()
    assert run(site, "publish", "--strict").code == 0


def test_a_silent_hub_is_waited_for_no_longer_than_said(web: Site) -> None:
    told = hubs.ping([web.url + "silent", web.url + "hub"], [web.url + "feed.xml", web.url + "atom.xml"], timeout=0.2)
    assert len(told) == 1
    assert "could not be told" in told[0].message
    assert [path for path, *_ in web.told] == ["/silent", "/hub", "/hub"]


def test_a_site_that_is_away_is_asked_once(web: Site) -> None:
    assert hubs.live([("http://127.0.0.2:1/feed.xml", b""), (web.url + "feed.xml", b"")]) == ()
    assert web.fetched == []


def test_ping_without_hubs_or_an_address_says_what_is_missing(tmp_path: Path) -> None:
    site = a_site(tmp_path / "site")
    assert "no hubs are named" in run(site, "ping").err
    write(site, "config.toml", config_of(base_url="https://example.com/", hubs=["https://hub.test/"]))
    done = run(site, "ping")
    assert (done.code, "is a placeholder" in done.err) == (2, True)


def test_addresses_that_need_encoding_are_told_as_uris(web: Site, tmp_path: Path) -> None:
    site = tmp_path / "site"
    write(site, "posts/two.md", a_post("Two", tags=["Überblick"]))
    assert f"{web.url}tags/%C3%BCberblick/feed.xml" in published(site).pinged
    assert run(site, "ping").code == 0
