"""A subscriber: a person, by email address; a subscription joins one to a digest."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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
    REMOVED = "removed"  # the author took the person off


class SuppressionReason(Enum):
    """Why an address is never mailed again."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address in its three shapes.

    ``address`` is as its owner would write it (Unicode domain), ``wire`` the ASCII form that every
    relay takes, ``key`` the form that is equal for spellings that differ in case alone.
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
    """

    subscriber: int
    address: str
    digest: str
    state: SubscriptionState
    cadence: str
    cursor: int
    token: str
