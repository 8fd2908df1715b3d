"""The server as one piece, in this process: what its parts tell each other."""

from __future__ import annotations

import re
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import pytest

from publisher.app import Server
from publisher.flows.figures import pulse
from publisher.logs import Log
from publisher.model.settings import DEFAULT_STORE_URL
from publisher.store.database import open_store
from publisher.tokens import ADMIN_VARIABLE
from tests.servers import free_port
from tests.sites import a_site, config_of, published, write
from tests.web import TOKEN, WEB

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FEEDLY = {"User-Agent": "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 16 subscribers; like FeedFetcher-Google)"}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = a_site(tmp_path / "site", config=config_of(WEB))
    published(folder)
    return folder


@contextmanager
def serving(site: Path, *, clock: bool, said: list[str] | None = None) -> Iterator[httpx.Client]:
    """A server in a thread of this process."""
    lines = [] if said is None else said
    ready = threading.Event()

    def hear(line: str) -> None:
        lines.append(line)
        if line.startswith("Serving "):
            ready.set()

    server = Server(site, {ADMIN_VARIABLE: TOKEN}, Log(hear), lambda *_: (), clock=clock)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert ready.wait(20), lines
        found = re.search(r"http://\S+", "\n".join(lines))
        assert found is not None
        with httpx.Client(base_url=found[0], trust_env=False) as client:
            yield client
    finally:
        server.stop()
        thread.join()


@pytest.mark.parametrize("clock", [True, False])
def test_feeds_are_counted_by_status_and_for_their_readers_however_their_address_is_spelt(
    site: Path, clock: bool
) -> None:
    with serving(site, clock=clock) as client:
        first = client.get("feed.xml", headers=FEEDLY)
        assert client.get("%66eed.xml", headers=FEEDLY).status_code == 200
        known = {"If-None-Match": first.headers["etag"]}
        assert client.get("feed.xml?again", headers=FEEDLY | known).status_code == 304
        assert client.get("index.html").status_code == 200  # no feed
        numbers = client.get("metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    told = dict(re.findall(r'^publisher_feed_answers_total\{status="(\d+)"\} ([\d.]+)$', numbers, re.MULTILINE))
    assert {status: float(count) for status, count in told.items()} == {"200": 2, "304": 1}
    with closing(open_store(DEFAULT_STORE_URL, site)) as store:
        assert dict(pulse(store, datetime.now(UTC)).feeds) == {"/feed.xml": 16}


def test_an_address_that_is_set_is_not_said_to_be_missing_where_it_is_of_this_machine(site: Path) -> None:
    port = free_port()
    write(
        site,
        "config.toml",
        config_of(WEB.replace("port = 0", f'port = {port}\npublic_url = "http://127.0.0.1:{port}/"')),
    )
    said: list[str] = []
    with serving(site, clock=False, said=said) as client:
        assert client.get("healthz").text == "ok"
    assert not any("public_url" in line for line in said)
