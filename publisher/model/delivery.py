"""A delivery: issue x subscriber, one row, one state. The table below is the whole state machine."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class DeliveryState(Enum):
    """Where a delivery stands."""

    PLANNED = "planned"
    SENDING = "sending"  # committed before the transport is handed the message
    SENT = "sent"
    DEFERRED = "deferred"  # refused for now, due again at ``due_at``
    FAILED = "failed"
    DOUBTFUL = "doubtful"  # the process died; the message may or may not have been accepted
    HELD = "held"  # doubtful, and left for a person to decide
    RELEASED = "released"  # never handed over; its entries are pending again


class ReleaseReason(Enum):
    """Why a delivery was released."""

    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LEFT = "left"
    SUPPRESSED = "suppressed"


_S = DeliveryState

TRANSITIONS = {
    _S.PLANNED: frozenset({_S.SENDING, _S.DEFERRED, _S.RELEASED}),  # deferred unsent: the relay cannot be reached
    _S.SENDING: frozenset({_S.SENT, _S.DEFERRED, _S.FAILED, _S.DOUBTFUL, _S.PLANNED, _S.RELEASED}),
    _S.DEFERRED: frozenset({_S.SENDING, _S.PLANNED, _S.RELEASED}),  # planned: resumed by a person
    _S.DOUBTFUL: frozenset({_S.SENT, _S.PLANNED, _S.HELD}),
    _S.HELD: frozenset({_S.PLANNED, _S.RELEASED}),  # a person decides
    _S.SENT: frozenset[DeliveryState](),
    _S.FAILED: frozenset[DeliveryState](),
    _S.RELEASED: frozenset[DeliveryState](),
}

# An issue is done when each of its deliveries is in one of these. HELD is shown to the author.
FINAL = frozenset({_S.SENT, _S.FAILED, _S.RELEASED, _S.HELD})


def may_become(before: DeliveryState, after: DeliveryState) -> bool:
    """Whether the state machine has this step."""
    return after in TRANSITIONS[before]


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery or letter that is ours to hand over now, with all that is personal about its message.

    Letters belong to no issue: theirs is 0, and ``subscriber`` is then the letter's own id. ``attempt``
    counts from 1; ``begun`` is when the first attempt was made, from which retries are aged, ``started`` when this
    one was (aware UTC).
    """

    issue: int
    subscriber: int
    variant: int
    recipient: str  # as it goes into the envelope
    token: str
    domain: str = ""
    attempt: int = 1
    begun: datetime | None = None
    started: datetime | None = None

    @property
    def is_letter(self) -> bool:
        """Whether this is a letter and no part of an issue."""
        return self.issue == 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claim.

    ``due_at`` is when a deferred one is due again; ``bounced`` says that the address is not to be mailed any
    more; ``pause`` says why the whole issue stops, where it does.
    """

    claim: Claim
    state: DeliveryState
    detail: str = ""
    due_at: datetime | None = None
    bounced: bool = False
    pause: str = ""
