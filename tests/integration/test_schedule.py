"""The clock's passes: slots, catching up, holds, what is odd, and a year of Mondays with crashes and downtime."""

from __future__ import annotations

import os
import random
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from publisher.errors import UsageError
from publisher.flows import issuing, subscribe
from publisher.flows.digest import Occasion, draft, draft_anew
from publisher.flows.newness import find_digest
from publisher.flows.schedule import Site, next_moment, run_due
from publisher.flows.status import status
from publisher.flows.subscribe import Wish
from publisher.mail.transports import MemoryTransport
from publisher.model.delivery import DeliveryState
from publisher.model.issue import IssueState
from publisher.store.database import Store, open_store
from publisher.store.tables import slot
from tests.mailing import CONFERENCES, item, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from publisher.flows.schedule import Passed
    from publisher.mail.compose import Message
    from publisher.mail.transports import Session, Transport
    from publisher.model.entry import Item
    from publisher.model.reply import Reply
    from publisher.model.settings import DigestSettings

LA = ZoneInfo("America/Los_Angeles")
SUNDAY = datetime(2026, 3, 1, 12, tzinfo=UTC)  # the Sunday before a Monday, a week before the clocks change there


def monday(week: int, hour: int = 9) -> datetime:
    """The so-manieth Monday after, at a local hour, as UTC."""
    return datetime(2026, 3, 2, hour, tzinfo=LA) + timedelta(days=7 * week)


@dataclass
class World:
    """A site whose clock the tests move."""

    folder: Path
    store: Store
    digest: DigestSettings = CONFERENCES
    now: datetime = SUNDAY
    items: tuple[Item, ...] = ()
    mail: MemoryTransport = field(default_factory=MemoryTransport)

    def publish(self, *posts: Item) -> None:
        made = [*self.items, *posts]
        self.items = tuple(sorted(made, key=lambda each: each.entry.published, reverse=True))

    def add(self, person: str, cadence: str = "") -> None:
        wish = Wish(f"{person}@example.org", self.digest.name, cadence)
        subscribe.add(self.store, settings(self.digest), wish, lambda: self.items, self.now)

    def passes(self, at: datetime | None = None, through: Transport | None = None) -> Passed:
        self.now = at or self.now
        site = Site(self.folder, settings(self.digest), lambda _: self.items)
        return run_due(self.store, site, through or self.mail, "test", lambda: self.now)

    def got(self, *, letters: bool = False) -> list[tuple[str, str]]:
        """Recipient and subject of every message of an issue, in the order they left."""
        read = [message_from_bytes(m.content, policy=default) for m in self.mail.messages.values()]
        return [
            (str(m["To"]).partition("@")[0], str(m["Subject"]))
            for m in read
            if (".letter." in str(m["Message-ID"])) == letters
        ]

    def subjects(self) -> list[tuple[str, str]]:
        return [(who, what.partition(": ")[2]) for who, what in self.got()]

    def slots(self) -> list[tuple[str, str]]:
        with self.store.reading() as connection:
            rows = connection.execute(select(slot.c.slot, slot.c.outcome).order_by(slot.c.slot)).all()
        return [(f"{row.slot.astimezone(LA):%m-%d %H:%M}", row.outcome) for row in rows]

    def issue(self, number: int = 1) -> issuing.Standing:
        return issuing.show(self.store, self.digest.name, number)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        yield World(tmp_path, store)


def begun(world: World, *people: str) -> World:
    """The digest has its baseline, a first post and readers."""
    world.publish(item(1))
    for person in people or ("ann",):
        world.add(person)
    return world


def test_nothing_is_sent_before_its_slot_and_everything_once_after(world: World) -> None:
    begun(world)
    world.passes(monday(0, 8))
    assert world.got() == []
    passed = world.passes(monday(0))
    assert [(made.drafted.number, made.drafted.readers) for made in passed.made] == [(1, 1)]
    for minute in range(5):
        assert world.passes(monday(0) + timedelta(minutes=minute)).made == ()
    assert world.subjects() == [("ann", "Post 1")]
    assert world.slots() == [("03-02 09:00", "issued")]


def test_a_slot_with_nothing_new_is_written_down_and_mails_nobody(world: World) -> None:
    begun(world)
    for week in range(3):
        world.passes(monday(week))
    assert len(world.got()) == 1
    assert [outcome for _, outcome in world.slots()] == ["issued", "empty", "empty"]


def test_a_slot_keeps_its_hour_when_the_clocks_change(world: World) -> None:
    begun(world)
    world.passes(monday(0))
    world.publish(item(62))
    world.passes(monday(1) - timedelta(minutes=1))
    assert len(world.got()) == 1
    world.passes(monday(1))
    assert world.subjects()[1:] == [("ann", "Post 62")]
    assert [when for when, _ in world.slots()] == ["03-02 09:00", "03-09 09:00"]


def test_a_slot_missed_by_a_little_is_caught_up_once(world: World) -> None:
    begun(world)
    world.passes(monday(0, 20))
    assert world.subjects() == [("ann", "Post 1")]
    assert world.slots() == [("03-02 09:00", "issued")]


def test_a_slot_missed_by_much_is_said_so_and_rolls_into_the_next(world: World) -> None:
    begun(world)
    passed = world.passes(monday(0, 9) + timedelta(hours=13))
    assert world.got() == []
    assert "missed 2026-03-02 09:00" in str(passed.said[-1])
    assert world.slots() == [("03-02 09:00", "missed")]
    world.publish(item(62))
    world.passes(monday(1))
    assert world.subjects() == [("ann", "Post 62 and one more")]


def test_of_many_missed_slots_only_the_last_is_sent(world: World) -> None:
    begun(world)
    world.passes()
    world.publish(item(62))
    passed = world.passes(monday(5, 10))
    assert world.subjects() == [("ann", "Post 62 and one more")]
    assert [outcome for _, outcome in world.slots()] == ["missed"] * 5 + ["issued"]
    assert "5 slots" in "".join(map(str, passed.said))


def test_each_new_entry_has_a_mail_of_its_own(world: World) -> None:
    world.digest = replace(CONFERENCES, cadences=(("each", "each"),))
    begun(world)
    world.passes()
    world.publish(item(62), item(63))
    world.passes(world.now + timedelta(minutes=1))
    world.passes(world.now + timedelta(minutes=1))
    assert world.subjects() == [("ann", "Post 1"), ("ann", "Post 62"), ("ann", "Post 63")]


def test_a_newcomer_to_each_gets_no_old_entries(world: World) -> None:
    world.digest = replace(CONFERENCES, cadences=(("each", "each"),))
    world.publish(item(1))
    world.passes()
    world.add("ann")
    world.publish(item(62))
    world.passes(world.now + timedelta(minutes=1))
    assert world.subjects() == [("ann", "Post 62")]


def test_two_paces_of_one_digest_each_get_everything_once(world: World) -> None:
    world.digest = replace(CONFERENCES, cadences=(("weekly", "mon 09:00"), ("monthly", "first mon 09:00")))
    world.publish(item(1))
    world.add("wendy", "weekly")
    world.add("molly", "monthly")
    for week in range(6):
        world.passes(monday(week))
        world.publish(item(62 + 7 * week))
    assert [what for who, what in world.subjects() if who == "molly"] == ["Post 1", "Post 90 and four more"]
    weekly = [what for who, what in world.subjects() if who == "wendy"]
    assert weekly == ["Post 1", *(f"Post {n}" for n in range(62, 91, 7))]


def test_who_changes_pace_gets_no_entry_twice_and_misses_none(world: World) -> None:
    world.digest = replace(CONFERENCES, cadences=(("weekly", "mon 09:00"), ("monthly", "first mon 09:00")))
    world.publish(item(1))
    world.add("ann", "weekly")
    world.passes(monday(0))
    world.publish(item(62))
    world.add("ann", "monthly")
    world.passes(monday(1))
    world.publish(item(63))
    world.passes(monday(5))
    world.add("ann", "weekly")
    world.passes(monday(6))
    assert world.subjects() == [("ann", "Post 1"), ("ann", "Post 63 and one more")]


def test_a_held_issue_goes_out_when_its_hold_ends(world: World) -> None:
    world.digest = replace(CONFERENCES, hold=timedelta(hours=2))
    begun(world)
    passed = world.passes(monday(0))
    assert passed.made[0].drafted.reason
    assert world.got() == []
    assert [who for who, _ in world.got(letters=True)] == ["digest"]
    world.passes(monday(0, 10))
    assert world.got() == []
    world.passes(monday(0, 11))
    assert world.subjects() == [("ann", "Post 1")]
    assert len(world.got(letters=True)) == 1


def test_a_hold_that_ended_while_nobody_was_there_waits_for_a_person(world: World) -> None:
    world.digest = replace(CONFERENCES, hold=timedelta(hours=2))
    begun(world)
    world.passes(monday(0))
    passed = world.passes(monday(2, 8))
    assert world.got() == []
    assert world.issue().issue.state is IssueState.PAUSED
    assert "nobody was at work" in "".join(map(str, passed.said))


def test_an_issue_to_be_approved_waits_until_it_is(world: World) -> None:
    world.digest = replace(CONFERENCES, approve=True)
    begun(world)
    world.passes(monday(0))
    world.passes(monday(0, 20))
    assert world.got() == []
    issuing.approve(world.store, "conferences", 1, world.now)
    world.passes()
    assert world.subjects() == [("ann", "Post 1")]


def test_a_cancelled_issue_gives_its_entries_to_the_next_and_a_dropped_one_does_not(world: World) -> None:
    world.digest = replace(CONFERENCES, approve=True)
    begun(world)
    world.passes(monday(0))
    issuing.cancel(world.store, "conferences", 1, world.now)
    world.publish(item(62))
    world.passes(monday(1))
    issuing.cancel(world.store, "conferences", 2, world.now, drop=True)
    world.publish(item(63))
    world.passes(monday(2))
    issuing.approve(world.store, "conferences", 3, world.now)
    world.passes()
    assert world.subjects() == [("ann", "Post 63")]
    assert world.issue(1).counts == {DeliveryState.RELEASED: 1}
    assert len(world.issue(2).entries) == 2


def test_a_held_issue_is_drafted_anew_after_an_edit(world: World) -> None:
    world.digest = replace(CONFERENCES, approve=True)
    begun(world)
    world.passes(monday(0))
    world.items = (item(1, "A better title"),)
    occasion = Occasion(settings(world.digest), world.digest, "weekly", world.folder, world.items, world.now)
    again = draft_anew(world.store, occasion, 1)
    assert again is not None
    assert (again.number, again.readers) == (1, 1)
    issuing.approve(world.store, "conferences", 1, world.now)
    world.passes()
    assert world.subjects() == [("ann", "A better title")]
    assert world.slots() == [("03-02 09:00", "issued")]


def test_only_a_held_issue_is_drafted_anew(world: World) -> None:
    begun(world)
    world.passes(monday(0))
    occasion = Occasion(settings(world.digest), world.digest, "weekly", world.folder, world.items, world.now)
    for number in (1, 9):
        with pytest.raises(UsageError, match=f"no held issue {number}"):
            draft_anew(world.store, occasion, number)


def test_far_more_entries_than_usual_are_held(world: World) -> None:
    begun(world)
    for week in range(4):
        world.passes(monday(week))
        world.publish(item(60 + week))
    world.publish(*(item(70 + n) for n in range(40)))
    world.passes(monday(4))
    assert world.issue(5).issue.state is IssueState.HELD
    assert "41 entries" in world.issue(5).issue.reason


def test_entries_dated_long_before_the_previous_issue_are_held(world: World) -> None:
    begun(world)
    world.passes(monday(0))
    world.publish(item(-400, "From the old blog"))
    world.passes(monday(1))
    assert world.issue(2).issue.state is IssueState.HELD
    assert "From the old blog" in world.issue(2).issue.reason
    assert [who for who, _ in world.got(letters=True)] == ["digest"]


def test_a_fault_of_one_digest_is_told_and_its_slot_stays_due(world: World) -> None:
    begun(world)
    templates = world.folder / "templates" / "mail"
    templates.mkdir(parents=True)
    (templates / "issue.txt.j2").write_text("{{ issue.titel }}")
    passed = world.passes(monday(0))
    assert passed.fault is not None
    assert "titel" in "".join(map(str, passed.said))
    assert world.got() == []
    (templates / "issue.txt.j2").unlink()
    world.passes(monday(0) + timedelta(minutes=1))
    assert world.subjects() == [("ann", "Post 1")]


def test_equal_posts_readers_and_time_draft_the_same_issue(tmp_path: Path) -> None:
    drafted = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with closing(open_store("sqlite:///mailing.sqlite3", folder)) as store:
            world = begun(World(folder, store), "ann", "ben")
            world.passes(monday(0))
            own = store.id
            drafted.append([m.content.replace(own.encode(), b"") for m in world.mail.messages.values()])
    assert [b"Message-ID" in one for one in drafted[0]] == [True, True]
    # tokens are random by design: everything else is equal
    assert [len(one) for one in drafted[0]] == [len(one) for one in drafted[1]]


def test_status_tells_what_is_due_and_what_waits(world: World) -> None:
    world.digest = replace(CONFERENCES, approve=True)
    begun(world)
    world.passes(monday(0))
    found = status(world.store, settings(world.digest), world.now)
    assert [(due.words, due.next_slot, due.readers) for due in found.due] == [("Mondays at 09:00", monday(1), 1)]
    assert [(one.issue.number, one.counts) for one in found.alive] == [(1, {DeliveryState.PLANNED: 1})]
    assert found.home


def test_the_clock_knows_when_to_wake_next(world: World) -> None:
    world.digest = replace(CONFERENCES, hold=timedelta(hours=2))
    begun(world)
    assert next_moment(world.store, settings(world.digest), world.now) == monday(0)
    world.passes(monday(0))
    assert next_moment(world.store, settings(world.digest), world.now) == monday(0, 11)


def test_a_manual_send_has_no_hold(world: World) -> None:
    world.digest = replace(CONFERENCES, approve=True)
    begun(world)
    found = find_digest(settings(world.digest), "conferences")
    made = draft(world.store, Occasion(settings(world.digest), found, "weekly", world.folder, world.items, world.now))
    assert made is not None
    assert made.reason == ""


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Crashing:
    """Passes messages on and dies before or after one of them."""

    inner: MemoryTransport
    lives: int
    after: bool
    where: str = "memory"
    remembers: bool = True

    def session(self) -> Session:
        return self

    def holds(self, name: str) -> bool:
        return self.inner.holds(name)

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        del following
        self.lives -= 1
        if self.lives < 0 and not self.after:
            raise Crash
        reply = self.inner.hand_over(message, starting)
        if self.lives < 0:
            raise Crash
        return reply

    def close(self) -> None:
        pass


def test_a_year_of_mondays_with_crashes_and_downtime_mails_each_entry_once(world: World) -> None:
    a_year(world, 0)


@pytest.mark.soak
@pytest.mark.skipif("PUBLISHER_SOAK" not in os.environ, reason="a long proof: make soak")
@pytest.mark.parametrize("seed", range(1, 9))
def test_eight_further_years(world: World, seed: int) -> None:
    a_year(world, seed)


def a_year(world: World, seed: int) -> None:
    dice = random.Random(seed)
    world.digest = replace(CONFERENCES, send_late_within=timedelta(hours=12))
    world.publish(item(1))
    readers = [f"r{number}" for number in range(6)]
    for reader in readers:
        world.add(reader)
    hour = timedelta(hours=6)
    moment, asleep = SUNDAY, 0
    while moment < SUNDAY + timedelta(days=366):
        moment += hour
        number = (moment - datetime(2026, 1, 1, tzinfo=UTC)).days
        if dice.random() < 0.07 and world.items[0] != item(number):
            world.publish(item(number))
        if not asleep and dice.random() < 0.01:
            asleep = dice.randint(1, 12)
        if asleep:
            asleep -= 1
            continue
        through = Crashing(world.mail, dice.randint(0, 5), dice.random() < 0.5) if dice.random() < 0.2 else None
        try:
            world.passes(moment, through)
        except Crash:
            world.passes(moment)
        for standing in issuing.listing(world.store, "conferences"):
            if standing.issue.state is IssueState.PAUSED:
                issuing.resume(world.store, "conferences", standing.issue.number, moment)
    last = moment + timedelta(days=8)
    while moment < last:
        moment += hour
        world.passes(moment)
    outcomes = [outcome for _, outcome in world.slots()]
    assert 52 <= len(outcomes) <= 54
    assert outcomes.count("issued") > 30
    got = [
        (message["To"], line)
        for message in (message_from_bytes(m.content, policy=default) for m in world.mail.messages.values())
        for line in next(message.iter_parts()).get_content().splitlines()
        if line.startswith("https://example.com/posts/")
    ]
    assert len(got) == len(set(got)), "an entry came twice"
    assert len(got) == len(readers) * len(world.items), "an entry never came"
