"""An issue: one dated, numbered edition of a digest at a cadence, frozen when it is drafted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class IssueState(Enum):
    """Where an issue stands."""

    OPEN = "open"  # some delivery is not final yet
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Arrival:
    """An entry's place in a digest: the moment it first matched, as a number that only grows.

    ``given`` entries count as given to every reader (they stood before the digest began, or came
    in by a widened filter). ``withdrawn`` ones were gone when an issue was drafted; if the entry
    comes back it arrives again, under a new number.
    """

    entry: str
    seq: int
    url: str
    aliases: tuple[str, ...]
    title: str
    published: datetime
    given: bool = False
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A confirmed subscriber of a digest at a cadence, as drafting sees them.

    ``given`` holds the ids of entries that stand in some unreleased delivery of theirs, in any digest.
    """

    subscriber: int
    cursor: int
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Variant:
    """Readers with the same pending entries get the same content. Entries are newest first."""

    number: int
    entries: tuple[str, ...]
    readers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """A variant's content as frozen at drafting. Personal links are still a marker in both parts."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Issue:
    """What all messages of an issue share.

    ``sender`` and ``reply_to`` are mailboxes as written in config.toml, ``list_id`` is the domain-like
    name of RFC 2919, ``unsubscribe_mail`` the address that takes unsubscribe requests and ``public_url``
    the https address of our web server, empty where there is none. ``drafted`` is aware UTC.
    """

    id: int
    digest: str
    cadence: str
    number: int
    title: str
    drafted: datetime
    sender: str
    reply_to: str
    list_id: str
    unsubscribe_mail: str
    public_url: str
