"""Those who follow the link to leave that every mail has: how they stand, why they left, and the ways back.

A link is a value's question: made up, old or followed by a program, it gets an answer and never a fault. Leaving
itself is consent.py's.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.flows.consent import WORDING
from publisher.flows.subscribe import is_token
from publisher.flows.wishes import Wished, WishKind
from publisher.model.subscriber import ConsentKind, SubscriptionState
from publisher.store import consents, people

if TYPE_CHECKING:
    from datetime import datetime

    from publisher.model.settings import Settings
    from publisher.model.subscriber import Subscription
    from publisher.store.database import Store

LONGEST_REASON = 500  # characters
_LEAVING = (ConsentKind.LEFT, ConsentKind.REMOVED, ConsentKind.REASON)
_REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"  # signs that show what follows in another order


@dataclass(frozen=True, slots=True)
class Standing:
    """How a subscription stands, by the title of its digest, and not whose it is."""

    digest: str
    state: SubscriptionState
    cadence: str


def standing(store: Store, settings: Settings, unsubscribe_token: str) -> Standing | None:
    """Tell how the subscription stands that an unsubscribe token names, None where it names none."""
    found = _by_token(store, unsubscribe_token)
    if found is None:
        return None
    title = next((digest.title for digest in settings.digests if digest.name == found.digest), found.digest)
    return Standing(title, found.state, found.cadence)


def wish_by_token(store: Store, unsubscribe_token: str, kind: WishKind) -> Wished | None:
    """Make the wish of somebody who has an unsubscribe token: to come back, or to get the link to their own page."""
    found = _by_token(store, unsubscribe_token)
    if found is None:
        return None
    if kind is WishKind.SETTINGS:
        return Wished(kind, found.address)
    return Wished(kind, found.address, found.digest, found.cadence)


def say_why(store: Store, unsubscribe_token: str, reason: str, now: datetime) -> None:
    """Record why somebody left, once each time they leave; of anything else nothing is kept."""
    words = _plain(reason)
    if not words or not is_token(unsubscribe_token):
        return
    with store.writing() as connection:
        found = people.by_token(connection, unsubscribe_token)
        if found is None or found.state is not SubscriptionState.UNSUBSCRIBED:
            return
        person, digest = found.subscriber, found.digest
        if consents.last_kind(connection, person, digest, _LEAVING) is ConsentKind.LEFT:
            kind = ConsentKind.REASON
            consents.record(connection, person, digest, kind, wording=WORDING, evidence=words, now=now)


def _by_token(store: Store, token: str) -> Subscription | None:
    if not is_token(token):
        return None
    with store.reading() as connection:
        return people.by_token(connection, token)


def _plain(words: str) -> str:
    """Words on one line, without signs that neither can be seen nor belong into a text, cut where they are too many."""
    clean = "".join(" " if _is_foreign(sign) else sign for sign in words[: 4 * LONGEST_REASON])
    return " ".join(clean.split())[:LONGEST_REASON].rstrip()


def _is_foreign(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cs", "Zl", "Zp"} or sign in _REORDERING
