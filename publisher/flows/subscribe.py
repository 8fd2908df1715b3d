"""People come and go: an author's own additions, with the author's word as the evidence."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.newness import find_cadence, find_digest, take_in
from publisher.mail.addresses import parse_mailbox
from publisher.model.subscriber import ConsentKind, Mailbox, SubscriptionState
from publisher.store import arrivals, people

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.model.entry import Item
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings, Settings
    from publisher.model.subscriber import Subscription
    from publisher.store.database import Store

WORDING = "author-1"  # the version of the words below; a change of them gets a new one
VOUCHED = "The author added this person and vouches that they asked for it."
REMOVED = "The author took this person off."
TOKEN_BYTES = 24


class Change(Enum):
    """What a command did to a subscription."""

    ADDED = "added"
    CAME_BACK = "came back"
    CHANGED_PACE = "changed pace"
    REMOVED = "removed"
    NONE = "nothing to change"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants which digest, at which cadence ("" for the one there is, or the one they have)."""

    address: str
    digest: str
    cadence: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of ``subscribers add`` and what the author should hear of."""

    change: Change
    address: str
    digest: DigestSettings
    cadence: str
    said: tuple[Problem, ...] = ()


def add(
    store: Store,
    settings: Settings,
    wish: Wish,
    items: Callable[[], Sequence[Item]],
    now: datetime,
) -> Enrolment:
    """Subscribe a person to a digest at a cadence; doing it again changes nothing.

    ``items`` is asked only when the digest has no baseline yet. Raises UsageError for an unknown
    digest, a bad address, or one that is never to be mailed again.
    """
    digest = find_digest(settings, wish.digest)
    mailbox = parse_mailbox(wish.address)
    with store.writing() as connection:
        if reason := people.suppressed(connection, mailbox):
            raise UsageError(
                f"{mailbox.address} is never to be mailed again ({reason})",
                "Only they themselves can ask for mail again.",
            )
        said = _baseline(connection, digest, items, now)
        found = people.find(connection, mailbox, digest.name)
        if found is not None and found.state is SubscriptionState.CONFIRMED:
            return _repace(connection, digest, found, wish.cadence, said)
        cadence = find_cadence(digest, wish.cadence)
        _confirm(connection, mailbox, digest, cadence, now)
    change = Change.ADDED if found is None else Change.CAME_BACK
    return Enrolment(change, mailbox.address, digest, cadence, said)


def remove(store: Store, address: str, digest: str, now: datetime) -> tuple[Subscription, ...]:
    """End a person's subscription to a digest, or to all ("" for all); returns those that were ended.

    What is planned for them and not yet under way is not sent.
    """
    mailbox = parse_mailbox(address)
    with store.writing() as connection:
        ended = [each for each in people.listing(connection, digest) if _is_theirs(each, mailbox)]
        for each in ended:
            people.leave(connection, each.subscriber, each.digest)
            people.record_consent(
                connection,
                each.subscriber,
                each.digest,
                ConsentKind.REMOVED,
                wording=WORDING,
                evidence=REMOVED,
                now=now,
            )
    return tuple(ended)


def listing(store: Store, digest: str = "") -> tuple[Subscription, ...]:
    """List the subscriptions of one digest, or of all."""
    with store.reading() as connection:
        return people.listing(connection, digest)


def _is_theirs(subscription: Subscription, mailbox: Mailbox) -> bool:
    alive = subscription.state is not SubscriptionState.UNSUBSCRIBED
    return alive and subscription.address.casefold() == mailbox.key


def _baseline(
    connection: Connection, digest: DigestSettings, items: Callable[[], Sequence[Item]], now: datetime
) -> tuple[Problem, ...]:
    """Take in what exists before the first reader comes; later arrivals wait for the next drafting."""
    if arrivals.known_filter(connection, digest.name) is not None:
        return ()
    return take_in(connection, digest, items(), now)


def _repace(
    connection: Connection,
    digest: DigestSettings,
    found: Subscription,
    wanted: str,
    said: tuple[Problem, ...],
) -> Enrolment:
    """Change the pace of someone who reads the digest already; the cursor stays where it is."""
    if not wanted or wanted == found.cadence:
        return Enrolment(Change.NONE, found.address, digest, found.cadence, said)
    cadence = find_cadence(digest, wanted)
    people.change_pace(connection, found.subscriber, digest.name, cadence)
    return Enrolment(Change.CHANGED_PACE, found.address, digest, cadence, said)


def _confirm(connection: Connection, mailbox: Mailbox, digest: DigestSettings, cadence: str, now: datetime) -> None:
    """Confirm by the author's word; the reader begins where the cadence stands."""
    person = people.enrol(connection, mailbox, now)
    people.confirm(
        connection,
        person,
        digest.name,
        cadence=cadence,
        cursor=arrivals.covered(connection, digest.name, cadence),
        token=secrets.token_urlsafe(TOKEN_BYTES),
    )
    people.record_consent(
        connection, person, digest.name, ConsentKind.VOUCHED, wording=WORDING, evidence=VOUCHED, now=now
    )
