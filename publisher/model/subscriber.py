"""A subscriber: a person, by email address; a subscription joins one to a digest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class SubscriptionState(Enum):
    """What a person has said about a digest. Only ``CONFIRMED`` is mailed."""

    PENDING = "pending"  # asked for, not yet confirmed by its owner
    CONFIRMED = "confirmed"
    UNSUBSCRIBED = "unsubscribed"


class ConsentKind(Enum):
    """What a consent event records. Events are only ever added."""

    ASKED = "asked"  # a confirmation was sent to the address
    CONFIRMED = "confirmed"  # its owner followed the link
    VOUCHED = "vouched"  # the author gave their word that the person asked for it
    IMPORTED = "imported"  # the same for a whole file
    CADENCE = "cadence"  # another pace was chosen
    LEFT = "left"  # the person unsubscribed
    REASON = "reason"  # why they unsubscribed, in their own words
    REMOVED = "removed"  # the author took the person off


class SuppressionReason(Enum):
    """Why an address is never mailed again."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address in its three shapes.

    ``address`` is as its owner would write it (Unicode domain). ``wire`` goes into the envelope: its domain is
    ASCII, and so is all of it unless the part before the @ is not, which takes a relay with SMTPUTF8 (RFC 6531).
    ``key`` is equal for spellings that differ in case alone.
    """

    address: str
    wire: str
    key: str

    @property
    def domain(self) -> str:
        """The domain as it stands in DNS."""
        return self.wire.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Subscription:
    """One person's place in one digest.

    ``cursor`` is the number of the last arrival that was considered for this reader.
    ``token`` names this subscription in unsubscribe links; it is random and outlives resubscribing.
    ``generation`` counts how often its reader left; ``wire`` is the address as it goes into an envelope.
    """

    subscriber: int
    address: str
    digest: str
    state: SubscriptionState
    cadence: str
    cursor: int
    token: str
    generation: int = 0
    wire: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which subscriptions are meant. ``matching`` is a part of the address; what is empty asks nothing."""

    digest: str = ""
    state: SubscriptionState | None = None
    cadence: str = ""
    matching: str = ""


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One piece of evidence. ``wording`` is the version of the words agreed to; ``at`` is aware UTC."""

    subscriber: int
    digest: str
    kind: ConsentKind
    wording: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why an address is never mailed, in the words that were noted, and since when."""

    reason: SuppressionReason
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one subscription, or of an address that is only suppressed (``subscription`` is None).

    Events are oldest first. ``suppression`` is None unless the address is never to be mailed; ``created`` is when its
    person became known, None for one who is not.
    """

    address: str
    subscription: Subscription | None
    events: tuple[ConsentEvent, ...]
    suppression: Suppression | None
    created: datetime | None = None
