"""Whatever a followed feed does, each reader gets each of its entries once, and none that it showed is missed.

The feed holds a window of its newest entries, gives them new ids or other links now and then, is cut off, is down or is
a web page for a while, and takes nothing back. The digest goes out each Monday.
"""

from __future__ import annotations

import os
import re
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from publisher.feeds.fetching import Fetched, Outcome
from publisher.flows import subscribe
from publisher.flows.following import known_items
from publisher.flows.schedule import Site, run_due
from publisher.flows.subscribe import Wish
from publisher.mail.transports import MemoryTransport
from publisher.store.database import open_store
from tests.feed_host import Post, atom
from tests.mailing import CONFERENCES, settings

if TYPE_CHECKING:
    from publisher.model.entry import Item

FEED = "https://there.test/feed"
DIGEST = replace(
    CONFERENCES,
    feed=FEED,
    filter=replace(CONFERENCES.filter, tags=(), source=FEED),
    content="full",
    send_late_within=timedelta(days=6),
)
SETTINGS = settings(DIGEST)
MONDAY = datetime(2026, 3, 2, 18, tzinfo=UTC)
EXAMPLES = 150 if os.environ.get("PUBLISHER_SOAK") else 10
WEEKS = st.lists(
    st.tuples(
        st.integers(0, 3),  # new entries, before each of the week's looks
        st.sampled_from(["same", "same", "ids", "links"]),  # what the site does to its entries
        st.sampled_from(["up", "up", "up", "cut", "down", "page", "empty", "shuffled"]),
    ),
    min_size=1,
    max_size=8,
)


class Elsewhere:
    """The other site. ``shown`` are the titles of all that a look can have seen whole."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.posts: list[Post] = []
        self.manner = "up"
        self.shown: set[str] = set()
        self._names = 0

    def week(self, fresh: int, change: str, manner: str) -> None:
        for _ in range(fresh):
            number = len(self.posts)
            self.posts.append(
                Post(f"urn:x:{number}", f"Title{number:03}", number, url=f"https://there.test/p/{number}")
            )
        for at, post in enumerate(self.posts) if change != "same" else ():
            self._names += 1
            if change == "ids":
                self.posts[at] = post._replace(id=f"urn:new:{self._names}")
            else:
                self.posts[at] = post._replace(url=f"https://there.test/n/{self._names}")
        self.manner = manner

    def ask(self, url: str, etag: str, modified: str) -> Fetched:
        del etag, modified
        newest = self.posts[::-1][: self.window]
        if self.manner == "down":
            return Fetched(Outcome.FAILED, url, "it answers 503")
        if self.manner == "page":
            return Fetched(Outcome.CHANGED, url, data=b"<html>Maintenance</html>")
        if self.manner == "empty":
            newest = []
        if self.manner == "shuffled":
            newest.reverse()
        data = atom(newest)
        if self.manner == "cut" and newest:
            data = data[: data.rindex(b"<entry>") + 30]
            newest = newest[:-1]
        self.shown |= {post.title for post in newest}
        return Fetched(Outcome.CHANGED, url, data=data)


@pytest.mark.soak
@given(st.integers(1, 4), WEEKS)
@examples(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
def test_each_entry_reaches_each_reader_once(window: int, weeks: list[tuple[int, str, str]]) -> None:
    mail, there = MemoryTransport(), Elsewhere(window)
    with TemporaryDirectory() as folder, closing(open_store("sqlite:///mailing.sqlite3", Path(folder))) as store:

        def items(_now: datetime) -> tuple[Item, ...]:
            with store.reading() as connection:
                return known_items(connection, FEED)

        def passes(at: datetime) -> None:
            run_due(store, Site(Path(folder), SETTINGS, items, there.ask), mail, "test", lambda: at)

        begun = MONDAY - timedelta(days=1)
        subscribe.add(store, SETTINGS, Wish("ann@example.org", DIGEST.name), lambda: items(begun), begun)
        passes(begun)
        before = set(there.shown)
        for number, week in enumerate(weeks):
            there.week(*week)
            for hour in (-30, 0, 1):  # in between, at the slot, and after it
                passes(MONDAY + timedelta(days=7 * number, hours=hour))
        there.week(0, "same", "up")
        passes(MONDAY + timedelta(days=7 * len(weeks)))
        got = [title for message in mail.messages.values() for title in _titles(message.content)]
        assert sorted(got) == sorted(there.shown - before)


def _titles(content: bytes) -> set[str]:
    part = message_from_bytes(content, policy=default).get_body(("plain",))
    assert part is not None
    return set(re.findall(r"Title\d{3}", str(part.get_content())))
