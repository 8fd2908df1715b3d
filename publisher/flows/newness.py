"""What is new to a digest: its baseline, its arrivals, and who would get which of them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from publisher.errors import UsageError
from publisher.flows.identities import is_placeholder
from publisher.model.problem import Problem, note, warning
from publisher.rules.arrival import Lookalike, Observation, observe
from publisher.rules.audience import deliverable, variants, withdrawn
from publisher.rules.selection import matches
from publisher.rules.suspicion import suspicion
from publisher.store import arrivals, followed, issues, slots
from publisher.store.audience import gather

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.model.entry import Entry, Item
    from publisher.model.issue import Arrival, Variant
    from publisher.model.settings import DigestSettings, Filter, Settings
    from publisher.store.audience import Audience

USUAL = 8  # issues that tell what is usual


@dataclass(frozen=True, slots=True)
class Plan:
    """What drafting would do now.

    ``upto`` is the last arrival's number that is considered, ``dropped`` were withdrawn, ``suspicion`` says what
    is odd about it (empty: nothing).
    """

    number: int
    upto: int
    variants: tuple[Variant, ...]
    dropped: tuple[str, ...]
    audience: Audience
    suspicion: str = ""

    @property
    def readers(self) -> int:
        """Count who would get a message."""
        return sum(variant.readers for variant in self.variants)

    @property
    def entries(self) -> int:
        """Count the entries of the issue, over all its variants."""
        return len({entry for variant in self.variants for entry in variant.entries})

    @property
    def subscribed(self) -> int:
        """Count everyone who reads the digest at this cadence, with something pending or not."""
        return self.audience.subscribed


def find_digest(settings: Settings, name: str) -> DigestSettings:
    """Look a digest up by its name in config.toml. Raises UsageError with the nearest name."""
    known = {digest.name: digest for digest in settings.digests}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    if near:
        raise UsageError(f"there is no digest named {name}", f"Did you mean {near[0]}?")
    if known:
        raise UsageError(f"there is no digest named {name}", f"config.toml has: {', '.join(sorted(known))}.")
    raise UsageError(f"there is no digest named {name}", f"Add [digests.{name}] to config.toml.")


def find_cadence(digest: DigestSettings, wanted: str) -> str:
    """Return the cadence meant; without a wish, the digest's only one. Raises UsageError."""
    names = [name for name, _ in digest.cadences]
    if wanted in names:
        return wanted
    if not wanted and len(names) == 1:
        return names[0]
    fault = f"has no cadence {wanted}" if wanted else "has more than one cadence"
    raise UsageError(f"the digest {digest.name} {fault}", f"Say --cadence {' or --cadence '.join(names)}.")


def take_in(
    connection: Connection, digest: DigestSettings, items: Sequence[Item], now: datetime
) -> tuple[Problem, ...]:
    """Record what arrived at a digest since the store last looked; the first look is its baseline.

    Returns what the author should hear of: the baseline, a widened filter, posts held back. Entries that are known
    from before the site had an address are the same under their lasting ids: nobody could have subscribed to those.
    """
    before = arrivals.known_filter(connection, digest.name)
    if before is not None and not _has_been_seen(connection, digest):
        return ()  # its filter is kept when it is: what the feed holds then counts by the one before
    entries = [item.entry for item in items]
    seen = look(connection, digest, entries)
    if _settle_in(connection, digest, seen):
        seen = look(connection, digest, entries)
    if before is None:
        arrivals.begin(connection, digest.name, digest.filter, now)
    elif before != digest.filter:
        arrivals.keep_filter(connection, digest.name, digest.filter)
    arrivals.record(connection, digest.name, seen.arrivals, now)
    return (*_told(digest, before, seen), *_held_back(digest, seen))


def _has_been_seen(connection: Connection, digest: DigestSettings) -> bool:
    """Whether the feed that a digest follows was ever to be had; always so of this site's own posts."""
    state = followed.load(connection, digest.feed) if digest.feed else None
    return not digest.feed or (state is not None and state.fetched is not None)


def look(connection: Connection, digest: DigestSettings, entries: Sequence[Entry]) -> Observation:
    """Compare what the store knows of a digest with what is published; nothing is written."""
    before = arrivals.known_filter(connection, digest.name)
    return first_look(digest, entries, before, arrivals.load(connection, digest.name))


def first_look(
    digest: DigestSettings, entries: Sequence[Entry], before: Filter | None = None, known: Sequence[Arrival] = ()
) -> Observation:
    """Compare without a store, as for a digest that has never been seen."""

    def given(entry: Entry) -> bool:
        if before is None:
            return digest.start != "all"
        return before != digest.filter and not matches(before, entry)

    ours = [entry for entry in entries if entry.source == digest.filter.source]
    return observe(known, ours, lambda entry: matches(digest.filter, entry), given)


def plan(
    connection: Connection, digest: DigestSettings, cadence: str, items: Sequence[Item], *, upto: int | None = None
) -> Plan:
    """Decide who would get which entries, from what the store has recorded, up to arrival ``upto`` (by default all)."""
    everything = arrivals.load(connection, digest.name)
    known = everything if upto is None else tuple(each for each in everything if each.seq <= upto)
    present = {item.entry.id for item in items if matches(digest.filter, item.entry)}
    usable = deliverable(known, present)
    audience = gather(connection, digest.name, cadence, usable)
    chosen = variants(usable, audience.cohorts)
    covered = min([slots.covered(connection, digest.name, cadence), *(each.cursor for each in audience.cohorts)])
    return Plan(
        issues.next_number(connection, digest.name),
        max((arrival.seq for arrival in known), default=0),
        chosen,
        withdrawn(known, present, covered),
        audience,
        _suspicion(connection, digest.name, cadence, usable, chosen),
    )


def _suspicion(
    connection: Connection, digest: str, cadence: str, usable: Sequence[Arrival], chosen: Sequence[Variant]
) -> str:
    mailed = {entry for variant in chosen for entry in variant.entries}
    before = issues.last_drafted(connection, digest, cadence)
    counts = issues.entry_counts(connection, digest, cadence, USUAL)
    return suspicion([each for each in usable if each.entry in mailed], counts, before)


def _settle_in(connection: Connection, digest: DigestSettings, seen: Observation) -> bool:
    """Give entries that stood at a placeholder the ids that they have now; whether there were any."""
    former = [
        twin for twin in seen.lookalikes if is_placeholder(twin.known.entry) and not is_placeholder(twin.entry.id)
    ]
    for twin in former:
        arrivals.rename(connection, digest.name, twin.known.entry, twin.entry)
    return bool(former)


def _told(digest: DigestSettings, before: Filter | None, seen: Observation) -> tuple[Problem, ...]:
    given = sum(arrival.given for arrival in seen.arrivals)
    fresh = len(seen.arrivals) - given
    if before is None and given:
        said = f'what was published already counts as given ({_entries(given)}, start = "now")'
    elif before is None and fresh:
        said = f'what was published already counts as new ({_entries(fresh)}, start = "all")'
    elif before is not None and given:
        said = f"the filter was changed: what it newly lets in counts as given ({_entries(given)})"
    else:
        return ()
    return (note("", 0, f"{digest.title}: {said}"),)


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def _held_back(digest: DigestSettings, seen: Observation) -> tuple[Problem, ...]:
    return tuple(
        warning(
            twin.entry.path,
            0,
            f"{digest.title}: not mailed, since it looks like {twin.known.entry}, which is known already",
            _unless_new(twin),
        )
        for twin in seen.lookalikes
    )


def _unless_new(twin: Lookalike) -> str:
    if twin.entry.source:
        return "If it is another one, its author should give it another title or date."
    return (
        f'If it is that post, give it id = "{twin.known.entry}" in its frontmatter; if it is another, '
        "change its title or its date."
    )
