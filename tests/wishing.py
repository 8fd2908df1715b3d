"""A site with two digests that visitors meet through its web server: what they wish, and what comes by mail."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from publisher.flows import consent, subscribe, visitors, wishes
from publisher.flows.letters import Desk, settings_link
from publisher.flows.subscribe import Wish
from publisher.flows.wishes import Wished, WishKind
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.settings import Filter
from publisher.store import people, suppressions
from publisher.store.tables import consent_event, letter
from publisher.tokens import load_keys
from tests.mailing import CONFERENCES, NOON, settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import ColumnElement, Table

    from publisher.flows.visitors import Chosen, Visit
    from publisher.flows.wishes import Settled
    from publisher.model.entry import Item
    from publisher.model.subscriber import Subscription, SuppressionReason
    from publisher.store.database import Store

PACES = (("weekly", "mon 09:00"), ("monthly", "first mon 09:00"))
TALKS = replace(CONFERENCES, name="talks", title="Talks", filter=Filter(tags=("talk",)), cadences=PACES)
SITE = settings(CONFERENCES, TALKS, public_url="https://news.example.com/")
ANN = "ann@example.org"


def a_desk(folder: Path) -> Desk:
    """The desk of the site whose templates are in ``folder``."""
    return Desk(SITE, folder, load_keys(folder, {}, make=True))


def subscribing(address: str = ANN, digest: str = "conferences", cadence: str = "weekly") -> Wished:
    return Wished(WishKind.SUBSCRIBE, address, digest, cadence)


def going_home(address: str = ANN) -> Wished:
    return Wished(WishKind.SETTINGS, address)


@dataclass
class Hall:
    """Where visitors come in. Moments are minutes after noon."""

    store: Store
    desk: Desk
    items: tuple[Item, ...] = ()

    def note(self, *wanted: Wished, minutes: float = 0) -> None:
        wishes.note(self.store, wanted, at(minutes))

    def settle(self, minutes: float = 0, most: int = 100) -> Settled:
        return wishes.settle(self.store, self.desk, lambda: self.items, at(minutes), most)

    def wish(self, *wanted: Wished, minutes: float = 0) -> int:
        """Note and settle; returns how many letters that made."""
        self.note(*wanted, minutes=minutes)
        done = self.settle(minutes)
        assert done.left == 0
        return done.letters

    def add(self, address: str = ANN, digest: str = "conferences", cadence: str = "") -> None:
        keys = self.desk.keys
        wish = Wish(address, digest, cadence)
        subscribe.add(self.store, self.desk.settings, wish, lambda: self.items, NOON, lambda: keys)

    def confirm(self, token: str, minutes: float = 0) -> consent.Confirmation:
        return consent.confirm(self.store, self.desk, token, lambda: self.items, at(minutes))

    def peek(self, token: str, minutes: float = 0) -> consent.Confirmation:
        return consent.peek(self.store, self.desk, token, at(minutes))

    def suppress(self, reason: SuppressionReason, address: str = ANN) -> None:
        with self.store.writing() as connection:
            suppressions.suppress(connection, parse_mailbox(address), reason, "", NOON)

    def person(self, address: str = ANN, digest: str = "conferences") -> Subscription:
        with self.store.reading() as connection:
            found = people.find(connection, parse_mailbox(address), digest)
        assert found is not None
        return found

    def letters(self, kind: LetterKind, address: str = ANN) -> list[str]:
        query = select(letter.c.text).where(letter.c.kind == kind.value, letter.c.recipient == address)
        with self.store.reading() as connection:
            return list(connection.execute(query.order_by(letter.c.id)).scalars())

    def token(self, kind: LetterKind = LetterKind.SETTINGS, address: str = ANN) -> str:
        """The token of the link in the last letter of a kind."""
        return str(re.findall(r"/(?:confirm|preferences)/([\w~-]+)", self.letters(kind, address)[-1])[-1])

    def page(self, address: str = ANN, digest: str = "conferences") -> str:
        """The token of somebody's own page."""
        link = settings_link(self.desk.settings, self.desk.keys, self.person(address, digest).subscriber, NOON)
        return link.rpartition("/")[2]

    def visit(self, token: str, minutes: float = 0) -> Visit:
        return visitors.visit(self.store, self.desk, token, at(minutes))

    def choose(self, token: str, wanted: Mapping[str, str], minutes: float = 0) -> Chosen:
        return visitors.choose(self.store, self.desk, token, wanted, lambda: self.items, at(minutes))

    def rows(self, table: Table, *where: ColumnElement[bool]) -> int:
        with self.store.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(table).where(*where)).scalar_one())

    def events(self, address: str = ANN, digest: str = "conferences") -> list[tuple[str, str]]:
        """The kinds and the evidence of what somebody agreed to."""
        mine = (consent_event.c.subscriber == self.person(address, digest).subscriber, consent_event.c.digest == digest)
        query = select(consent_event.c.kind, consent_event.c.evidence).where(*mine).order_by(consent_event.c.id)
        with self.store.reading() as connection:
            return [(row.kind, row.evidence) for row in connection.execute(query)]


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)
