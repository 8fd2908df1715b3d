"""Laws of sending over random histories on a real store: leaving, coming back, dying and sending again included.

Nobody gets an entry twice; who stays subscribed gets every entry that arrived since; sending again sends nothing.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from publisher.flows import subscribe
from publisher.flows.deliver import deliver
from publisher.flows.digest import Occasion, draft
from publisher.flows.send import send
from publisher.flows.subscribe import Wish
from publisher.mail.transports import MemoryTransport
from publisher.model.settings import Filter
from publisher.store.database import Store, open_store
from publisher.store.tables import arrival, delivery, variant_entry
from tests.mailing import CONFERENCES, NOON, item
from tests.mailing import settings as site_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from publisher.mail.compose import Message
    from publisher.mail.transports import Session
    from publisher.model.entry import Item
    from publisher.model.reply import Reply

TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)))
DIGESTS = {"conferences": CONFERENCES, "talks": TALKS}
NAMES = st.sampled_from(list(DIGESTS))
STEP = st.one_of(
    st.tuples(st.just("publish"), st.integers(1, 4), st.sampled_from([("talk",), ("conference", "talk")])),
    st.tuples(st.just("withdraw"), st.integers(1, 4), st.just(())),
    st.tuples(st.just("join"), st.integers(1, 2), NAMES),
    st.tuples(st.just("leave"), st.integers(1, 2), NAMES),
    st.tuples(st.just("draft"), st.just(0), NAMES),
    st.tuples(st.just("die"), st.integers(0, 2), NAMES),
    st.tuples(st.just("send"), st.just(0), NAMES),
)


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

    def hand_over(self, message: Message, starting: Callable[[], bool]) -> Reply:
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

    def items(self) -> tuple[Item, ...]:
        return tuple(self.posts[number] for number in sorted(self.posts, reverse=True))

    def occasion(self, name: str) -> Occasion:
        self.moment += timedelta(days=7)
        both = site_settings(CONFERENCES, TALKS)
        return Occasion(both, DIGESTS[name], "weekly", self.folder, self.items(), self.moment)

    def send(self, name: str, lives: int = 1000) -> bool:
        through = Mortal(self.mail, lives)
        sent = send(self.store, self.occasion(name), through, lambda: self.moment, engine="e", agree=lambda _: True)
        return sent.drafted is not None or bool(sent.unfinished.worked_on)

    def join(self, number: int, name: str) -> None:
        wish = Wish(f"r{number}@example.org", name)
        done = subscribe.add(self.store, self.occasion(name).settings, wish, self.items, self.moment)
        if done.change is not subscribe.Change.NONE:
            mine = [s for s in subscribe.listing(self.store, name) if s.address == wish.address]
            self.since[name, number] = mine[0].cursor

    def step(self, kind: str, number: int, what: object) -> None:
        if kind == "publish" and isinstance(what, tuple):
            self.posts[number] = item(number, tags=what)
        elif kind == "withdraw":
            self.posts.pop(number, None)
        elif kind == "join":
            self.join(number, str(what))
        elif kind == "leave":
            subscribe.remove(self.store, f"r{number}@example.org", str(what), self.moment)
            self.since.pop((str(what), number), None)
        elif kind == "draft":
            draft(self.store, self.occasion(str(what)))
        elif kind == "send":
            self.send(str(what))
        elif kind == "die":
            self.die(str(what), number)

    def die(self, name: str, lives: int) -> None:
        try:
            self.send(name, lives)
        except Died:
            return

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


LEFT_ONE_OF_TWO: list[tuple[str, int, object]] = [
    ("join", 1, "talks"),
    ("join", 2, "talks"),
    ("join", 1, "conferences"),
    ("publish", 1, ("conference", "talk")),
    ("draft", 0, "conferences"),
    ("draft", 0, "talks"),
    ("leave", 1, "conferences"),
]
LEFT_AFTER_THE_PROCESS_DIED: list[tuple[str, int, object]] = [
    ("publish", 1, ("conference", "talk")),
    ("join", 2, "conferences"),
    ("join", 2, "talks"),
    ("die", 0, "conferences"),
    ("leave", 2, "conferences"),
]


@given(st.lists(STEP, min_size=8, max_size=30))
@example(LEFT_ONE_OF_TWO)
@example(LEFT_AFTER_THE_PROCESS_DIED)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_reader_gets_every_entry_once_whatever_happens(history: list[tuple[str, int, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder, closing(open_store("sqlite:///m.sqlite3", Path(folder))) as store:
        world = World(Path(folder), store)
        for step in history:
            world.step(*step)
        deliver(store, world.mail, "e", lambda: world.moment)
        for name in DIGESTS:
            world.send(name)
        got = world.got()
        assert len(got) == len(set(got))
        assert len(world.mail.messages) == messages(store)
        people = {s.subscriber: s.address for s in subscribe.listing(store)}
        assert world.owed() <= {(people[person], entry) for person, entry in got}
        assert not any(world.send(name) for name in DIGESTS)


def messages(store: Store) -> int:
    """Count the deliveries that were sent: each is one message."""
    with store.reading() as connection:
        return len(connection.execute(select(delivery.c.issue).where(delivery.c.state == "sent")).all())
