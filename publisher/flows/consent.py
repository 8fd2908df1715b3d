"""What people say for themselves: yes to a letter that asked, no more, and at which pace.

Each is a value: links are followed twice, late, and by programs. Consent is recorded though its letter cannot be
written.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from publisher.errors import PublisherError
from publisher.flows.letters import VALID, goodbye_letter, welcome_letter
from publisher.flows.subscribe import PATIENCE, baseline, begin, end, is_token
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.problem import Problem, warning
from publisher.model.subscriber import ConsentKind, SubscriptionState, SuppressionReason
from publisher.store import consents, letters, people, suppressions
from publisher.tokens import Outcome, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.flows.letters import Desk
    from publisher.flows.subscribe import Items
    from publisher.model.letter import Letter
    from publisher.model.settings import DigestSettings
    from publisher.model.subscriber import Subscription
    from publisher.store.database import Store

WORDING = "reader-1"  # the version of the letters' and pages' words; a change of them gets a new one
FOLLOWED = "They followed the link in the letter that asked."
REPLIED = "They sent the token of the letter that asked back by mail."
LEFT = "They followed a link to unsubscribe."
CHOSE = "They chose the pace {cadence} instead of {before}."


class Answer(Enum):
    """What became of a link to confirm."""

    CONFIRMED = "confirmed"
    ALREADY = "confirmed already"
    EXPIRED = "too old"
    WRONG = "not a link of ours, or of before its reader left"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The answer to a link to confirm. The rest is empty where the link is no good."""

    answer: Answer
    address: str = ""
    digest: DigestSettings | None = None
    cadence: str = ""
    said: tuple[Problem, ...] = ()


def confirm(
    store: Store, desk: Desk, token: str, items: Items, now: datetime, *, evidence: str = FOLLOWED
) -> Confirmation:
    """Confirm the subscription that a token was signed for, as its owner; doing it again changes nothing.

    The reader begins where the cadence stands. Their own word lifts a bounce or a request for no more mail, and
    undoes an erasure; a complaint stays. ``items`` is asked only when the digest has no baseline yet.
    """
    read = desk.keys.read(Purpose.CONFIRM, token, VALID, now)
    if read.outcome is not Outcome.GOOD:
        return _NO_GOOD[read.outcome]
    with store.writing() as connection:
        would, person = _judged(connection, desk, read.ids)
        if would.answer is not Answer.CONFIRMED or would.digest is None:
            return would
        said = join(connection, desk, person, would.digest, would.cadence, items, now, evidence)
    return replace(would, said=said)


def peek(store: Store, desk: Desk, token: str, now: datetime) -> Confirmation:
    """Tell what ``confirm`` would answer, CONFIRMED where it would confirm; nothing is changed."""
    read = desk.keys.read(Purpose.CONFIRM, token, VALID, now)
    if read.outcome is not Outcome.GOOD:
        return _NO_GOOD[read.outcome]
    with store.reading() as connection:
        return _judged(connection, desk, read.ids)[0]


_NO_GOOD = {Outcome.EXPIRED: Confirmation(Answer.EXPIRED), Outcome.WRONG: Confirmation(Answer.WRONG)}


def _judged(connection: Connection, desk: Desk, ids: tuple[int | str, ...]) -> tuple[Confirmation, int]:
    """What a token that is ours is good for, and its person's number, 0 where there is none."""
    person, name, generation, wanted = ids
    found = people.by_number(connection, int(person), str(name))
    digest = next((each for each in desk.settings.digests if each.name == name), None)
    if found is None or digest is None or found.generation != generation:
        return Confirmation(Answer.WRONG), 0
    reason = suppressions.reason_of(connection, parse_mailbox(found.address))
    if reason == SuppressionReason.COMPLAINT.value:
        return Confirmation(Answer.WRONG), 0
    if found.state is SubscriptionState.CONFIRMED and not reason:
        return Confirmation(Answer.ALREADY, found.address, digest, found.cadence), found.subscriber
    cadence = current_cadence(digest, str(wanted))
    return Confirmation(Answer.CONFIRMED, found.address, digest, cadence), found.subscriber


def join(
    connection: Connection,
    desk: Desk,
    person: int,
    digest: DigestSettings,
    cadence: str,
    items: Items,
    now: datetime,
    evidence: str,
) -> tuple[Problem, ...]:
    """Let a person in by their own word, in an open ``writing`` transaction; a complaint is for the caller to heed.

    It lifts whatever else kept mail from them. They are welcomed, unless they were a moment ago.
    """
    owner = people.known(connection, person)
    if owner is None:  # whoever calls has looked
        raise AssertionError(person)
    mailbox = parse_mailbox(owner.address)
    suppressions.lift(connection, mailbox)
    suppressions.come_back(connection, desk.keys.erased(mailbox.key))
    said = baseline(connection, digest, items, now)
    begin(connection, person, digest.name, cadence)
    consents.record(connection, person, digest.name, ConsentKind.CONFIRMED, wording=WORDING, evidence=evidence, now=now)
    reader = people.by_number(connection, person, digest.name)
    if reader is None or just_written(connection, LetterKind.WELCOME, reader, now):
        return said
    return said + write(connection, lambda: welcome_letter(connection, desk, reader, digest, cadence, now))


def leave(store: Store, desk: Desk, token: str, now: datetime, *, evidence: str = LEFT) -> tuple[Problem, ...]:
    """End the subscription that an unsubscribe token names; what waits for its reader is not sent.

    Doing it again changes nothing, and what is no token of ours gets the same answer. Returns what the author should
    hear of.
    """
    if not is_token(token):
        return ()
    with store.writing() as connection:
        found = people.by_token(connection, token)
        if found is None or found.state is SubscriptionState.UNSUBSCRIBED:
            return ()
        end(connection, found, ConsentKind.LEFT, WORDING, evidence, now)
        return say_goodbye(connection, desk, found, now) if found.state is SubscriptionState.CONFIRMED else ()


def say_goodbye(connection: Connection, desk: Desk, left: Subscription, now: datetime) -> tuple[Problem, ...]:
    """Write to someone who left, in an open ``writing`` transaction; not about a digest that is no more."""
    digest = next((each for each in desk.settings.digests if each.name == left.digest), None)
    return write(connection, lambda: goodbye_letter(connection, desk, left, digest, now)) if digest else ()


def repace(connection: Connection, reader: Subscription, cadence: str, now: datetime) -> None:
    """Change a reader's pace by their own word, in an open ``writing`` transaction."""
    people.change_pace(connection, reader.subscriber, reader.digest, cadence)
    said = CHOSE.format(cadence=cadence, before=reader.cadence)
    consents.record(
        connection, reader.subscriber, reader.digest, ConsentKind.CADENCE, wording=WORDING, evidence=said, now=now
    )


def current_cadence(digest: DigestSettings, wanted: str) -> str:
    """The cadence that was asked for, or the first where config.toml has it no more."""
    names = [name for name, _ in digest.cadences]
    return wanted if wanted in names else names[0]


def just_written(connection: Connection, kind: LetterKind, reader: Subscription, now: datetime) -> bool:
    """Whether a reader got a letter of a kind about a digest so short a while ago that another would say nothing."""
    last = letters.last_written(connection, kind, reader.subscriber, reader.digest)
    return last is not None and now - last < PATIENCE


def write(connection: Connection, make: Callable[[], Letter]) -> tuple[Problem, ...]:
    """Write a letter, unless a fault of config or template keeps it from being written."""
    try:
        letters.write(connection, make())
    except PublisherError as fault:
        return (warning("", 0, f"a letter could not be written: {fault.message}", fault.remedy),)
    return ()
