"""A site whose issues go out week by week, for tests of the archive."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from publisher.flows import archive, subscribe
from publisher.flows.digest import Occasion
from publisher.flows.newness import find_digest
from publisher.flows.send import send
from publisher.flows.subscribe import Wish
from publisher.mail.transports import MemoryTransport
from publisher.model.settings import Filter
from publisher.store import issues
from tests.mailing import CONFERENCES, NOON, item, settings

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.model.entry import Item
    from publisher.model.feed import Format
    from publisher.model.issue import IssueState
    from publisher.model.settings import Settings
    from publisher.store.database import Store

WEB = "https://mail.example.com/notes/"
TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)))
SECRET = replace(CONFERENCES, name="secret", title="Secret", archive=False)


@dataclass
class Site:
    """A site whose digests are sent as weeks go by."""

    folder: Path
    store: Store
    settings: Settings = field(default_factory=lambda: settings(CONFERENCES, TALKS, SECRET, public_url=WEB))
    items: tuple[Item, ...] = ()
    weeks: int = 0

    def publish(self, *numbers: int, title: str = "") -> None:
        made = [*self.items, *(item(number, title, tags=("conference", "talk")) for number in numbers)]
        self.items = tuple(sorted(made, key=lambda each: each.entry.published, reverse=True))

    def add(self, person: str, digest: str = "conferences") -> None:
        wish = Wish(f"{person}@example.org", digest)
        subscribe.add(self.store, self.settings, wish, lambda: self.items, NOON)

    def occasion(self, digest: str = "conferences") -> Occasion:
        now = NOON + timedelta(days=7 * self.weeks)
        return Occasion(self.settings, find_digest(self.settings, digest), "weekly", self.folder, self.items, now)

    def send(self, digest: str = "conferences") -> None:
        self.weeks += 1
        occasion = self.occasion(digest)
        assert send(
            self.store, occasion, MemoryTransport(), lambda: occasion.now, engine="test", agree=lambda _: True
        ).drafted

    def shown(self, digest: str = "") -> list[tuple[str, int]]:
        return [(one.digest, one.number) for one in archive.past_issues(self.store, self.settings, digest)]

    def page(self, number: int, digest: str = "conferences") -> archive.Page:
        found = archive.page(self.store, self.settings, digest, number)
        assert found is not None
        return found

    def feed(self, wanted: Format, digest: str = "conferences") -> bytes:
        made = archive.feed(self.store, self.settings, digest, wanted)
        assert made is not None
        return made

    def issue(self, number: int, state: IssueState) -> None:
        """Put an issue into a state."""
        with self.store.writing() as connection:
            found = issues.find(connection, "conferences", number)
            assert found is not None
            issues.move(connection, found.id, state, NOON)
