"""What the author's pages show of an issue, as values for templates and for the script that follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from publisher.flows.figures import progress, without_addresses
from publisher.model.delivery import DeliveryState
from publisher.model.issue import IssueState
from publisher.web.charts import Part

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.flows.issuing import Standing
    from publisher.model.settings import Settings

_D = DeliveryState
_PARTS = (
    ("sent", "good", (_D.SENT,)),
    ("failed", "bad", (_D.FAILED,)),
    ("stopped or in doubt", "plain", (_D.RELEASED, _D.HELD, _D.DOUBTFUL)),
    ("waiting", "rest", (_D.PLANNED, _D.SENDING, _D.DEFERRED)),
)
WORDS = {
    _D.SENT: "sent",
    _D.SENDING: "on their way",
    _D.PLANNED: "waiting",
    _D.DEFERRED: "put off by the relay, to be tried again",
    _D.FAILED: "failed",
    _D.DOUBTFUL: "in doubt: nobody knows yet whether they were taken",
    _D.HELD: "in doubt, and left for you to decide",
    _D.RELEASED: "not sent: cancelled, too late, or their readers left",
}
STATES = {
    IssueState.HELD: "is held",
    IssueState.OPEN: "goes out",
    IssueState.PAUSED: "is paused",
    IssueState.DONE: "is done",
    IssueState.CANCELLED: "is cancelled",
}
MAY = {
    "approve": (IssueState.HELD,),
    "resume": (IssueState.PAUSED,),
    "cancel": (IssueState.HELD, IssueState.OPEN, IssueState.PAUSED),
}


@dataclass(frozen=True, slots=True)
class IssueView:
    """An issue as pages show it. ``may`` has what can be done, each with the states that allow it, and whether now."""

    digest: str
    number: int
    title: str
    cadence: str
    state: str
    words: str
    reason: str
    when: str
    over: int
    total: int
    sent: int
    failed: int
    counts: tuple[tuple[str, str, int], ...]  # state, words, messages
    entries: tuple[str, ...]
    reasons: tuple[tuple[str, str, int], ...]
    private: bool
    may: dict[str, tuple[str, bool]]


def issue_view(found: Standing, settings: Settings) -> IssueView:
    """Make the values of an issue."""
    issue, (over, total) = found.issue, progress(found)
    return IssueView(
        issue.digest,
        issue.number,
        f"{issue.title}, issue {issue.number}",
        issue.cadence,
        issue.state.value,
        _state(found, settings),
        issue.reason,
        moment(issue.slot or issue.drafted, settings),
        over,
        total,
        found.counts.get(_D.SENT, 0),
        found.counts.get(_D.FAILED, 0),
        tuple((state.value, words, found.counts.get(state, 0)) for state, words in WORDS.items()),
        found.entries,
        _reasons(found),
        issue.private,
        {name: (" ".join(one.value for one in states), issue.state in states) for name, states in MAY.items()},
    )


def parts_of(found: Standing) -> tuple[Part, ...]:
    """The parts of an issue's bar."""
    return tuple(
        Part(words, kind, sum(found.counts.get(state, 0) for state in states)) for words, kind, states in _PARTS
    )


def bar_of(found: Standing) -> list[dict[str, Any]]:
    """The same for a script: where each part begins and how wide it is, in percent."""
    parts = parts_of(found)
    whole = sum(part.amount for part in parts) or 1
    starts = [sum(part.amount for part in parts[:at]) for at in range(len(parts))]
    return [
        {"part": part.words, "x": round(100 * start / whole, 2), "width": round(100 * part.amount / whole, 2)}
        for part, start in zip(parts, starts, strict=True)
    ]


def progress_json(found: Standing, settings: Settings) -> dict[str, Any]:
    """How far an issue is."""
    over, total = progress(found)
    return {
        "state": found.issue.state.value,
        "words": _state(found, settings),
        "reason": found.issue.reason,
        "over": over,
        "total": total,
        "counts": {state.value: found.counts.get(state, 0) for state in WORDS},
        "bar": bar_of(found),
    }


def moment(at: datetime, settings: Settings) -> str:
    """A moment in the site's own zone."""
    local = at.astimezone(settings.site.timezone)
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M %Z}"


def _state(found: Standing, settings: Settings) -> str:
    issue = found.issue
    until = f" until {moment(issue.release_at, settings)}" if issue.release_at else ""
    over, total = progress(found)
    return f"It {STATES[issue.state]}{until}: {over:,} of {total:,} messages are settled."


def _reasons(found: Standing) -> tuple[tuple[str, str, int], ...]:
    """What relays said, without the addresses they repeat; what is then the same is counted together."""
    counted: dict[tuple[str, str], int] = {}
    for state, words, rows in found.reasons:
        key = (state.value, without_addresses(words))
        counted[key] = counted.get(key, 0) + rows
    return tuple((state, words, rows) for (state, words), rows in counted.items())
