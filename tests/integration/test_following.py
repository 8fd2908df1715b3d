"""A feed that is followed: when it is asked, what its answers mean, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from publisher.feeds.fetching import Fetched, Outcome
from publisher.flows.following import MOST, OLDER, follow, known_items, look_once
from publisher.store import followed
from tests.feed_host import FIRST, Post, atom
from tests.mailing import CONFERENCES, settings

if TYPE_CHECKING:
    from publisher.model.entry import Item
    from publisher.model.followed import Followed
    from publisher.store.database import Store

FEED = "https://there.test/feed"
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
ONE, TWO, THREE = (Post(f"urn:x:{n}", f"Number {n}", n) for n in (1, 2, 3))
DIGEST = replace(CONFERENCES, feed=FEED)


@dataclass
class Net:
    """What stands at addresses. ``asked`` are the addresses that were asked, with whether it was conditionally."""

    pages: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Fetched] = field(default_factory=dict)
    asked: list[tuple[str, bool]] = field(default_factory=list)

    def publish(self, *posts: Post, more: str = "", at: str = FEED) -> None:
        self.pages[at] = atom(posts, more)

    def __call__(self, url: str, etag: str = "", modified: str = "") -> Fetched:
        del modified
        self.asked.append((url, bool(etag)))
        if url in self.answers:
            return self.answers[url]
        data = self.pages.get(url)
        if data is None:
            return Fetched(Outcome.FAILED, url, "it answers 404 Not Found")
        tag = sha256(data).hexdigest()
        return Fetched(Outcome.UNCHANGED, url) if tag == etag else Fetched(Outcome.CHANGED, url, data=data, etag=tag)


@dataclass
class World:
    """A store, a net and a clock."""

    store: Store
    net: Net = field(default_factory=Net)
    now: datetime = NOW

    def look(self, later: timedelta = timedelta(hours=1), fresh: timedelta | None = None) -> list[str]:
        """One look; what was said."""
        self.now += later
        said = follow(self.store, settings(DIGEST), FEED, self.now, fresh=fresh, ask=self.net)
        return [one.message for one in said]

    @property
    def items(self) -> tuple[Item, ...]:
        with self.store.reading() as connection:
            return known_items(connection, FEED)

    @property
    def titles(self) -> list[str]:
        return [item.entry.title for item in self.items]

    @property
    def state(self) -> Followed:
        with self.store.reading() as connection:
            found = followed.load(connection, FEED)
        assert found is not None
        return found


@pytest.fixture
def world(store: Store) -> World:
    made = World(store)
    made.net.publish(TWO, ONE)
    return made


# When it is asked


def test_it_is_asked_conditionally_and_not_before_it_is_time(world: World) -> None:
    assert world.look() == []
    assert world.look(timedelta(minutes=29)) == []
    assert world.net.asked == [(FEED, False)]
    world.look(timedelta(minutes=1))
    assert world.net.asked == [(FEED, False), (FEED, True)]
    assert world.titles == ["Number 2", "Number 1"]


def test_a_slot_asks_sooner_but_not_within_a_minute_and_an_author_always(world: World) -> None:
    world.look()
    world.look(timedelta(seconds=59), timedelta(minutes=1))
    assert len(world.net.asked) == 1
    world.look(timedelta(seconds=1), timedelta(minutes=1))
    world.look(timedelta(0), timedelta(0))
    assert len(world.net.asked) == 3


@pytest.mark.parametrize(
    ("wait", "minutes", "pause"),
    [
        (None, 0, timedelta(minutes=30)),
        (timedelta(hours=2), 0, timedelta(hours=2)),
        (timedelta(seconds=1), 0, timedelta(minutes=30)),
        (None, 90, timedelta(minutes=90)),
        (timedelta(days=30), 0, MOST),
    ],
)
def test_what_a_server_and_a_feed_ask_for_is_granted_within_a_day(
    world: World, wait: timedelta | None, minutes: int, pause: timedelta
) -> None:
    text = f'<rss version="2.0"><channel><title>T</title><ttl>{minutes}</ttl></channel></rss>'
    world.net.answers[FEED] = Fetched(Outcome.CHANGED, FEED, data=text.encode(), wait=wait)
    world.look()
    assert world.state.due - world.now == pause


def test_a_server_that_fails_is_given_ever_more_time_and_a_day_at_most(world: World) -> None:
    world.look()
    world.net.answers[FEED] = Fetched(Outcome.FAILED, FEED, "it answers 500")
    pauses = []
    for _ in range(12):
        [said] = world.look(max(world.state.due - world.now, timedelta(0)))
        assert "it answers 500" in said
        pauses.append((world.state.due - world.now) / timedelta(minutes=1))
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses[-1] == 24 * 60
    assert world.titles == ["Number 2", "Number 1"]
    del world.net.answers[FEED]
    assert world.look(timedelta(days=1)) == [f"{FEED} is there again"]
    assert (world.state.failures, world.state.failing, world.state.fault) == (0, None, "")


def test_a_slot_does_not_press_a_server_that_fails(world: World) -> None:
    world.net.answers[FEED] = Fetched(Outcome.FAILED, FEED, "it answers 503", wait=timedelta(hours=3))
    world.look()
    world.look(timedelta(hours=2), timedelta(minutes=1))
    assert len(world.net.asked) == 1


# Where it is


def test_a_feed_that_moved_for_good_is_asked_where_it_is_now(world: World) -> None:
    there = "https://new.test/feed"
    world.net.publish(TWO, ONE, at=there)
    world.net.answers[FEED] = replace(world.net(there), moved=there)
    assert world.look() == [f"{FEED} has moved for good"]
    world.net.asked.clear()
    assert world.look() == []
    assert world.net.asked == [(there, True)]


def test_a_feed_that_is_elsewhere_for_a_while_is_asked_where_it_was(world: World) -> None:
    world.net.answers[FEED] = replace(world.net(FEED), url="https://cdn.test/feed")
    assert world.look() == []
    assert world.state.address == FEED


def test_a_feed_that_says_it_is_gone_is_named_loudly_and_its_entries_stay(world: World) -> None:
    world.look()
    world.net.answers[FEED] = Fetched(Outcome.GONE, FEED, "it answers 410 Gone")
    said = follow(world.store, settings(DIGEST), FEED, NOW + timedelta(hours=9), ask=world.net)
    assert "set another feed" in said[0].remedy
    assert len(world.items) == 2


# What is new, and what is not


def test_what_leaves_the_feed_stays_and_what_comes_back_is_the_same(world: World) -> None:
    world.look()
    world.net.publish(THREE)
    world.look()
    assert world.titles == ["Number 3", "Number 2", "Number 1"]
    world.net.publish(ONE, TWO)
    world.look()
    assert len(world.items) == 3


def test_a_site_that_gives_everything_a_new_id_is_recognised(world: World) -> None:
    posts = [Post(f"https://old.test/{n}", f"Post {n}", n % 3, url=f"https://there.test/p/{n}") for n in range(60)]
    world.net.publish(*posts)
    world.look()
    before = {item.entry.id for item in world.items}
    world.net.publish(*(post._replace(id=f"urn:uuid:{n}", title=f"{post.title}!") for n, post in enumerate(posts)))
    world.look()
    assert {item.entry.id for item in world.items} == before
    world.net.publish(*posts)  # and back
    world.look()
    assert {item.entry.id for item in world.items} == before


def test_of_two_that_could_be_it_neither_is_taken_and_it_is_named(world: World) -> None:
    twins = [Post(f"urn:x:{n}", "Monthly notes", 1, url=f"https://there.test/{n}") for n in (1, 2)]
    world.net.publish(*twins)
    world.look()
    world.net.publish(Post("urn:x:9", "Monthly notes", 1, url="https://there.test/9"))
    [said] = world.look()
    assert "may be one of several known entries" in said
    assert len(world.items) == 2


def test_an_edit_is_taken_over_and_is_not_new(world: World) -> None:
    world.look()
    world.net.publish(TWO._replace(title="Number 2, mended", html="<p>Better.</p>"), ONE)
    world.look()
    assert world.titles == ["Number 2, mended", "Number 1"]
    assert "Better." in world.items[0].body.feed_html


def test_only_a_word_of_the_feed_takes_an_entry_back(world: World) -> None:
    world.look()
    world.net.publish(TWO)
    world.look()
    assert len(world.items) == 2
    world.net.publish(TWO, more='<at:deleted-entry ref="urn:x:1" when="2026-03-31T00:00:00Z"/>')
    world.look()
    assert world.titles == ["Number 2"]
    world.net.publish(TWO, ONE)
    world.look()
    assert len(world.items) == 2


def test_a_complete_feed_takes_back_what_is_not_in_it_unless_it_is_cut_off_or_empty(world: World) -> None:
    world.look()
    world.net.publish(more="<fh:complete/>")
    world.look()
    assert len(world.items) == 2
    cut = atom([TWO, ONE], "<fh:complete/>")
    world.net.pages[FEED] = cut[: cut.rindex(b"<entry>") + 20]
    assert any("ends in the middle" in said for said in world.look())
    assert len(world.items) == 2
    world.net.publish(TWO, more="<fh:complete/>")
    world.look()
    assert world.titles == ["Number 2"]


def test_after_a_long_absence_the_archives_are_read_until_something_is_known(world: World) -> None:
    world.look()
    posts = [Post(f"urn:y:{n}", f"Later {n}", 10 + n, url=f"https://there.test/later/{n}") for n in range(6)]
    chain = [
        ("https://there.test/a1", posts[2:4]),
        ("https://there.test/a2", [*posts[:2], TWO]),
        ("https://there.test/a3", [ONE]),
    ]
    links = [f'<link rel="prev-archive" href="{place}"/>' for place, _ in chain]
    for (place, some), older in zip(chain, [*links[1:], ""], strict=True):
        world.net.publish(*some, more=older, at=place)
    world.net.publish(*posts[4:], more=links[0])
    world.net.asked.clear()
    world.look()
    assert len(world.items) == 8
    assert [url for url, _ in world.net.asked] == [FEED, "https://there.test/a1", "https://there.test/a2"]


def test_archives_that_never_end_do(world: World) -> None:
    world.look()
    for n in range(100):
        older = f'<link rel="prev-archive" href="https://there.test/a{n + 1}"/>'
        world.net.publish(Post(f"urn:y:{n}", f"Later {n}", n), more=older, at=f"https://there.test/a{n}")
    world.net.publish(THREE, more='<link rel="prev-archive" href="https://there.test/a0"/>')
    world.net.asked.clear()
    world.look()
    assert len(world.net.asked) <= OLDER + 2


# What is odd


def test_entries_without_dates_or_from_the_future_are_of_now(world: World) -> None:
    text = (
        b'<rss version="2.0"><channel><title>T</title><item><guid>a</guid><title>No date</title></item><item>'
        b"<guid>b</guid><title>Tomorrow</title><pubDate>Mon, 01 Jan 2035 00:00:00 GMT</pubDate></item></channel></rss>"
    )
    world.net.pages[FEED] = text
    world.look()
    assert {item.entry.published for item in world.items} == {world.now}
    first = world.now
    world.net.pages[FEED] = text.replace(b"No date", b"Still none")
    world.look()
    assert min(item.entry.published for item in world.items) == first


def test_ids_that_are_no_addresses_are_parted_by_their_feed(world: World) -> None:
    world.net.pages[FEED] = (
        b'<rss version="2.0"><channel><title>T</title><item><guid>7</guid><title>S</title></item></channel></rss>'
    )
    world.look()
    assert [item.entry.id for item in world.items] == [f"{FEED}#7"]


def test_of_two_entries_with_one_id_the_first_counts_and_nameless_ones_are_told(world: World) -> None:
    head = '<rss version="2.0"><channel><title>T</title>'
    items = "<item><guid>a</guid><title>First</title></item><item><guid>a</guid><title>Second</title></item>"
    items += "<item><title>None</title></item>"
    world.net.pages[FEED] = f"{head}{items}</channel></rss>".encode()
    [said] = world.look()
    assert "cannot be told apart: 1" in said
    assert world.titles == ["First"]


def test_hostile_texts_reach_the_store_harmless(world: World) -> None:
    bad = "\x00\x08\ud800\ufffe"
    item = {
        "id": f"x{bad}",
        "title": f"T{bad}" + "x" * 100_000,
        "content_html": f"<p onclick=x>{bad}<script>1</script><a href='javascript:x'>y</a>" + "<div>" * 5000,
        "authors": [{"name": f"N{bad}"}],
        "tags": [f"t{bad}"],
        "url": "/rel",
    }
    import json  # noqa: PLC0415 - its one use

    text = json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [item]})
    world.net.pages[FEED] = text.encode()
    world.look()
    [found] = world.items
    whole = repr(found)
    assert not any(sign in whole for sign in ("\\x00", "\\x08", "\\ud800", "script", "javascript", "onclick"))
    assert found.entry.url == "https://there.test/rel"


def test_texts_of_what_left_long_ago_are_let_go_and_the_rest_is_kept(world: World) -> None:
    world.look()
    world.net.publish(THREE)
    world.look(timedelta(days=200))
    assert [bool(item.body.feed_html) for item in world.items] == [True, False, False]
    assert world.titles == ["Number 3", "Number 2", "Number 1"]
    world.net.publish(ONE)
    world.look()
    assert world.titles == ["Number 3", "Number 2", "Number 1"]
    assert all(item.body.summary for item in world.items)


def test_of_two_processes_that_look_at_once_one_writes(world: World) -> None:
    inner: list[list[str]] = []

    def ask(url: str, etag: str, modified: str) -> Fetched:
        if not inner:
            inner.append([])
            follow(world.store, settings(DIGEST), FEED, NOW, ask=world.net)
        return world.net(url, etag, modified)

    assert follow(world.store, settings(DIGEST), FEED, NOW, ask=ask) == ()
    assert len(world.items) == 2


def test_a_look_without_a_store_gives_what_the_feed_holds(world: World) -> None:
    assert [item.entry.title for item in look_once(FEED, NOW, world.net)] == ["Number 2", "Number 1"]
    assert [item.entry.published for item in look_once(FEED, NOW, world.net)][1] == FIRST + timedelta(days=1)
