"""People on their own page, to which a signed link leads that came by mail.

Every link is a value's question: followed twice, late, by programs, or made up, it gets an answer and never a fault.
Reading changes nothing. Doing the same again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from publisher.errors import UsageError
from publisher.flows import subscribe
from publisher.flows.consent import WORDING, join, just_written, repace, say_goodbye
from publisher.flows.letters import PAGE_VALID
from publisher.flows.subscribe import end, wishes_of
from publisher.flows.wishes import offered_cadence
from publisher.mail.addresses import parse_mailbox
from publisher.model.letter import LetterKind
from publisher.model.subscriber import ConsentKind, SubscriptionState, SuppressionReason
from publisher.store import consents, letters, people, suppressions, wishes
from publisher.tokens import Outcome, Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from publisher.flows.letters import Desk
    from publisher.flows.subscribe import Items
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings, Settings
    from publisher.model.subscriber import Subscription
    from publisher.store.database import Store

CHOSEN = "They chose it on their own page, to which a link in a letter had led them."
LEFT = "They left on their own page, to which a link in a letter had led them."
_GONE = SubscriptionState.UNSUBSCRIBED


@dataclass(frozen=True, slots=True)
class Person:
    """Who a page belongs to. ``suppressed`` tells why no mail is sent to them, whatever they read."""

    id: int
    address: str
    subscriptions: tuple[Subscription, ...]
    suppressed: SuppressionReason | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """The answer to a link to somebody's own page. ``person`` is None unless it is good."""

    outcome: Outcome
    person: Person | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a choice changed, as names of digests. ``said`` is for the author."""

    outcome: Outcome
    joined: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    moved: tuple[str, ...] = ()
    said: tuple[Problem, ...] = ()


def visit(store: Store, desk: Desk, token: str, now: datetime) -> Visit:
    """Open somebody's own page. A link of before they were erased is WRONG."""
    outcome, person = _read(desk, token, now)
    if outcome is not Outcome.GOOD:
        return Visit(outcome)
    with store.reading() as connection:
        known = people.known(connection, person)
        if known is None:
            return Visit(Outcome.WRONG)
        reason = suppressions.reason_of(connection, parse_mailbox(known.address))
        mine = people.subscriptions(connection, person)
    return Visit(outcome, Person(person, known.address, mine, SuppressionReason(reason) if reason else None))


# Choosing


class _Choice(NamedTuple):
    """One digest that was named: where its reader stands, and the pace that they want, "" for none."""

    name: str
    found: Subscription | None
    digest: DigestSettings | None
    cadence: str


def choose(store: Store, desk: Desk, token: str, wanted: Mapping[str, str], items: Items, now: datetime) -> Chosen:
    """Set a person's subscriptions: for each digest named its cadence, or "" to leave it; the others stay.

    Who joins is confirmed at once, since the link came to their address by mail; this lifts a bounce or a request for
    no more mail. After a complaint one can but leave. Raises UsageError, and changes nothing, where a digest or a
    cadence is none of config.toml's.
    """
    outcome, person = _read(desk, token, now)
    if outcome is not Outcome.GOOD:
        return Chosen(outcome)
    with store.writing() as connection:
        known = people.known(connection, person)
        if known is None:
            return Chosen(Outcome.WRONG)
        choices = _choices(desk.settings, people.subscriptions(connection, person), wanted)
        reason = suppressions.reason_of(connection, parse_mailbox(known.address))
        return _Choosing(connection, desk, person, items, now, reason).all(choices)


def _choices(
    settings: Settings, subscriptions: tuple[Subscription, ...], wanted: Mapping[str, str]
) -> tuple[_Choice, ...]:
    offered = {digest.name: digest for digest in settings.digests}
    mine = {each.digest: each for each in subscriptions}
    return tuple(_choice(name, mine.get(name), offered.get(name), cadence) for name, cadence in wanted.items())


def _choice(name: str, found: Subscription | None, digest: DigestSettings | None, cadence: str) -> _Choice:
    if digest is None and (found is None or cadence):
        raise UsageError("There is no such digest here.", "Open the page anew: what it offers may have changed.")
    return _Choice(name, found, digest, offered_cadence(digest, cadence) if digest and cadence else "")


@dataclass(frozen=True, slots=True)
class _Choosing:
    """One transaction in which a person's choices come true. ``reason`` is why they got no mail before it."""

    connection: Connection
    desk: Desk
    person: int
    items: Items
    now: datetime
    reason: str

    def all(self, choices: tuple[_Choice, ...]) -> Chosen:
        """Make every choice come true."""
        done = [(choice.name, *self._one(choice)) for choice in choices]
        named = {kind: tuple(name for name, what, _ in done if what == kind) for kind in ("joined", "left", "moved")}
        return Chosen(Outcome.GOOD, **named, said=tuple(problem for _, _, said in done for problem in said))

    def _one(self, choice: _Choice) -> tuple[str, tuple[Problem, ...]]:
        found = choice.found
        if choice.digest is None or not choice.cadence:
            return self._leave(found) if found is not None and found.state is not _GONE else ("", ())
        if self.reason == SuppressionReason.COMPLAINT.value:
            return "", ()
        if found is None or found.state is not SubscriptionState.CONFIRMED or self.reason:
            arguments = (self.person, choice.digest, choice.cadence, self.items, self.now, CHOSEN)
            return "joined", join(self.connection, self.desk, *arguments)
        if found.cadence == choice.cadence:
            return "", ()
        repace(self.connection, found, choice.cadence, self.now)
        return "moved", ()

    def _leave(self, found: Subscription) -> tuple[str, tuple[Problem, ...]]:
        end(self.connection, found, ConsentKind.LEFT, WORDING, LEFT, self.now)
        told = just_written(self.connection, LetterKind.GOODBYE, found, self.now)
        if told or found.state is not SubscriptionState.CONFIRMED:
            return "left", ()
        return "left", say_goodbye(self.connection, self.desk, found, self.now)


# Knowing, and forgetting


def data(store: Store, desk: Desk, token: str, now: datetime) -> dict[str, Any] | None:
    """Give all that is known of somebody, fit for JSON, to themselves; None where the link is no good.

    Moments are ISO 8601 in UTC. No token is among it, nor anything of other people.
    """
    outcome, person = _read(desk, token, now)
    if outcome is not Outcome.GOOD:
        return None
    with store.reading() as connection:
        known = people.known(connection, person)
        return None if known is None else _known(connection, desk.settings, person, known)


def _known(connection: Connection, settings: Settings, person: int, known: people.Known) -> dict[str, Any]:
    mailbox = parse_mailbox(known.address)
    titles = {digest.name: digest.title for digest in settings.digests}
    suppressed = suppressions.find(connection, mailbox)
    return {
        "address": known.address,
        "since": _moment(known.created),
        "suppressed": suppressed and _shown(suppressed),
        "subscriptions": [
            {
                "digest": each.digest,
                "title": titles.get(each.digest, each.digest),
                "state": each.state.value,
                "cadence": each.cadence,
            }
            for each in people.subscriptions(connection, person)
        ],
        "consent": [
            {
                "digest": each.digest,
                "kind": each.kind.value,
                "wording": each.wording,
                "evidence": each.evidence,
                "at": _moment(each.at),
            }
            for each in consents.of(connection, person)
        ],
        "letters": [_shown(each) for each in letters.to_person(connection, person)],
        "issues": [_shown(each) for each in people.received(connection, person)],
        "wishes": [
            {"kind": each.kind, "digest": each.digest, "cadence": each.cadence, "at": _moment(each.at)}
            for each in wishes.naming(connection, wishes_of(connection, mailbox))
        ],
    }


def _shown(row: suppressions.Suppressed | people.Received | letters.Written) -> dict[str, Any]:
    """A row by its own names, with its moments written out."""
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in row._asdict().items()}


def forget(store: Store, desk: Desk, token: str, now: datetime) -> Outcome:
    """Erase the person whose page it is, as ``subscribe.forget`` does; the link is WRONG from then on."""
    found = visit(store, desk, token, now)
    if found.person is not None:
        subscribe.forget(store, desk.keys, found.person.address, now)
    return found.outcome


def _read(desk: Desk, token: str, now: datetime) -> tuple[Outcome, int]:
    """Read the token of a link to somebody's own page, with its person's number, 0 where it is no good."""
    read = desk.keys.read(Purpose.PREFERENCES, token, PAGE_VALID, now)
    return (read.outcome, int(read.ids[0])) if read.outcome is Outcome.GOOD else (read.outcome, 0)


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
