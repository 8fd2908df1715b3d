"""How the mailing stands: what is due and when, under way, deferred, in doubt, held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.flows.issuing import Standing
from publisher.flows.schedule import cadences
from publisher.model.issue import IssueState
from publisher.rules import calendar
from publisher.store import followed, home, issues, ledger, people

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.model.delivery import DeliveryState
    from publisher.model.followed import Followed
    from publisher.model.settings import Settings
    from publisher.store.database import Store


@dataclass(frozen=True, slots=True)
class Due:
    """A cadence: its schedule in words, its next slot (None for "each"), and how many confirmed readers it has."""

    digest: str
    cadence: str
    words: str
    next_slot: datetime | None
    readers: int


@dataclass(frozen=True, slots=True)
class Status:
    """Everything an author may ask.

    ``stranded`` counts the confirmed readers of a (digest, cadence) whose digest config.toml has, but not the cadence:
    they get nothing.
    ``feeds`` are those that digests follow, as far as the store has seen them.
    ``next_due`` is when the next message is to be tried; ``home`` says that the store is where it last sent from.
    """

    due: tuple[Due, ...]
    stranded: dict[tuple[str, str], int]
    alive: tuple[Standing, ...]
    letters: dict[DeliveryState, int]
    next_due: datetime | None
    home: bool
    feeds: tuple[Followed, ...] = ()


def status(store: Store | None, settings: Settings, now: datetime) -> Status:
    """Look, and change nothing. Without a store nobody has subscribed and nothing was sent."""
    if store is None:
        return Status(_due(settings, now, {}), {}, (), {}, None, home=True)
    with store.reading() as connection:
        alive = issues.listing(connection, "", IssueState.HELD, IssueState.OPEN, IssueState.PAUSED)
        readers = people.confirmed(connection)
        return Status(
            _due(settings, now, readers),
            _stranded(settings, readers),
            tuple(Standing(one, ledger.tally(connection, one.id)) for one in alive),
            ledger.letters(connection),
            ledger.next_due(connection),
            home.stands_at_home(connection, store.path),
            tuple(filter(None, (followed.load(connection, url) for url in _feeds(settings)))),
        )


def _feeds(settings: Settings) -> dict[str, None]:
    return dict.fromkeys(digest.feed for digest in settings.digests if digest.feed)


def _due(settings: Settings, now: datetime, readers: dict[tuple[str, str], int]) -> tuple[Due, ...]:
    found = []
    for digest, cadence, text in cadences(settings):
        schedule = calendar.parse(text)
        coming = None if schedule.each else calendar.next_slot(schedule, digest.timezone, now)
        found.append(
            Due(digest.name, cadence, calendar.words(schedule), coming, readers.get((digest.name, cadence), 0))
        )
    return tuple(found)


def _stranded(settings: Settings, readers: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Another schedule may give a cadence another name; its readers chose the old one, and are not moved unasked."""
    known = {digest.name: [name for name, _ in digest.cadences] for digest in settings.digests}
    return {
        (digest, cadence): count
        for (digest, cadence), count in sorted(readers.items())
        if digest in known and cadence not in known[digest]
    }
