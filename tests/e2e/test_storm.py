"""Everybody comes at once, and is served: nobody is lost, nothing is the server's fault."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.servers import until
from tests.sites import a_post, a_site, config_of
from tests.storm import person, storm
from tests.web import WEB, Serving, mails

if TYPE_CHECKING:
    from pathlib import Path

FULL = "PUBLISHER_SOAK" in os.environ
BEHIND_A_PROXY = 'trusted_proxies = ["127.0.0.1"]\npublic_url = "https://news.example.com/"\n'


def a_popular_site(folder: Path) -> Path:
    posts = {f"post-{number}.md": a_post(f"Post {number}", "Many words. " * 300) for number in range(20)}
    return a_site(folder, posts, config_of(WEB + BEHIND_A_PROXY))


def asked(site: Path) -> set[str]:
    """Who stands in the store as waiting for their own word."""
    with closing(sqlite3.connect(site / "mailing.sqlite3")) as store:
        query = "SELECT address FROM subscriber JOIN subscription ON subscriber = id WHERE state = 'pending'"
        return {address for (address,) in store.execute(query)}


@pytest.mark.soak
def test_a_thousand_visitors_hundreds_of_slow_clients_and_a_storm_of_readers(tmp_path: Path) -> None:
    visitors, slow, readers = (1000, 500, 100) if FULL else (200, 100, 20)
    site = a_popular_site(tmp_path / "site")
    with Serving(site) as server:
        seen = asyncio.run(
            storm(server.url, visitors=visitors, slow=slow, readers=readers, digest="weekly", cadence="monthly")
        )
        assert {status for _, status in seen.statuses} <= {200, 202, 303, 304}
        assert seen.statuses["subscribe", 303] + seen.statuses["subscribe", 202] == visitors
        assert seen.statuses["feed", 304] > 0
        everybody = {person(number) for number in range(visitors)}
        until(lambda: len(mails(site)) == visitors, "everybody got a letter")
        assert {str(mail["To"]) for mail in mails(site)} == everybody
        assert asked(site) == everybody
        assert "Traceback" not in server.said
    print(  # noqa: T201 - figures of a long proof
        f"{visitors} visitors, {slow} slow clients, {readers} readers: {len(seen.feed_seconds)} looks at the feed, "
        f"median {seen.centile(50) * 1000:.0f} ms, 99th centile {seen.centile(99) * 1000:.0f} ms"
    )


def test_wishes_outlive_a_server_that_is_killed(tmp_path: Path) -> None:
    site = a_popular_site(tmp_path / "site")
    with Serving(site) as server:
        asyncio.run(storm(server.url, visitors=60, slow=0, readers=1, digest="weekly", cadence="weekly"))
        server.kill()  # most of the letters are not written yet, or not sent
    with Serving(site) as server:
        until(lambda: len(mails(site)) >= 60, "everybody got a letter")
        assert server.stop() == 0
    assert sorted(str(mail["To"]) for mail in mails(site)) == sorted(person(number) for number in range(60))


@pytest.mark.parametrize("asked_by", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_asked(tmp_path: Path, asked_by: signal.Signals) -> None:
    with Serving(a_popular_site(tmp_path / "site")) as server:
        assert server.stop(asked_by) == 0
        assert "Traceback" not in server.said
