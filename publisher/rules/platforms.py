"""What other services write into their lists of people, a table for each: columns, statuses, dates, file names.

A word that is in no table is never taken as consent: whoever asks gets None, and refuses the line.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from publisher.model.subscriber import SubscriptionState, SuppressionReason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Absent(Enum):
    """No word of a person at all, neither for mail nor against it."""

    NEVER = "never subscribed"


Sense = SubscriptionState | SuppressionReason | Absent
Words = dict[str, Sense]

_S, _R = SubscriptionState, SuppressionReason
ANY = "*"  # whatever is written, if anything

# The strictest of what is said about a person counts.
_STRICT: tuple[Sense, ...] = (
    _R.COMPLAINT,
    _R.REQUEST,
    _R.BOUNCE,
    _S.UNSUBSCRIBED,
    Absent.NEVER,
    _S.PENDING,
    _S.CONFIRMED,
)

# The words that lists without a platform of their own use.
STATUSES: Words = {
    **dict.fromkeys(("", "active", "confirmed", "enabled", "subscribed"), _S.CONFIRMED),
    **dict.fromkeys(("not confirmed", "pending", "unconfirmed"), _S.PENDING),
    **dict.fromkeys(("inactive", "opted out", "opt-out", "removed", "unsubscribed"), _S.UNSUBSCRIBED),
    **dict.fromkeys(("bounce", "bounced", "cleaned", "undeliverable"), _R.BOUNCE),
    **dict.fromkeys(("complained", "complaint", "spam"), _R.COMPLAINT),
    **dict.fromkeys(("blocked", "blocklisted", "request", "suppressed"), _R.REQUEST),
}
ADDRESS = ("email", "e-mail", "mail", "email address", "e-mail address", "email_address", "address")


@dataclass(frozen=True, slots=True)
class Status:
    """Columns that say how somebody stands, of which the first that a file has is taken, and what its words mean."""

    columns: tuple[str, ...]
    words: Words


@dataclass(frozen=True, slots=True)
class Platform:
    """How one service writes its lists. Titles of columns and names of files are in small letters.

    A file is recognised when it has all of one of ``marks``. ``files`` are beginnings of names that tell how everyone
    in a file stands, the longest first; ``presence`` are columns that do so where the name does not. ``dates`` are the
    columns that tell when, the first that is filled; ``zone`` is that of dates that have none, "" for the site's.
    A file that does not tell how people stand is refused with ``remedy``; without one, everybody in it is a reader.
    ``warning`` is said of a file that has none of ``unless``.
    """

    name: str
    title: str
    marks: tuple[frozenset[str], ...]
    address: tuple[str, ...] = ("email",)
    statuses: tuple[Status, ...] = ()
    files: Words = field(default_factory=dict)
    presence: Words = field(default_factory=dict)
    dates: Mapping[Sense, tuple[str, ...]] = field(default_factory=dict)
    zone: str = "UTC"
    remedy: str = ""
    warning: str = ""
    unless: frozenset[str] = frozenset()
    plain: bool = False

    def file_sense(self, name: str) -> Sense | None:
        """What a file's name says of everybody in it."""
        small = name.rpartition("/")[2].casefold()
        return next((sense for start, sense in self.files.items() if small.startswith(start)), None)

    def presence_sense(self, titles: Sequence[str]) -> Sense | None:
        """What it says of everybody in a file that it has a column at all."""
        return next((sense for title, sense in self.presence.items() if title in titles), None)


def strictest(senses: Sequence[Sense]) -> Sense:
    """Choose what counts where several things are said."""
    return min(senses, key=_STRICT.index)


def strictness(sense: Sense | None) -> int:
    """Order senses, the strictest first; what is not known comes last."""
    return _STRICT.index(sense) if sense is not None else len(_STRICT)


def meaning(words: Words, word: str) -> Sense | None:
    """What a status means, None where that is not known."""
    small = word.casefold()
    found = words.get(small)
    return words.get(ANY) if found is None and small else found


_SUPPRESSED = (_R.BOUNCE, _R.COMPLAINT, _R.REQUEST)


def _dates(
    joined: tuple[str, ...], left: tuple[str, ...] = (), suppressed: tuple[str, ...] = ()
) -> dict[Sense, tuple[str, ...]]:
    found: dict[Sense, tuple[str, ...]] = {_S.CONFIRMED: joined, _S.PENDING: joined, _S.UNSUBSCRIBED: left}
    return found | dict.fromkeys(_SUPPRESSED, suppressed)


_PLAIN_DATES = _dates(
    ("confirmed_at", "subscribed_at", "created", "created_at"),
    ("unsubscribed_at",),
    ("suppressed_at", "bounced_at", "complained_at", "unsubscribed_at"),
)

PLAIN = Platform(
    "plain",
    "",
    (),
    ADDRESS,
    (Status(("status", "state"), STATUSES),),
    dates=_PLAIN_DATES,
    zone="",
    plain=True,
)

PUBLISHER = Platform(
    "publisher",
    "Publisher",
    (frozenset({"email", "digest", "status", "cadence", "suppressed", "evidence", "unsubscribe_token"}),),
    statuses=(Status(("status",), STATUSES),),
    dates=_PLAIN_DATES,
    plain=True,
)

# Audience export: a ZIP with a file for each standing, told by its name. Times have no zone in it.
MAILCHIMP = Platform(
    "mailchimp",
    "Mailchimp",
    (
        frozenset({"email address", "leid", "euid"}),
        frozenset({"email address", "optin_time", "confirm_time"}),
        frozenset({"email address", "member_rating", "last_changed"}),
    ),
    ("email address",),
    files={
        "subscribed_sms": Absent.NEVER,
        "subscribed": _S.CONFIRMED,
        "unsubscribed": _S.UNSUBSCRIBED,
        "cleaned": _R.BOUNCE,
        "nonsubscribed": Absent.NEVER,
        "non-subscribed": Absent.NEVER,
    },
    presence={"clean_time": _R.BOUNCE, "unsub_time": _S.UNSUBSCRIBED},
    dates=_dates(("confirm_time", "optin_time"), ("unsub_time", "last_changed"), ("clean_time", "last_changed")),
    remedy="Give the file the name again that Mailchimp gave it: subscribed_…, unsubscribed_…, cleaned_…",
)

# Free and paid people are readers alike; who turned mail off has left. The second kind is the dashboard's own table.
SUBSTACK = Platform(
    "substack",
    "Substack",
    (
        frozenset({"email", "active_subscription", "created_at"}),
        frozenset({"email", "active_subscription", "email_disabled"}),
        frozenset({"email", "subscription type", "subscription date"}),
    ),
    statuses=(
        Status(("email_disabled",), {"false": _S.CONFIRMED, "": _S.CONFIRMED, "true": _S.UNSUBSCRIBED}),
        Status(("active_subscription",), {"true": _S.CONFIRMED, "false": _S.CONFIRMED, "": _S.CONFIRMED}),
        Status(
            ("subscription type", "type"),
            dict.fromkeys(
                ("free", "paid", "monthly", "yearly", "annual", "comp", "complimentary", "gift", "founding"),
                _S.CONFIRMED,
            ),
        ),
        # a list of the newsletters that somebody gets: who gets none has not said why
        Status(("receiving emails for",), {"": _S.PENDING, ANY: _S.CONFIRMED}),
    ),
    dates=_dates(("created_at", "subscription date")),
    remedy="Give the file that Substack exports as it is.",
)

BUTTONDOWN = Platform(
    "buttondown",
    "Buttondown",
    (
        frozenset({"email", "creation_date"}),
        frozenset({"email_address", "creation_date"}),
        frozenset({"email", "subscriber_type"}),
    ),
    ("email", "email_address"),
    (
        Status(
            ("subscriber_type", "type"),
            {
                **dict.fromkeys(("regular", "premium", "trialed", "gifted", "churning", "past_due"), _S.CONFIRMED),
                # who never confirmed, never paid for what only payers get, or wants a rest: no mail without asking
                **dict.fromkeys(("unactivated", "unpaid", "paused"), _S.PENDING),
                **dict.fromkeys(("unsubscribed", "removed"), _S.UNSUBSCRIBED),
                "undeliverable": _R.BOUNCE,
                "complained": _R.COMPLAINT,
                "blocked": _R.REQUEST,
                "spammy": Absent.NEVER,
            },
        ),
    ),
    files={"unsubscribe": _S.UNSUBSCRIBED},
    dates=_dates(
        ("creation_date",),
        ("unsubscription_date",),
        ("undeliverability_date", "last_bounce_date", "unsubscription_date"),
    ),
    remedy="Export it with the column type: without it nobody can tell who confirmed.",
)

# Who is enabled may still have left the list: that stands in the subscription's own status, which the export lacks.
LISTMONK = Platform(
    "listmonk",
    "listmonk",
    (frozenset({"uuid", "email", "attributes", "status"}),),
    statuses=(
        Status(
            ("status",),
            {
                "enabled": _S.CONFIRMED,
                "disabled": _S.UNSUBSCRIBED,
                "blocklisted": _R.REQUEST,
                "blacklisted": _R.REQUEST,
            },
        ),
        Status(
            ("subscription_status",),
            {
                # single opt-in lists have everybody as unconfirmed; double opt-in ones those who never answered
                "unconfirmed": _S.PENDING,
                "confirmed": _S.CONFIRMED,
                "unsubscribed": _S.UNSUBSCRIBED,
            },
        ),
    ),
    files={"unsubscribed": _S.UNSUBSCRIBED, "unconfirmed": _S.PENDING, "confirmed": _S.CONFIRMED},
    dates=_dates(("created_at",), ("updated_at",), ("updated_at",)),
    warning="does not say who left the list: whoever is enabled counts as a reader",
    unless=frozenset({"subscription_status"}),
)

GHOST = Platform(
    "ghost",
    "Ghost",
    (
        frozenset({"email", "subscribed_to_emails"}),
        frozenset({"email", "complimentary_plan", "created_at"}),
    ),
    statuses=(
        Status(("subscribed_to_emails", "subscribed"), {"true": _S.CONFIRMED, "false": _S.UNSUBSCRIBED}),
        Status(("deleted_at",), {"": _S.CONFIRMED, ANY: _S.UNSUBSCRIBED}),
    ),
    dates=_dates(("created_at",), ("deleted_at",)),
    remedy="Export it with the column subscribed_to_emails: without it nobody can tell who left.",
)

PLATFORMS = (PUBLISHER, MAILCHIMP, SUBSTACK, BUTTONDOWN, LISTMONK, GHOST, PLAIN)
NAMES = tuple(each.name for each in PLATFORMS)


def find_platform(name: str) -> Platform:
    """Look a platform up by one of ``NAMES``."""
    return next(each for each in PLATFORMS if each.name == name)


def recognise(titles: Sequence[str]) -> Platform:
    """Tell whose list has columns with these titles; it is a plain one if it is nobody's."""
    there = frozenset(titles)
    return next((each for each in PLATFORMS if any(mark <= there for mark in each.marks)), PLAIN)
