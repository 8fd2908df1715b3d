"""What visitors of the web server wish: checked by shape alone, written down, and settled later.

A visitor's answer must be the same, and take the same time, whoever an address belongs to. So a request only checks
what needs no store and writes one row; who is known, suppressed or was asked a moment ago is found out afterwards,
where nobody waits for it. A wish goes in the transaction that writes its letter: a kill neither loses nor doubles it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from publisher.errors import PublisherError, StoreError, TemplateError, UsageError
from publisher.flows.consent import current_cadence
from publisher.flows.letters import settings_letter
from publisher.flows.subscribe import PATIENCE, Change, Wish, ask_in
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.problem import Problem, warning
from publisher.model.subscriber import SuppressionReason
from publisher.store import letters, people, suppressions, wishes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.flows.letters import Desk
    from publisher.flows.subscribe import Items
    from publisher.model.settings import DigestSettings, Settings
    from publisher.model.subscriber import Mailbox
    from publisher.store.database import Store
    from publisher.store.wishes import Waiting

DAY, DAY_LIMIT = timedelta(hours=24), 3  # so many letters at most to one address in a day, whatever is wished
ASKING = (LetterKind.CONFIRMATION, LetterKind.SETTINGS)
LONGEST = 320  # characters; no address that can be mailed has more
EVIDENCE = "Somebody asked for it on the web page, at {at}."


class WishKind(Enum):
    """What a visitor may wish without having said who they are."""

    SUBSCRIBE = "subscribe"
    SETTINGS = "settings"  # the link to their own page


@dataclass(frozen=True, slots=True)
class Wished:
    """A visitor's wish. ``digest`` and ``cadence`` may be empty where there is no choice, or none is needed."""

    kind: WishKind
    address: str
    digest: str = ""
    cadence: str = ""


@dataclass(frozen=True, slots=True)
class Settled:
    """How many letters were written and how many wishes are left; of these, ``stuck`` were tried and must wait.

    ``said`` tells what kept or dropped any, without a word about whose they were.
    """

    letters: int
    left: int
    said: tuple[Problem, ...] = ()
    stuck: int = 0


def check(settings: Settings, wished: Wished) -> Wished:
    """Complete a wish as far as that can be done without the store.

    Raises UsageError, in words for the page of whoever wished.
    """
    if len(wished.address) > LONGEST:
        raise UsageError("That is too long to be an email address.", "Write it as name@example.org.")
    address = parse_mailbox(wished.address).address
    if wished.kind is WishKind.SETTINGS:
        return Wished(WishKind.SETTINGS, address)
    digest = offered_digest(settings, wished.digest)
    return Wished(wished.kind, address, digest.name, offered_cadence(digest, wished.cadence))


def offered_digest(settings: Settings, wanted: str) -> DigestSettings:
    """Look up what a visitor chose; without a word, the only digest. Raises UsageError as ``check`` does."""
    known = {digest.name: digest for digest in settings.digests}
    if wanted in known:
        return known[wanted]
    if not wanted and len(known) == 1:
        return settings.digests[0]
    if not known:
        raise UsageError("There is nothing to subscribe to here.")
    fault = "There is no such digest here." if wanted else "No digest was chosen."
    raise UsageError(fault, f"There is: {', '.join(known)}.")


def offered_cadence(digest: DigestSettings, wanted: str) -> str:
    """Look up the pace that a visitor chose; without a word, the only one. Raises UsageError as ``check`` does."""
    names = [name for name, _ in digest.cadences]
    if wanted in names:
        return wanted
    if not wanted and len(names) == 1:
        return names[0]
    fault = f"{digest.title} does not come at such a pace." if wanted else f"No pace was chosen for {digest.title}."
    raise UsageError(fault, f"There is: {', '.join(names)}.")


def note(store: Store, wanted: Sequence[Wished], now: datetime) -> None:
    """Write down wishes that were checked, all in one transaction."""
    if wanted:
        rows = [(each.kind.value, each.address, each.digest, each.cadence) for each in wanted]
        with store.turning() as connection:  # drafting is not waited for
            wishes.add(connection, rows, now)


def settle(store: Store, desk: Desk, items: Items, now: datetime, most: int = 100) -> Settled:
    """Do what the oldest wishes want: write a letter, or nothing.

    One that config.toml has no more is dropped. One whose letter cannot be written now, since a template or a key of
    config.toml is broken, is kept and waits behind all others. ``items`` is asked only for a digest without baseline.
    """
    with store.reading() as connection:
        waiting = wishes.oldest(connection, most)
        left = wishes.count(connection)
    if waiting and (broken := _broken(desk)):
        return Settled(0, left, broken, stuck=left)
    done = [_settled(store, desk, items, now, each) for each in waiting]
    with store.reading() as connection:
        left = wishes.count(connection)
    said = tuple(dict.fromkeys(problem for each in done for problem in each.said))
    return Settled(sum(each.letters for each in done), left, said, sum(each.stuck for each in done))


def _broken(desk: Desk) -> tuple[Problem, ...]:
    """What keeps every letter from being written; it is found out once, not for each."""
    try:
        desk.templates()
    except TemplateError as fault:
        return (_waits(fault),)
    return ()


class _Done(NamedTuple):
    """What became of one wish."""

    letters: int = 0
    said: tuple[Problem, ...] = ()
    stuck: bool = False


def _settled(store: Store, desk: Desk, items: Items, now: datetime, waiting: Waiting) -> _Done:
    try:
        with store.writing() as connection:
            if not wishes.remove(connection, waiting.id):
                return _Done()  # somebody else was quicker
            return _granted(connection, desk, items, now, waiting)
    except StoreError:
        raise
    except PublisherError as fault:
        with store.writing() as connection:
            wishes.put_last(connection, waiting)
        return _Done(0, (_waits(fault),), stuck=True)


def _granted(connection: Connection, desk: Desk, items: Items, now: datetime, waiting: Waiting) -> _Done:
    try:
        mailbox = parse_mailbox(waiting.address)
    except UsageError:
        return _dropped("it names no address that can be mailed")
    if waiting.kind == WishKind.SUBSCRIBE.value:
        return _asked(connection, desk, mailbox, items, now, waiting)
    if not desk.settings.web_public_url:
        return _dropped("without [web] public_url there is no page to lead anybody to")
    return _Done(_lead_home(connection, desk, mailbox, now))


def _asked(
    connection: Connection, desk: Desk, mailbox: Mailbox, items: Items, now: datetime, waiting: Waiting
) -> _Done:
    digest = next((each for each in desk.settings.digests if each.name == waiting.digest), None)
    if digest is None:
        return _dropped(f"config.toml has no digest {waiting.digest} any more")
    if _had_enough(connection, people.number_of(connection, mailbox), now):
        return _Done()
    wish = Wish(mailbox.address, digest.name, current_cadence(digest, waiting.cadence))
    evidence = EVIDENCE.format(at=waiting.at.isoformat(timespec="seconds"))
    asked = ask_in(connection, desk, wish, items, now, evidence=evidence, themselves=True)
    if asked.change is Change.NONE:  # a reader, who should find out that they are one
        return _Done(_lead_home(connection, desk, mailbox, now), asked.said)
    return _Done(int(asked.change is Change.ASKED), asked.said)


def _waits(fault: PublisherError) -> Problem:
    return warning("", 0, f"a wish from the web waits: {fault.message}", fault.remedy)


def _dropped(why: str) -> _Done:
    return _Done(0, (warning("", 0, f"a wish from the web was dropped: {why}"),))


def _lead_home(connection: Connection, desk: Desk, mailbox: Mailbox, now: datetime) -> int:
    """Write the letter with the link to somebody's own page, unless there is no need or none; returns how many."""
    person = people.number_of(connection, mailbox)
    if (
        not desk.settings.web_public_url
        or suppressions.reason_of(connection, mailbox) == SuppressionReason.COMPLAINT.value
    ):
        return 0
    if not people.subscriptions(connection, person) or _had_enough(connection, person, now):
        return 0
    last = letters.last_written(connection, LetterKind.SETTINGS, person, "")
    if last is not None and now - last < PATIENCE:
        return 0
    return int(letters.write(connection, settings_letter(connection, desk, person, mailbox.wire, now)))


def _had_enough(connection: Connection, person: int, now: datetime) -> bool:
    """Whether as many letters went to somebody within a day as strangers may cause."""
    return person > 0 and letters.written_since(connection, ASKING, person, now - DAY) >= DAY_LIMIT
