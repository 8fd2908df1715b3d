"""An issue: one dated, numbered edition of a digest at a cadence, frozen when it is drafted."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class IssueState(Enum):
    """Where an issue stands."""

    HELD = "held"  # drafted; goes out when its hold ends or when it is approved
    OPEN = "open"  # some delivery is not final yet
    PAUSED = "paused"  # stopped for the reason it carries; a person resumes or cancels it
    DONE = "done"
    CANCELLED = "cancelled"


class SlotOutcome(Enum):
    """What became of a slot."""

    ISSUED = "issued"
    EMPTY = "empty"  # nothing was new to anybody
    MISSED = "missed"  # nobody was at work, and it was too late when somebody was


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
class Cohort:
    """Confirmed readers of a digest at a cadence who stand alike, as drafting sees them; ``count`` of them.

    ``given`` holds the ids of entries that stand in some unreleased delivery of theirs, in any digest.
    """

    cursor: int
    given: frozenset[str] = frozenset()
    count: int = 1


@dataclass(frozen=True, slots=True)
class Variant:
    """Cohorts with the same pending entries get the same content. Entries are newest first."""

    number: int
    entries: tuple[str, ...]
    cohorts: tuple[Cohort, ...]

    @property
    def readers(self) -> int:
        """Count who gets it."""
        return sum(cohort.count for cohort in self.cohorts)


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
    the https address of our web server, empty where there is none. ``drafted``, ``slot`` (the moment the
    issue was due) and ``release_at`` (when its hold ends; None: by approval, or not held) are aware UTC.
    ``reason`` says why it is held or paused; ``private`` keeps it out of the archive.
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
    state: IssueState = IssueState.OPEN
    reason: str = ""
    slot: datetime | None = None
    release_at: datetime | None = None
    private: bool = False
