"""What a relay's reply means for a delivery: sent, tried again, given up, or a reason for the whole issue to stop.

The table below is the policy; its first row that fits decides. Its reasons:

- A mailbox is given up for good (a bounce) only where the reply says that it is not there or closed (RFC 3463
  X.1.1, X.1.2, X.1.3, X.1.6, X.1.10, X.2.1), or is a 550 at its own command with no further word.
- What blames us, our message or the order of commands (503, X.5.x, X.7.x, any 5yz that is not about a recipient)
  would be said to every reader alike: the issue pauses, and no address is blamed.
- What may pass (4yz, a broken connection, a full mailbox) is tried again (RFC 5321 4.5.4.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING

from publisher.model.delivery import DeliveryState

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.model.reply import Reply

FIRST = timedelta(minutes=5)
LONGEST = timedelta(hours=4)
SPREAD = 0.2  # of a wait, up or down, so that what was refused together does not come back together
SAMPLE, MOST_REFUSED = 100, 20


class _Fate(Enum):
    SENT = "sent"
    AGAIN = "again"
    BOUNCED = "bounced"
    FAILED = "failed"
    PAUSED = "paused"
    DOUBTFUL = "doubtful"
    WITHHELD = "withheld"


# Stage, code (000 where no reply came), and the status or what else is known of it.
_TABLE = tuple(
    (re.compile(pattern), fate)
    for pattern, fate in (
        (r"content 000 doubtful", _Fate.DOUBTFUL),
        (r"data 000 withheld", _Fate.WITHHELD),
        (r"content 2\d\d .*", _Fate.SENT),
        (r"\w+ 4\d\d .*", _Fate.AGAIN),
        (r"rcpt 000 5\..*", _Fate.FAILED),  # we refused it ourselves: this relay cannot take such an address
        (r"\w+ 000 5\..*", _Fate.PAUSED),  # the same, for a sender that none can take
        (r"\w+ 000 .*", _Fate.AGAIN),  # the connection broke
        (r"rcpt 503 .*", _Fate.PAUSED),
        (r"rcpt 5\d\d 5\.1\.(?:1|2|3|6|10)", _Fate.BOUNCED),
        (r"rcpt 5\d\d 5\.2\.1", _Fate.BOUNCED),
        (r"rcpt 5\d\d 5\.2\.2", _Fate.AGAIN),  # full today
        (r"rcpt 552 -", _Fate.AGAIN),  # the same without a status (RFC 5321 4.5.3.1.10)
        (r"rcpt 5\d\d 5\.[57]\..*", _Fate.PAUSED),
        (r"rcpt 550 -", _Fate.BOUNCED),
        (r"rcpt 5\d\d .*", _Fate.FAILED),
        (r"\w+ 5\d\d .*", _Fate.PAUSED),
        (r".*", _Fate.AGAIN),  # a code that has no meaning at this stage
    )
)

# What the relay says to everybody, whatever the message.
_RELAY = re.compile(r"(?:connect|greeting|tls|auth) .*|\w+ 421 .*|mail (?:4\d\d .*|000 -)")

_STATES = {
    _Fate.SENT: DeliveryState.SENT,
    _Fate.AGAIN: DeliveryState.DEFERRED,
    _Fate.BOUNCED: DeliveryState.FAILED,
    _Fate.FAILED: DeliveryState.FAILED,
    _Fate.PAUSED: DeliveryState.PLANNED,
    _Fate.DOUBTFUL: DeliveryState.DOUBTFUL,
    _Fate.WITHHELD: DeliveryState.PLANNED,
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a delivery becomes.

    ``due_at`` is when a deferred one is due again; ``bounced``: the address is not to be mailed any more;
    ``pause`` says why the issue stops, where it does; ``relay``: the fault is the relay's, which is best left alone
    for a while, whatever the message.
    """

    state: DeliveryState
    detail: str
    due_at: datetime | None = None
    bounced: bool = False
    pause: str = ""
    relay: bool = False


def judge(
    reply: Reply, *, attempt: int, begun: datetime, now: datetime, retry_for: timedelta, jitter: float
) -> Verdict:
    """Say what a reply makes of a delivery.

    ``attempt`` counts from 1; ``begun`` is when the first was due, and from then on it is tried for ``retry_for``,
    the last time at its end. ``jitter`` is from 0 to below 1.
    """
    said = _said(reply)
    fate = _fate(said)
    detail, relay = str(reply), bool(_RELAY.fullmatch(said))
    end = begun + retry_for
    if fate is _Fate.AGAIN and now >= end:
        return Verdict(DeliveryState.RELEASED, f"expired: {detail}", relay=relay)
    return Verdict(
        _STATES[fate],
        detail,
        due_at=min(now + backoff(attempt, jitter), end) if fate is _Fate.AGAIN else None,
        bounced=fate is _Fate.BOUNCED,
        pause=detail if fate is _Fate.PAUSED else "",
        relay=relay,
    )


def backoff(attempt: int, jitter: float = 0.5) -> timedelta:
    """How long to wait after an attempt, counted from 1.

    Twice as long each time, give or take a fifth, and at most four hours.
    """
    doublings = min(attempt - 1, 16)  # beyond, it only grows
    wait = min(FIRST * (1 << doublings), LONGEST / (1 + SPREAD))
    return wait * (1 - SPREAD + 2 * SPREAD * jitter)


def too_many_refusals(refused: int, handed: int) -> bool:
    """Whether so many of the first messages of an issue were refused that its list or its content must be bad."""
    return handed <= SAMPLE and refused >= MOST_REFUSED


def _said(reply: Reply) -> str:
    """A reply as the table reads it."""
    what = reply.enhanced or "-"
    if reply.doubtful:
        what = "doubtful"
    elif not reply.code and reply.text == "withheld":
        what = "withheld"
    return f"{reply.stage.value} {reply.code:03} {what}"


def _fate(said: str) -> _Fate:
    return next(fate for pattern, fate in _TABLE if pattern.fullmatch(said))
