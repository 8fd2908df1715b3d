"""Keeping the mailing store: its backup, and making a copy of it the one that sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import StoreError
from publisher.flows.schedule import cadences
from publisher.model.issue import IssueState, SlotOutcome
from publisher.store import arrivals, consents, home, issues, slots, sqlite
from publisher.store.audience import end_cursors
from publisher.store.database import plain_faults

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from publisher.model.issue import Issue
    from publisher.model.settings import Settings
    from publisher.store.database import Store

ADOPTED = "the store was adopted: see whether it was sent from the other copy, then approve or cancel it"


@dataclass(frozen=True, slots=True)
class Adopted:
    """What adopting came to: issues that are held now, and the last word of a reader that this copy knows of."""

    held: tuple[Issue, ...]
    caught_up: bool
    last_consent: datetime | None


def adopt(store: Store, settings: Settings, now: datetime, *, keep_pending: bool = False) -> Adopted:
    """Make this copy the one that sends.

    Issues that were going out are held, slots that passed count as missed, and what is pending counts as given,
    since the other copy may have sent all of it; with ``keep_pending`` the last does not.
    """
    with store.writing() as connection:
        open_issues = issues.listing(connection, "", IssueState.OPEN)
        for one in open_issues:
            issues.move(connection, one.id, IssueState.HELD, now, reason=ADOPTED)
        for digest, cadence, _ in cadences(settings):
            if arrivals.known_filter(connection, digest.name) is None:
                continue
            covered = slots.covered(connection, digest.name, cadence)
            slots.record(connection, digest.name, cadence, now, SlotOutcome.MISSED, upto=covered)
        if not keep_pending:
            end_cursors(connection)
        home.settle(connection, store.path)
        return Adopted(open_issues, not keep_pending, consents.last_moment(connection))


def back_up(store: Store, target: Path) -> None:
    """Copy an SQLite store into a file, whole, while it is in use. Raises StoreError."""
    if store.path is None:
        raise StoreError("a store on PostgreSQL is backed up by its own tools", "Use pg_dump.")
    if target.exists():
        raise StoreError(f"{target} exists already", "Name a file that is not there yet: no backup is overwritten.")
    try:
        with plain_faults(str(target)):
            sqlite.back_up(store.path, target)
    except OSError as fault:
        raise StoreError(f"{target} cannot be written: {fault.strerror}", "Name a place you may write to.") from fault
