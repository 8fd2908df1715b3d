"""Aggregators say in their User-Agent for how many people they fetch a feed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.model.counted import Counted
from publisher.web.readers import LONGEST, MOST, Readers, told

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = "2026-11-23"
FEEDLY = "Feedly/1.0 (+http://www.feedly.com/fetcher.html; {} subscribers; like FeedFetcher-Google)"
OLD = "Mozilla/5.0 (compatible; theoldreader.com; {} subscribers; feed-id={})"


@pytest.mark.parametrize(
    ("agent", "name", "readers"),
    [
        (FEEDLY.format(123), "Feedly", 123),
        (FEEDLY.format(1), "Feedly", 1),
        ("Mozilla/5.0 (compatible; inoreader/1.0; +http://www.inoreader.com/; 5 subscribers; )", "Inoreader", 5),
        ("NewsBlur Feed Fetcher - 3 subscribers - http://www.newsblur.com/site/12/my-blog", "NewsBlur", 3),
        (OLD.format(12, "5e1a"), "The Old Reader", 12),
        ("Feedbin feed-id:1234 - 5 subscribers", "Feedbin", 5),
        ("Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 1 subscribers)", "BazQux", 1),
        ("Bloglovin/1.0 (http://www.bloglovin.com; 3 subscribers)", "Bloglovin", 3),
        ("YandexBlogs/0.99, robot, B; +http://yandex.com/bots 9 readers", "Yandex", 9),
        ("LiveJournal.com (webmaster@livejournal.com; for http://x.example/users/ann; 23 readers)", "LiveJournal", 23),
        ("Superfeedr bot/2.0 http://superfeedr.com - feed-id:12345; 5 subscribers", "Superfeedr", 5),
        ("Feed Wrangler/1.0 (5 subscribers; feed-id=77; http://feedwrangler.net)", "Feed Wrangler", 5),
        ("Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 4 subscribers; feed-id=1)", "Google", 4),
        ("G2Reader-Bot/1.0 (+http://g2reader.com/; 1 subscribers)", "G2Reader-Bot", 1),
        ("Digg Feed Fetcher 1.0 (Mozilla/5.0 (Macintosh)) 4 subscribers", "Digg Feed Fetcher", 4),
        ("Lamp/2 (users 3; weekly)", "Lamp", 3),
        ("Lamp (Subscribers: 1,234)", "Lamp", 1234),
        ("Lamp 1,234,567 READERS", "Lamp", 1_234_567),
        ("Lamp readers=8", "Lamp", 8),
        ("5 subscribers", "others", 5),
    ],
)
def test_many_shapes_are_read(agent: str, name: str, readers: int) -> None:
    found = told(agent.encode())
    assert found is not None
    assert (found.aggregator, found.readers) == (name, readers)


@pytest.mark.parametrize(
    "agent",
    [
        "",
        "NetNewsWire (RSS Reader; https://netnewswire.com/)",
        "Feed Reader 2.0",
        "Feed Readers 2.0",
        "Lamp/1 (-5 subscribers)",
        "Lamp/1 (0 subscribers)",
        "Lamp/1 (3.5 subscribers)",
        f"Lamp/1 ({MOST + 1} subscribers)",
        "Lamp/1 (999999999999999999999 subscribers)",
        "Lamp/1 (many subscribers)",
        "Lamp/1 " + "x" * 5000 + " 3 subscribers",
    ],
)
def test_what_is_no_count_is_none(agent: str) -> None:
    assert told(agent.encode()) is None


@pytest.mark.parametrize(
    "agent",
    [
        "robin@example.org 5 subscribers",
        "robin@example.org/1.0 (5 subscribers)",
        "https://example.org/~robin/reader 5 subscribers",
        "Mozilla/5.0 (compatible; robin@example.org; 5 subscribers)",
        "Mozilla/5.0 (X11; Robin's own machine) Lamp/1 5 subscribers",
        "Mozilla/5.0 (Linux; Android 15; Pixel) Lamp/1 (5 subscribers)",
        "192.0.2.77 5 subscribers",
        "2f0c9a7b6d5e4f30 5 subscribers",
    ],
)
def test_nothing_personal_is_taken_for_a_name(agent: str) -> None:
    found = told(agent.encode())
    assert found is not None
    assert found.aggregator == "others"


@given(st.binary(max_size=700) | st.from_regex(re.compile(rb"[\x00-\xff]{0,40}\d{1,9} subscribers[\x00-\xff]{0,40}")))
@example(b"\xff\xfe 3 subscribers")
@example(b"3 subscribers" * 100)
@example(b"1,1" * 300 + b" readers")
def test_no_bytes_raise_and_a_name_is_short_and_plain(agent: bytes) -> None:
    found = told(agent)
    if found is not None:
        assert 0 < found.readers <= MOST
        assert 0 < len(found.aggregator) <= LONGEST
        assert re.fullmatch(r"[A-Za-z0-9 .!_&'-]+", found.aggregator)
        assert not re.search(r"@|/|://|\d{5}", found.aggregator)


class Days:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def test_the_most_of_a_day_stands_and_ids_of_one_aggregator_add_up() -> None:
    readers = Readers(Days())
    for agent in (FEEDLY.format(7), FEEDLY.format(9), FEEDLY.format(8), OLD.format(3, "a"), OLD.format(4, "b")):
        readers.note("feed.xml", agent.encode())
    readers.note("atom.xml", FEEDLY.format(2).encode())
    assert readers.take() == (
        Counted("atom.xml", "Feedly", DAY, 2),
        Counted("feed.xml", "Feedly", DAY, 9),
        Counted("feed.xml", "The Old Reader", DAY, 7),
    )


def test_what_was_taken_comes_again_only_when_it_has_grown_and_is_then_whole() -> None:
    clock = Days()
    readers = Readers(clock)
    readers.note("feed.xml", OLD.format(3, "a").encode())
    assert readers.take() == (Counted("feed.xml", "The Old Reader", DAY, 3),)
    readers.note("feed.xml", OLD.format(2, "a").encode())
    assert readers.take() == ()
    readers.note("feed.xml", OLD.format(4, "b").encode())
    assert readers.take() == (Counted("feed.xml", "The Old Reader", DAY, 7),)
    clock.now += timedelta(days=1)
    readers.note("feed.xml", OLD.format(1, "a").encode())
    assert readers.take() == (Counted("feed.xml", "The Old Reader", "2026-11-24", 1),)


def test_a_day_that_ends_between_two_takings_is_not_lost() -> None:
    clock = Days()
    readers = Readers(clock)
    readers.note("feed.xml", FEEDLY.format(7).encode())
    clock.now += timedelta(days=1)
    assert readers.take() == (Counted("feed.xml", "Feedly", DAY, 7),)
    assert readers.take() == ()


def test_what_was_heard_is_heard_again_on_another_day() -> None:
    clock = Days()
    readers = Readers(clock)
    for _ in range(2):
        readers.note("feed.xml", FEEDLY.format(7).encode())
        readers.note("feed.xml", FEEDLY.format(7).encode())
        assert [one.day for one in readers.take()] == [clock.now.date().isoformat()]
        clock.now += timedelta(days=1)


def test_made_up_names_paths_and_ids_fill_no_memory() -> None:
    readers = Readers(Days())
    names = [f"{first}{second}bot" for first in "abcdefghijklmnopqrstuvwxyz" for second in "abcdefghijklmnopqrst"]
    for name in names:
        readers.note("feed.xml", f"{name}/1 (1 subscribers)".encode())
    for number in range(1000):
        readers.note("atom.xml", OLD.format(1, number).encode())
    found = readers.take()
    assert len([one for one in found if one.feed == "feed.xml"]) == 200
    assert [one.readers for one in found if one.feed == "atom.xml"] == [50]


def test_many_threads_lose_nothing() -> None:
    readers = Readers(Days())

    def fetch(first: int) -> None:
        for number in range(first, first + 10):
            for _ in range(50):
                readers.note("feed.xml", OLD.format(1, number).encode())

    threads = [Thread(target=fetch, args=(first,)) for first in range(0, 40, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert readers.take() == (Counted("feed.xml", "The Old Reader", DAY, 40),)
