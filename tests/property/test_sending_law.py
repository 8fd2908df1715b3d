"""Laws of sending over random histories on a real store, SQLite and PostgreSQL alike.

People come, change their pace, leave and come back; posts appear and vanish; issues are drafted by hand and by the
clock, held, approved and cancelled; processes die. Nobody gets an entry twice; who stays subscribed gets every
entry that arrived since; sending again sends nothing.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from publisher.flows import issuing, subscribe
from publisher.flows.deliver import deliver
from publisher.flows.digest import Occasion, draft
from publisher.flows.schedule import Site, run_due
from publisher.flows.send import send
from publisher.flows.subscribe import Change, Wish
from publisher.mail.transports import MemoryTransport
from publisher.model.issue import IssueState
from publisher.model.settings import Filter
from publisher.store.database import Store, open_store
from publisher.store.tables import arrival, delivery, variant_entry
from tests.databases import drop_database, fresh_database
from tests.mailing import CONFERENCES, NOON, item
from tests.mailing import settings as site_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.mail.compose import Message
    from publisher.mail.transports import Session
    from publisher.model.entry import Item
    from publisher.model.reply import Reply

PACES = ("weekly", "monthly")
TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)))
DIGESTS = {
    name: replace(digest, cadences=(("weekly", "mon 09:00"), ("monthly", "first mon 09:00")))
    for name, digest in (("conferences", CONFERENCES), ("talks", TALKS))
}
NAMES, WEEKLY, PACE = st.sampled_from(list(DIGESTS)), st.just("weekly"), st.sampled_from(PACES)
PEOPLE, POSTS = st.integers(1, 3), st.integers(1, 5)
NOBODY = st.just(0)
STEP = st.one_of(
    st.tuples(st.just("publish"), POSTS, st.sampled_from([("talk",), ("conference", "talk")]), WEEKLY),
    st.tuples(st.just("withdraw"), POSTS, st.just(()), WEEKLY),
    st.tuples(st.just("join"), PEOPLE, NAMES, PACE),
    st.tuples(st.just("leave"), PEOPLE, NAMES, WEEKLY),
    st.tuples(st.just("draft"), NOBODY, NAMES, PACE),
    st.tuples(st.just("hold"), NOBODY, NAMES, PACE),
    st.tuples(st.just("approve"), NOBODY, NAMES, WEEKLY),
    st.tuples(st.just("cancel"), NOBODY, NAMES, WEEKLY),
    st.tuples(st.just("die"), st.integers(0, 2), NAMES, PACE),
    st.tuples(st.just("send"), NOBODY, NAMES, PACE),
    st.tuples(st.just("clock"), st.integers(1, 9), st.just(()), WEEKLY),
)
Step = tuple[str, int, object, str]


class Died(BaseException):
    """The process is gone."""


@dataclass
class Mortal:
    """Keeps messages and dies after so many."""

    inner: MemoryTransport
    lives: int
    where: str = "memory"
    remembers: bool = True

    def session(self) -> Session:
        return self

    def holds(self, name: str) -> bool:
        return self.inner.holds(name)

    def hand_over(self, message: Message, starting: Callable[[], bool], following: Message | None = None) -> Reply:
        del following
        reply = self.inner.hand_over(message, starting)
        self.lives -= 1
        if self.lives < 0:
            raise Died
        return reply

    def close(self) -> None:
        pass


@dataclass
class World:
    """A site, its store, and when each reader's subscription began."""

    folder: Path
    store: Store
    posts: dict[int, Item] = field(default_factory=dict)
    mail: MemoryTransport = field(default_factory=MemoryTransport)
    since: dict[tuple[str, int], int] = field(default_factory=dict)
    moment: datetime = NOON
    runs: int = 0

    def items(self) -> tuple[Item, ...]:
        return tuple(self.posts[number] for number in sorted(self.posts, reverse=True))

    def occasion(self, name: str, pace: str) -> Occasion:
        self.moment += timedelta(hours=1)
        both = site_settings(*DIGESTS.values())
        return Occasion(both, DIGESTS[name], pace, self.folder, self.items(), self.moment)

    def send(self, name: str, pace: str, lives: int = 1000) -> bool:
        through, occasion = Mortal(self.mail, lives), self.occasion(name, pace)
        self.runs += 1
        engine = f"e{self.runs}"
        sent = send(self.store, occasion, through, lambda: self.moment, engine=engine, agree=lambda _: True)
        return sent.drafted is not None or bool(sent.unfinished.worked_on)

    def join(self, number: int, name: str, pace: str) -> None:
        wish = Wish(f"r{number}@example.org", name, pace)
        done = subscribe.add(self.store, self.occasion(name, pace).settings, wish, self.items, self.moment)
        if done.change in {Change.ADDED, Change.CAME_BACK}:
            mine = [s for s in subscribe.listing(self.store, name) if s.address == wish.address]
            self.since[name, number] = mine[0].cursor

    def step(self, kind: str, number: int, what: object, pace: str) -> None:
        if kind == "publish" and isinstance(what, tuple):
            self.posts[number] = item(300 + number, tags=what)
        elif kind == "withdraw":
            self.posts.pop(number, None)
        elif kind == "join":
            self.join(number, str(what), pace)
        elif kind == "leave":
            subscribe.remove(self.store, f"r{number}@example.org", str(what), self.moment)
            self.since.pop((str(what), number), None)
        elif kind in {"draft", "hold"}:
            draft(self.store, self.occasion(str(what), pace), held=kind == "hold")
        elif kind in {"approve", "cancel"}:
            self.lead(kind, str(what))
        elif kind == "send":
            self.send(str(what), pace)
        elif kind == "die":
            self.die(str(what), pace, number)
        elif kind == "clock":
            self.clock(number)

    def lead(self, kind: str, name: str) -> None:
        """Approve, or cancel, the oldest issue of a digest that is held."""
        held = [one.issue.number for one in issuing.listing(self.store, name) if one.issue.state is IssueState.HELD]
        if held:
            (issuing.approve if kind == "approve" else issuing.cancel)(self.store, name, held[0], self.moment)

    def clock(self, days: int) -> None:
        """Let days go by, with a pass of the clock on each."""
        for _ in range(days):
            self.moment += timedelta(hours=23)
            both = site_settings(*DIGESTS.values())
            site = Site(self.folder, both, lambda _: self.items())
            self.runs += 1
            run_due(self.store, site, self.mail, f"e{self.runs}", lambda: self.moment)
            self.resume()

    def resume(self) -> None:
        for one in issuing.listing(self.store):
            if one.issue.state is IssueState.PAUSED:
                issuing.resume(self.store, one.issue.digest, one.issue.number, self.moment)

    def die(self, name: str, pace: str, lives: int) -> None:
        try:
            self.send(name, pace, lives)
        except Died:
            return

    def finish(self) -> None:
        """Let everything go that is held or paused, and send what is pending."""
        for one in issuing.listing(self.store):
            if one.issue.state is IssueState.HELD:
                issuing.approve(self.store, one.issue.digest, one.issue.number, self.moment)
        self.resume()
        deliver(self.store, self.mail, "last", lambda: self.moment)
        for name in DIGESTS:
            for pace in PACES:
                self.send(name, pace)

    def got(self) -> list[tuple[int, str]]:
        """Every entry that was sent to somebody, by the ledger."""
        joined = (variant_entry.c.issue == delivery.c.issue) & (variant_entry.c.variant == delivery.c.variant)
        query = select(delivery.c.subscriber, variant_entry.c.entry).join(variant_entry, joined)
        with self.store.reading() as connection:
            return [(a, b) for a, b in connection.execute(query.where(delivery.c.state == "sent"))]

    def owed(self) -> set[tuple[str, str]]:
        """Every entry that is published and arrived since a present reader's subscription began."""
        present = {
            (name, each.entry.id)
            for name, digest in DIGESTS.items()
            for each in self.posts.values()
            if set(digest.filter.tags) & set(each.entry.tags)
        }
        with self.store.reading() as connection:
            rows = connection.execute(select(arrival.c.digest, arrival.c.entry, arrival.c.seq)).all()
        return {
            (f"r{number}@example.org", entry)
            for (name, number), cursor in self.since.items()
            for digest, entry, seq in rows
            if digest == name and seq > cursor and (name, entry) in present
        }


LEFT_ONE_OF_TWO: list[Step] = [
    ("join", 1, "talks", "weekly"),
    ("join", 2, "talks", "weekly"),
    ("join", 1, "conferences", "weekly"),
    ("publish", 1, ("conference", "talk"), ""),
    ("draft", 0, "conferences", "weekly"),
    ("draft", 0, "talks", "weekly"),
    ("leave", 1, "conferences", ""),
]
LEFT_AFTER_THE_PROCESS_DIED: list[Step] = [
    ("publish", 1, ("conference", "talk"), ""),
    ("join", 2, "conferences", "weekly"),
    ("join", 2, "talks", "weekly"),
    ("die", 0, "conferences", "weekly"),
    ("leave", 2, "conferences", ""),
]
CANCELLED_WHILE_ANOTHER_DIGEST_PASSED_IT_OVER: list[Step] = [
    ("join", 1, "talks", "monthly"),
    ("join", 1, "conferences", "weekly"),
    ("publish", 1, ("conference", "talk"), ""),
    ("hold", 0, "conferences", "weekly"),
    ("send", 0, "talks", "monthly"),
    ("cancel", 0, "conferences", ""),
    ("join", 1, "talks", "weekly"),
]


GIVEN_BACK_THEN_GONE_AT_THE_NEXT_DRAFTING_AND_PUBLISHED_AGAIN: list[Step] = [
    ("join", 2, "talks", "weekly"),
    ("publish", 5, ("talk",), ""),
    ("publish", 3, ("talk",), ""),
    ("hold", 0, "talks", "weekly"),
    ("withdraw", 3, (), ""),
    ("cancel", 0, "talks", ""),
    ("draft", 0, "talks", "weekly"),
    ("publish", 3, ("conference", "talk"), ""),
]


def prove(url: str, history: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(open_store(url, Path(folder))) as store:
        world = World(Path(folder), store)
        for step in history:
            world.step(*step)
        world.finish()
        got = world.got()
        assert len(got) == len(set(got)), "somebody got an entry twice"
        assert len(issue_mails(world)) == messages(store), (
            "a message that the ledger does not know of, or the other way"
        )
        people = {s.subscriber: s.address for s in subscribe.listing(store)}
        missed = world.owed() - {(people[person], entry) for person, entry in got}
        assert not missed, "somebody missed an entry"
        assert not any(world.send(name, pace) for name in DIGESTS for pace in PACES)


@given(st.lists(STEP, min_size=8, max_size=30))
@example(LEFT_ONE_OF_TWO)
@example(LEFT_AFTER_THE_PROCESS_DIED)
@example(CANCELLED_WHILE_ANOTHER_DIGEST_PASSED_IT_OVER)
@example(GIVEN_BACK_THEN_GONE_AT_THE_NEXT_DRAFTING_AND_PUBLISHED_AGAIN)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_reader_gets_every_entry_once_whatever_happens(history: list[Step]) -> None:
    prove("sqlite:///m.sqlite3", history)


@given(st.lists(STEP, min_size=8, max_size=30))
@example(LEFT_ONE_OF_TWO)
@example(CANCELLED_WHILE_ANOTHER_DIGEST_PASSED_IT_OVER)
@example(GIVEN_BACK_THEN_GONE_AT_THE_NEXT_DRAFTING_AND_PUBLISHED_AGAIN)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_same_holds_on_postgresql(history: list[Step]) -> None:
    url = fresh_database()
    try:
        prove(url, history)
    finally:
        drop_database(url)


@pytest.mark.soak
@pytest.mark.skipif("PUBLISHER_SOAK" not in os.environ, reason="a long proof: make soak")
@given(st.lists(STEP, min_size=40, max_size=100))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_it_holds_over_long_histories(history: list[Step]) -> None:
    prove("sqlite:///m.sqlite3", history)


@pytest.mark.soak
@pytest.mark.skipif("PUBLISHER_SOAK" not in os.environ, reason="a long proof: make soak")
@given(st.lists(STEP, min_size=20, max_size=50))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_it_holds_over_longer_histories_on_postgresql(history: list[Step]) -> None:
    url = fresh_database()
    try:
        prove(url, history)
    finally:
        drop_database(url)


def issue_mails(world: World) -> list[str]:
    return [name for name in world.mail.messages if ".letter." not in name]


def messages(store: Store) -> int:
    """Count the deliveries that were sent: each is one message."""
    with store.reading() as connection:
        return len(connection.execute(select(delivery.c.issue).where(delivery.c.state == "sent")).all())
