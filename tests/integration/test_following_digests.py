"""Digests of followed feeds through moves, breaks and kills: nobody gets an entry twice, and nobody misses one."""

from __future__ import annotations

import re
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING

import pytest

from publisher.feeds.fetching import Fetched, Outcome
from publisher.flows import subscribe
from publisher.flows.following import MOST, follow, known_items
from publisher.flows.newness import take_in
from publisher.flows.schedule import Site, next_moment, run_due
from publisher.flows.subscribe import Wish
from publisher.mail.transports import MemoryTransport
from publisher.model.settings import Filter
from publisher.store import followed
from publisher.store.database import open_store
from tests.feed_host import Post, atom
from tests.mailing import CONFERENCES, item, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.flows.schedule import Passed
    from publisher.model.entry import Item
    from publisher.model.followed import Followed
    from publisher.model.settings import DigestSettings
    from publisher.store.database import Store

OLD, NEW = "https://there.test/feed", "https://new.test/feed"
BASE = "https://there.test"
SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)
ONE, TWO, THREE, FOUR = (Post(f"urn:x:{n}", f"Title{n}", n - 9, url=f"{BASE}/{n}") for n in (1, 2, 3, 4))


def of_feed(url: str, start: str = "all") -> DigestSettings:
    return replace(CONFERENCES, filter=Filter(source=url), feed=url, start=start, send_late_within=timedelta(days=2))


def monday(week: int, minute: int = 0) -> datetime:
    """The so-manieth slot: nine in Los Angeles, as winter has it."""
    return datetime(2026, 3, 2, 17 if week == 0 else 16, minute, tzinfo=UTC) + timedelta(days=7 * week)


class Crash(BaseException):
    """The process is gone."""


@dataclass
class World:
    """A server that follows a feed, and the feed's site."""

    folder: Path
    store: Store
    digest: DigestSettings = field(default_factory=lambda: of_feed(OLD))
    now: datetime = SUNDAY
    posts: tuple[Item, ...] = ()
    pages: dict[str, bytes | Fetched] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    mail: MemoryTransport = field(default_factory=MemoryTransport)
    lives: int = 99

    def ask(self, url: str, etag: str = "", modified: str = "") -> Fetched:
        del etag, modified
        self.asked.append(url)
        found = self.pages.get(url, Fetched(Outcome.FAILED, url, "it answers 404 Not Found"))
        return found if isinstance(found, Fetched) else Fetched(Outcome.CHANGED, url, data=found, etag='"a"')

    def publish(self, *posts: Post, more: str = "", at: str = OLD) -> None:
        self.pages[at] = atom(posts, more)

    def items(self, _now: datetime) -> tuple[Item, ...]:
        self.lives -= 1
        if self.lives < 0:
            raise Crash
        with self.store.reading() as connection:
            return (*self.posts, *known_items(connection, OLD), *known_items(connection, NEW))

    def add(self, person: str) -> None:
        wish = Wish(f"{person}@example.org", self.digest.name)
        subscribe.add(self.store, settings(self.digest), wish, lambda: self.items(self.now), self.now)

    def passes(self, at: datetime) -> Passed:
        self.now = at
        site = Site(self.folder, settings(self.digest), self.items, self.ask)
        return run_due(self.store, site, self.mail, "test", lambda: self.now)

    def follow(self, at: datetime) -> list[str]:
        self.now = at
        return [str(one) for one in follow(self.store, settings(self.digest), self.digest.feed, at, ask=self.ask)]

    def state(self, url: str = OLD) -> Followed | None:
        with self.store.reading() as connection:
            return followed.load(connection, url)

    def got(self, person: str = "ann") -> list[list[str]]:
        """The titles of each message to somebody."""
        found = []
        for one in self.mail.messages.values():
            message = message_from_bytes(one.content, policy=default)
            part = message.get_body(("plain",))
            assert part is not None
            if person in message["To"]:
                found.append(sorted(set(re.findall(r"Title\d", str(part.get_content())))))
        return found


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        made = World(tmp_path, store)
        made.publish(TWO, ONE)
        yield made


def begun(world: World) -> World:
    """The feed was seen, there is a reader, and the first issue is out."""
    world.passes(SUNDAY)
    world.add("ann")
    world.passes(monday(0))
    assert world.got() == [["Title1", "Title2"]]
    return world


# Moves


def moved(world: World) -> World:
    """The feed moved for good, and config.toml follows; an entry that nobody was sent has left the feed meanwhile."""
    begun(world)
    world.publish(THREE)
    world.follow(monday(0) + timedelta(days=1))
    world.publish(FOUR, at=NEW)
    world.pages[OLD] = replace(world.ask(NEW), moved=NEW)
    said = world.follow(monday(0) + timedelta(days=2))
    assert any("has moved for good" in one and f'feed = "{NEW}"' in one for one in said)
    world.digest = of_feed(NEW)
    return world


def test_a_feed_that_config_follows_to_its_new_address_is_the_same_feed(world: World) -> None:
    moved(world).passes(monday(1))
    assert world.got()[1:] == [["Title3", "Title4"]]
    assert world.state(OLD) is None
    assert world.asked[-1] == NEW
    world.publish(FOUR, THREE, TWO, ONE, at=NEW)
    world.passes(monday(2))
    assert len(world.got()) == 2


def test_with_start_now_too_what_is_new_at_the_new_address_is_new(world: World) -> None:
    moved(world)
    world.digest = of_feed(NEW, "now")
    world.publish(Post("urn:x:5", "Title5", 2, url=f"{BASE}/5"), FOUR, at=NEW)
    world.passes(monday(1))
    assert world.got()[1:] == [["Title3", "Title4", "Title5"]]


def test_an_address_that_another_digest_still_follows_is_not_taken_over(world: World) -> None:
    moved(world)
    other = replace(of_feed(OLD), name="other")
    follow(world.store, settings(world.digest, other), NEW, monday(1), ask=world.ask)
    assert world.state(OLD) is not None
    assert world.state(NEW) is not None


@pytest.mark.parametrize("start", ["all", "now"])
def test_another_feed_counts_as_given_as_what_a_wider_filter_lets_in_does(world: World, start: str) -> None:
    begun(world)
    world.digest = of_feed(NEW, start)
    world.passes(monday(1) - timedelta(hours=1))  # it cannot be had yet
    world.publish(Post("urn:y:7", "Title7", -9, url="https://new.test/7"), at=NEW)
    world.passes(monday(1))
    assert len(world.got()) == 1
    world.publish(Post("urn:y:8", "Title8", 9, url="https://new.test/8"), at=NEW)
    world.passes(monday(2))
    assert world.got()[1:] == [["Title8"]]


def test_a_digest_that_goes_over_from_posts_to_their_feed_mails_none_of_them_again(world: World) -> None:
    world.digest = replace(CONFERENCES, filter=Filter())
    world.posts = (item(1),)
    world.add("ann")
    world.passes(monday(0))
    assert len(world.mail.messages) == 1
    entry = world.posts[0].entry
    same = Post(entry.id, entry.title, 0, url=entry.url)
    world.digest = of_feed(OLD)
    world.publish(same)
    world.passes(monday(1))
    world.passes(monday(2))
    assert len(world.mail.messages) == 1


def test_a_post_and_an_entry_of_one_id_stand_once_in_an_issue(world: World) -> None:
    twin = item(60)
    world.posts = (twin,)
    world.publish(Post(twin.entry.id, "Title6", 1, url=f"{BASE}/6"))
    world.passes(SUNDAY)
    world.add("ann")
    world.passes(monday(0))
    assert world.got() == [["Title6"]]
    [message] = world.mail.messages.values()
    assert b"Post 60" not in message.content


def test_an_address_that_stopped_answering_is_left_for_the_one_in_config(world: World) -> None:
    begun(world)
    there = replace(world.ask(OLD), url=NEW, moved=NEW)
    world.pages = {OLD: there}
    world.follow(monday(0) + timedelta(days=1))
    world.publish(THREE, TWO)
    world.asked.clear()
    world.follow(monday(0) + timedelta(days=2))
    world.follow(monday(0) + timedelta(days=3))
    assert world.asked == [NEW, OLD]
    state = world.state()
    assert state is not None
    assert (state.address, state.failures) == (OLD, 0)


def test_a_feed_that_sends_itself_from_https_to_http_is_not_believed(world: World) -> None:
    space = "xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"
    for place in ("http://evil.test/feed", "https://good.test/feed"):
        channel = f"<title>T</title><itunes:new-feed-url>{place}</itunes:new-feed-url>"
        world.pages[OLD] = f"<rss version='2.0' {space}><channel>{channel}</channel></rss>".encode()
        world.follow(world.now + timedelta(days=1))
    state = world.state()
    assert state is not None
    assert (state.address, state.etag) == ("https://good.test/feed", "")


# What is seen in part


def test_a_first_look_that_is_cut_off_is_no_beginning(world: World) -> None:
    whole = atom([ONE, TWO, THREE])
    world.digest = of_feed(OLD, "now")
    world.pages[OLD] = whole[: whole.rindex(b"<entry>") + 9]
    world.add("ann")
    assert "ends in the middle" in world.follow(SUNDAY)[0]
    world.pages[OLD] = whole
    world.passes(SUNDAY + timedelta(hours=1))
    world.publish(FOUR, THREE, TWO, ONE)
    world.passes(monday(0))
    assert world.got() == [["Title4"]]


def test_a_feed_that_is_always_cut_off_is_followed_in_the_end(world: World) -> None:
    whole = atom([ONE, TWO])
    world.pages[OLD] = whole[: -len(b"</feed>")]
    for hour in range(4):
        world.follow(SUNDAY + timedelta(hours=hour))
    state = world.state()
    assert state is not None
    assert (state.fetched, state.failures) == (SUNDAY + timedelta(hours=3), 0)


def test_an_archive_that_cannot_be_had_is_asked_again_before_what_leads_to_it_is_known(world: World) -> None:
    begun(world)
    archive = f"{BASE}/2025"
    world.publish(FOUR, more=f'<link rel="prev-archive" href="{archive}"/>')
    said = world.follow(monday(0) + timedelta(days=1))
    assert "what is older in it cannot be had" in said[0]
    world.publish(THREE, TWO, at=archive)
    world.passes(monday(1))
    assert world.got()[1:] == [["Title3", "Title4"]]


def test_an_archive_that_is_gone_for_good_holds_nothing_up_for_long(world: World) -> None:
    begun(world)
    world.publish(FOUR, more=f'<link rel="prev-archive" href="{BASE}/2025"/>')
    for day in range(1, 5):
        world.follow(monday(0) + timedelta(days=day))
    world.passes(monday(1))
    assert world.got()[1:] == [["Title4"]]


def test_a_slot_waits_for_a_feed_that_was_never_seen(world: World) -> None:
    world.pages.clear()
    world.add("ann")
    world.passes(monday(0))
    world.publish(TWO, ONE)
    world.passes(monday(0) + timedelta(hours=3))
    assert world.got() == [["Title1", "Title2"]]


def test_two_ids_of_one_entry_and_two_entries_of_one_id_break_nothing(world: World) -> None:
    begun(world)
    world.publish(TWO._replace(id="urn:new"), ONE)
    world.follow(monday(0) + timedelta(days=1))
    clash = [Post("7", "Title7", 1, url=f"{BASE}/7"), Post(f"{OLD}#7", "Title8", 1, url=f"{BASE}/8")]
    long = Post("x" * 9000, "Title5", 1, url=f"{BASE}/5")
    world.publish(TWO._replace(id="urn:new"), TWO, long, *clash)
    world.follow(monday(0) + timedelta(days=2))
    world.follow(monday(0) + timedelta(days=3))
    world.passes(monday(1))
    assert world.got()[1:] == [["Title5", "Title7"]]


def test_a_web_page_in_its_place_is_told_with_the_feed_that_it_names(world: World) -> None:
    link = b'<link rel="alternate" type="application/rss+xml" href="/rss.xml">'
    world.pages[OLD] = b"<!doctype html><html><head>" + link + b"</head></html>"
    assert f"whose feed is {BASE}/rss.xml" in world.follow(SUNDAY)[0]


def test_after_a_week_of_failures_its_author_is_told_to_look_for_it(world: World) -> None:
    begun(world)
    world.pages.clear()
    for day in range(1, 10):
        said = world.follow(monday(0) + timedelta(days=day, hours=day))
    assert "it may be elsewhere" in said[0]
    assert "since 2026-03-03" in said[0]


# Clocks, kills and company


@pytest.mark.parametrize("wrong", [timedelta(days=900), timedelta(days=3)])
def test_a_clock_that_was_wrong_once_stops_no_looking(world: World, wrong: timedelta) -> None:
    world.follow(SUNDAY + wrong)
    world.publish(THREE, TWO)
    world.follow(SUNDAY)
    with world.store.reading() as connection:
        assert len(known_items(connection, OLD)) == 3


def test_the_clock_wakes_for_the_next_look(world: World) -> None:
    begun(world)
    assert next_moment(world.store, settings(world.digest), world.now) == monday(0) + timedelta(minutes=30)
    world.pages.clear()
    world.follow(monday(0) + timedelta(minutes=30))
    soon = next_moment(world.store, settings(world.digest), world.now)
    assert soon is not None
    assert soon - world.now < MOST


@pytest.mark.parametrize("lives", range(4))
def test_a_kill_between_look_and_draft_loses_nothing_and_doubles_nothing(world: World, lives: int) -> None:
    begun(world)
    world.publish(THREE)
    world.lives = lives
    with suppress(Crash):
        world.passes(monday(1))
    world.lives = 99
    world.publish(FOUR)  # and the feed goes on
    world.passes(monday(1, 2))
    world.passes(monday(2))
    assert sorted(title for titles in world.got()[1:] for title in titles) == ["Title3", "Title4"]


def test_a_reader_who_comes_late_gets_what_comes_later(world: World) -> None:
    begun(world)
    world.add("ben")
    world.publish(THREE, TWO)
    world.passes(monday(1))
    assert world.got("ben") == [["Title3"]]


def test_each_entry_has_an_issue_of_its_own_where_the_digest_says_so(world: World) -> None:
    world.digest = replace(of_feed(OLD), cadences=(("each", "each"),))
    world.add("ann")
    world.passes(SUNDAY)
    world.publish(THREE, TWO, ONE)
    world.passes(SUNDAY + timedelta(minutes=29))
    assert world.got() == [["Title1"], ["Title2"]]
    world.passes(SUNDAY + timedelta(minutes=31))
    assert world.got() == [["Title1"], ["Title2"], ["Title3"]]


def test_what_is_taken_back_before_it_is_mailed_is_not_mailed(world: World) -> None:
    begun(world)
    world.publish(THREE, TWO)
    world.follow(monday(0) + timedelta(days=1))
    world.publish(TWO, more='<at:deleted-entry ref="urn:x:3" when="2026-03-04T00:00:00Z"/>')
    world.passes(monday(1))
    assert len(world.got()) == 1
    world.publish(THREE, TWO)
    world.passes(monday(2))
    assert world.got()[1:] == [["Title3"]]


def test_taking_in_before_the_feed_was_seen_begins_the_digest_and_leaves_its_filter(world: World) -> None:
    with world.store.writing() as connection:
        assert take_in(connection, world.digest, (), SUNDAY) == ()
        wider = replace(world.digest, filter=Filter(source=NEW), feed=NEW)
        assert take_in(connection, wider, (), SUNDAY) == ()
    world.publish(ONE, at=NEW)
    world.digest = of_feed(NEW)
    world.follow(SUNDAY)
    world.add("ann")
    world.passes(monday(0))
    assert world.got() == []


def test_a_move_is_taken_over_on_each_database(store: Store, tmp_path: Path) -> None:
    world = World(tmp_path, store)
    world.publish(TWO, ONE)
    moved(world).passes(monday(1))
    assert world.got()[1:] == [["Title3", "Title4"]]
    with store.reading() as connection:
        assert {item.entry.source for item in known_items(connection, NEW)} == {NEW}
