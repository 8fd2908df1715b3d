"""What an author does with issues that stand: look at them, let them go, stop them, go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.model.delivery import DeliveryState, ReleaseReason
from publisher.model.issue import Issue, IssueState
from publisher.store import issues, ledger
from publisher.store.release import release_issue

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.store.database import Store

REASONS = 5  # different words of relays that are shown for a state


@dataclass(frozen=True, slots=True)
class Standing:
    """An issue with its deliveries counted by state."""

    issue: Issue
    counts: dict[DeliveryState, int]
    entries: tuple[str, ...] = ()
    reasons: tuple[tuple[DeliveryState, str, int], ...] = ()  # state, words, how many rows


def listing(store: Store, digest: str = "") -> tuple[Standing, ...]:
    """List the issues of a digest, or of all, oldest first."""
    with store.reading() as connection:
        return tuple(Standing(one, ledger.tally(connection, one.id)) for one in issues.listing(connection, digest))


def show(store: Store, digest: str, number: int) -> Standing:
    """Tell everything about one issue. Raises UsageError when there is none."""
    with store.reading() as connection:
        found = _find(connection, digest, number)
        said = tuple(
            (state, words, rows)
            for state in DeliveryState
            for words, rows in ledger.reasons(connection, found.id, state, REASONS)
            if words and state is not DeliveryState.SENT
        )
        return Standing(found, ledger.tally(connection, found.id), issues.entries(connection, found.id), said)


def approve(store: Store, digest: str, number: int, now: datetime) -> Issue:
    """Let a held issue go out. Raises UsageError when it is not held."""
    with store.writing() as connection:
        found = _find(connection, digest, number)
        _require(found, IssueState.HELD)
        issues.move(connection, found.id, IssueState.OPEN, now)
    return found


def resume(store: Store, digest: str, number: int, now: datetime, *, held: bool = False) -> tuple[Issue, int]:
    """Go on with a paused issue; deferred messages are due at once.

    With ``held``, messages that nobody knows the fate of are sent again, also of a finished issue; returns how
    many of those there were. Raises UsageError when there is nothing to go on with.
    """
    with store.writing() as connection:
        found = _find(connection, digest, number)
        _require(found, IssueState.PAUSED, IssueState.OPEN, *((IssueState.DONE,) if held else ()))
        again = ledger.send_held(connection, found.id, now) if held else 0
        if found.state is not IssueState.DONE or again:
            issues.move(connection, found.id, IssueState.OPEN, now)
            ledger.hurry(connection, found.id, now)
    return found, again


def cancel(store: Store, digest: str, number: int, now: datetime, *, drop: bool = False) -> tuple[Issue, int]:
    """Stop an issue; returns it and how many messages will not leave.

    Its entries go to the next issue of those who did not get them, unless they are to ``drop``. Raises UsageError
    when the issue is over.
    """
    with store.writing() as connection:
        found = _find(connection, digest, number)
        _require(found, IssueState.HELD, IssueState.OPEN, IssueState.PAUSED)
        stopped = release_issue(connection, found.id, ReleaseReason.CANCELLED, now, lower=not drop)
        issues.move(connection, found.id, IssueState.CANCELLED, now)
    return found, stopped


def newest_held(store: Store, digest: str, cadence: str) -> Issue | None:
    """Find the last issue of a cadence that is held."""
    with store.reading() as connection:
        held = [one for one in issues.listing(connection, digest, IssueState.HELD) if one.cadence == cadence]
    return held[-1] if held else None


def _find(connection: Connection, digest: str, number: int) -> Issue:
    found = issues.find(connection, digest, number)
    if found is None:
        raise UsageError(
            f"the digest {digest} has no issue {number}", f"See which there are: publisher digest list {digest}"
        )
    return found


def _require(found: Issue, *states: IssueState) -> None:
    if found.state not in states:
        wanted = " or ".join(state.value for state in states)
        raise UsageError(
            f"{found.title}, issue {found.number} is {found.state.value}, not {wanted}",
            f"See how it stands: publisher digest show {found.digest} {found.number}",
        )
