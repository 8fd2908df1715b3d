"""People come and go: an author's own additions, with the author's word as the evidence, or with a question first."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.letters import confirmation_letter
from publisher.flows.newness import find_cadence, find_digest, take_in
from publisher.mail.addresses import parse_mailbox
from publisher.model.delivery import ReleaseReason
from publisher.model.entry import Item
from publisher.model.letter import LetterKind
from publisher.model.subscriber import Choice, ConsentKind, SubscriptionState, SuppressionReason
from publisher.store import arrivals, consents, letters, people, slots, suppressions, wishes
from publisher.store.release import release_readers

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from publisher.flows.letters import Desk
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings, Settings
    from publisher.model.subscriber import Mailbox, Subscription
    from publisher.store.database import Store
    from publisher.tokens import Keys

WORDING = "author-1"  # the version of the words below; a change of them gets a new one
VOUCHED = "The author added this person and vouches that they asked for it."
REMOVED = "The author took this person off."
ASKED = "The author asked whether this person wants it."
TOKEN_BYTES = 24
TOKEN_LEAST, TOKEN_MOST = 16, 64  # characters; an import may bring another program's
PATIENCE = timedelta(minutes=10)  # asked again sooner, nobody gets a second letter

Items = Callable[[], Sequence[Item]]


class Change(Enum):
    """What a command did to a subscription."""

    ADDED = "added"
    CAME_BACK = "came back"
    CHANGED_PACE = "changed pace"
    ASKED = "asked"  # a letter goes out; nothing else is sent before its owner has answered
    ASKED_BEFORE = "asked a short while ago"
    REMOVED = "removed"
    REFUSED = "never to be mailed again"
    NONE = "nothing to change"


@dataclass(frozen=True, slots=True)
class Wish:
    """Who wants which digest, at which cadence ("" for the one there is, or the one they have)."""

    address: str
    digest: str
    cadence: str = ""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of a wish and what the author should hear of."""

    change: Change
    address: str
    digest: DigestSettings
    cadence: str
    said: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the subscriptions that were chosen, and how many there are in all."""

    subscriptions: tuple[Subscription, ...]
    total: int


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was erased. ``known`` is False where nothing was known of the address."""

    known: bool
    digests: tuple[str, ...] = ()
    released: int = 0


def add(
    store: Store,
    settings: Settings,
    wish: Wish,
    items: Items,
    now: datetime,
    keys: Callable[[], Keys] | None = None,
) -> Enrolment:
    """Subscribe a person to a digest at a cadence; doing it again changes nothing.

    ``items`` is asked only when the digest has no baseline yet, ``keys`` only when somebody was erased. Raises
    UsageError for an unknown digest, a bad address, one that is never to be mailed again, or an erased person.
    """
    digest = find_digest(settings, wish.digest)
    mailbox = parse_mailbox(wish.address)
    with store.writing() as connection:
        _refuse_suppressed(connection, mailbox)
        _refuse_erased(connection, mailbox, keys)
        said = baseline(connection, digest, items, now)
        found = people.find(connection, mailbox, digest.name)
        if found is not None and found.state is SubscriptionState.CONFIRMED:
            return _repace(connection, digest, found, wish.cadence, said, now)
        cadence = find_cadence(digest, wish.cadence)
        _vouch(connection, mailbox, digest, cadence, now)
    left = found is not None and found.state is SubscriptionState.UNSUBSCRIBED
    return Enrolment(Change.CAME_BACK if left else Change.ADDED, mailbox.address, digest, cadence, said)


def ask(
    store: Store,
    desk: Desk,
    wish: Wish,
    items: Items,
    now: datetime,
    *,
    evidence: str = ASKED,
    themselves: bool = False,
) -> Enrolment:
    """Ask the owner of an address by letter whether they want a digest; until they answer they get nothing else.

    The letter is the same for known and unknown people; who reads the digest already gets none, at whatever pace.
    ``themselves`` says that somebody asked in their own name, ``evidence`` where. A complaint is for good. A request
    for no more mail keeps the author from asking, and is lifted by its owner's answer alone. Where an address once
    bounced, the letter finds out. Raises UsageError for an unknown digest or a bad address.
    """
    with store.writing() as connection:
        return ask_in(connection, desk, wish, items, now, evidence=evidence, themselves=themselves)


def ask_in(
    connection: Connection, desk: Desk, wish: Wish, items: Items, now: datetime, *, evidence: str, themselves: bool
) -> Enrolment:
    """Ask as ``ask`` does, in an open ``writing`` transaction."""
    digest = find_digest(desk.settings, wish.digest)
    mailbox = parse_mailbox(wish.address)
    cadence = find_cadence(digest, wish.cadence)
    reason = suppressions.reason_of(connection, mailbox)
    if reason == SuppressionReason.COMPLAINT.value or (reason == SuppressionReason.REQUEST.value and not themselves):
        return Enrolment(Change.REFUSED, mailbox.address, digest, cadence)
    if reason == SuppressionReason.BOUNCE.value:
        suppressions.lift(connection, mailbox)
    said = baseline(connection, digest, items, now)
    change = question(connection, desk, mailbox, digest, cadence, now, evidence, again=bool(reason))
    return Enrolment(change, mailbox.address, digest, cadence, said)


def question(
    connection: Connection,
    desk: Desk,
    mailbox: Mailbox,
    digest: DigestSettings,
    cadence: str,
    now: datetime,
    evidence: str,
    *,
    again: bool = False,
) -> Change:
    """Write the letter that asks, in an open ``writing`` transaction, unless there is no need or one just went.

    A reader is asked only ``again``, where their address has been suppressed and they get nothing.
    """
    found = people.find(connection, mailbox, digest.name)
    if found is not None and found.state is SubscriptionState.CONFIRMED and not again:
        return Change.NONE
    person = people.enrol(connection, mailbox, now)
    people.ask(connection, person, digest.name, cadence=cadence, token=new_token())
    last = letters.last_written(connection, LetterKind.CONFIRMATION, person, digest.name)
    if last is not None and now - last < PATIENCE:
        return Change.ASKED_BEFORE
    waiting = people.by_number(connection, person, digest.name)
    if waiting is None:  # written just above
        raise AssertionError(person)
    letters.write(connection, confirmation_letter(connection, desk, waiting, digest, cadence, now))
    consents.record(connection, person, digest.name, ConsentKind.ASKED, wording=WORDING, evidence=evidence, now=now)
    return Change.ASKED


def remove(store: Store, address: str, digest: str, now: datetime) -> tuple[Subscription, ...]:
    """End a person's subscription to a digest, or to all ("" for all); returns those that were ended.

    What is planned for them and not yet under way is not sent.
    """
    mailbox = parse_mailbox(address)
    with store.writing() as connection:
        alive = [each for each in people.of(connection, mailbox) if each.state is not SubscriptionState.UNSUBSCRIBED]
        ended = tuple(each for each in alive if digest in {"", each.digest})
        for each in ended:
            end(connection, each, ConsentKind.REMOVED, WORDING, REMOVED, now)
    return ended


def end(
    connection: Connection, ended: Subscription, kind: ConsentKind, wording: str, evidence: str, now: datetime
) -> None:
    """End a subscription and release what waits for its reader, in an open ``writing`` transaction."""
    people.leave(connection, ended.subscriber, ended.digest)
    release_readers(connection, [ended.subscriber], ReleaseReason.LEFT, now, digest=ended.digest)
    consents.record(connection, ended.subscriber, ended.digest, kind, wording=wording, evidence=evidence, now=now)


def listing(store: Store, digest: str = "") -> tuple[Subscription, ...]:
    """List the subscriptions of one digest, or of all."""
    with store.reading() as connection:
        return people.listing(connection, Choice(digest))


def page(store: Store, choice: Choice, number: int, size: int) -> Page:
    """List one page, counted from 1, of the subscriptions that are chosen; ``size`` 0 means all on one."""
    with store.reading() as connection:
        found = people.listing(connection, choice, skip=(number - 1) * size, most=size)
        return Page(found, people.count(connection, choice))


def forget(store: Store, keys: Keys, address: str, now: datetime) -> Forgotten:
    """Erase a person: all that is known of them goes, and a hash stays that keeps imports from bringing them back.

    Their rows in the ledger stay, of nobody; what waits for them is not sent. Doing it again changes nothing.
    """
    mailbox = parse_mailbox(address)
    mark = keys.erased(mailbox.key)
    with store.writing() as connection:
        person = people.number_of(connection, mailbox)
        suppressed = bool(suppressions.reason_of(connection, mailbox))
        waited = _forget_wishes(connection, mailbox)
        if not person and not suppressed and not waited:
            return Forgotten(known=False)
        digests = tuple(each.digest for each in people.of(connection, mailbox))
        released = release_readers(connection, [person], ReleaseReason.LEFT, now) if person else 0
        if person:
            letters.forget(connection, person)
            people.erase(connection, person)
        suppressions.lift(connection, mailbox)
        suppressions.leave_mark(connection, mark, now)
    return Forgotten(known=True, digests=digests, released=released)


def wishes_of(connection: Connection, mailbox: Mailbox) -> tuple[int, ...]:
    """Number the wishes from the web of an address that nobody has looked at yet, however it is spelled in them."""
    written = wishes.addresses(connection)
    return tuple(number for number, address in written.items() if _key(address) == mailbox.key)


def _forget_wishes(connection: Connection, mailbox: Mailbox) -> bool:
    mine = wishes_of(connection, mailbox)
    for number in mine:
        wishes.remove(connection, number)
    return bool(mine)


def _key(address: str) -> str:
    """What all spellings of an address have in common; empty for what is none."""
    try:
        return parse_mailbox(address).key
    except UsageError:
        return ""


def baseline(connection: Connection, digest: DigestSettings, items: Items, now: datetime) -> tuple[Problem, ...]:
    """Take in what exists before the first reader comes; later arrivals wait for the next drafting."""
    if arrivals.known_filter(connection, digest.name) is not None:
        return ()
    return take_in(connection, digest, items(), now)


def new_token() -> str:
    """Make a token for unsubscribe links."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(token: str) -> bool:
    """Whether a text has the shape of an unsubscribe token."""
    return (
        token.isascii()
        and TOKEN_LEAST <= len(token) <= TOKEN_MOST
        and all(sign.isalnum() or sign in "-_" for sign in token)
    )


def _refuse_suppressed(connection: Connection, mailbox: Mailbox) -> None:
    reason = suppressions.reason_of(connection, mailbox)
    if reason:
        bounced = reason == SuppressionReason.BOUNCE.value
        remedy = (
            "If it works again, ask its owner: --ask" if bounced else "Only they themselves can ask for mail again."
        )
        raise UsageError(f"{mailbox.address} is never to be mailed again ({reason})", remedy)


def _refuse_erased(connection: Connection, mailbox: Mailbox, keys: Callable[[], Keys] | None) -> None:
    if not suppressions.any_erased(connection):
        return
    if keys is None:
        raise UsageError("people were erased from this store, and without its keys nobody can tell who")
    if suppressions.is_erased(connection, keys().erased(mailbox.key)):
        raise UsageError(
            f"{mailbox.address} was erased, and is not added on anybody else's word", "Ask them by letter: --ask"
        )


def _repace(
    connection: Connection,
    digest: DigestSettings,
    found: Subscription,
    wanted: str,
    said: tuple[Problem, ...],
    now: datetime,
) -> Enrolment:
    """Change the pace of someone who reads the digest already; the cursor stays where it is."""
    if not wanted or wanted == found.cadence:
        return Enrolment(Change.NONE, found.address, digest, found.cadence, said)
    cadence = find_cadence(digest, wanted)
    people.change_pace(connection, found.subscriber, digest.name, cadence)
    evidence = f"The author changed the pace from {found.cadence} to {cadence}."
    consents.record(
        connection, found.subscriber, digest.name, ConsentKind.CADENCE, wording=WORDING, evidence=evidence, now=now
    )
    return Enrolment(Change.CHANGED_PACE, found.address, digest, cadence, said)


def _vouch(connection: Connection, mailbox: Mailbox, digest: DigestSettings, cadence: str, now: datetime) -> None:
    """Confirm by the author's word; the reader begins where the cadence stands."""
    person = people.enrol(connection, mailbox, now)
    begin(connection, person, digest.name, cadence)
    consents.record(connection, person, digest.name, ConsentKind.VOUCHED, wording=WORDING, evidence=VOUCHED, now=now)


def begin(connection: Connection, person: int, digest: str, cadence: str) -> None:
    """Confirm a subscription that begins where its cadence stands."""
    cursor = slots.covered(connection, digest, cadence)
    people.confirm(connection, person, digest, cadence=cadence, cursor=cursor, token=new_token())
