"""Which entries arrive at a digest (newness is membership, never a date).

An entry arrives when it first matches the digest's filter and gets the digest's next number. An
edit is no arrival; neither is a known post under a new id, which is held back and named instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.model.issue import Arrival

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from publisher.model.entry import Entry

    Passes = Callable[[Entry], bool]


@dataclass(frozen=True, slots=True)
class Lookalike:
    """An unknown id that is plainly a post we know: mailing it would send an old post again."""

    entry: Entry
    known: Arrival


@dataclass(frozen=True, slots=True)
class Observation:
    """``arrivals`` are to be recorded, by number: unknown entries, and withdrawn ones that came back."""

    arrivals: tuple[Arrival, ...]
    lookalikes: tuple[Lookalike, ...]


def observe(known: Sequence[Arrival], entries: Sequence[Entry], passes: Passes, given: Passes) -> Observation:
    """Compare what a digest knows with all published entries.

    ``passes`` is the digest's filter. ``given`` tells of a new arrival whether it counts as given to
    everyone. Several arrivals of one moment are numbered oldest first, ties by id.
    """
    by_id = {arrival.entry: arrival for arrival in known}
    present = {entry.id for entry in entries}
    gone = [arrival for arrival in known if arrival.entry not in present]
    matching = sorted((entry for entry in entries if passes(entry)), key=lambda e: (e.published, e.id))
    arrivals: list[Arrival] = []
    lookalikes: list[Lookalike] = []
    number = max((arrival.seq for arrival in known), default=0)
    for entry in matching:
        before = by_id.get(entry.id)
        if before is not None and not before.withdrawn:
            continue
        twin = None if before else _twin(entry, gone)
        if twin is not None:
            lookalikes.append(Lookalike(entry, twin))
            continue
        number += 1
        arrivals.append(_arrival(entry, number, before, given))
    return Observation(tuple(arrivals), tuple(lookalikes))


def _arrival(entry: Entry, number: int, before: Arrival | None, given: Passes) -> Arrival:
    if before is not None:
        return replace(before, seq=number, withdrawn=False)
    return Arrival(entry.id, number, entry.url, entry.aliases, entry.title, entry.published, given=given(entry))


def _twin(entry: Entry, gone: Iterable[Arrival]) -> Arrival | None:
    """Among arrivals whose entry no longer exists, the one that this entry used to be."""
    return next((arrival for arrival in gone if _same_post(entry, arrival)), None)


def _same_post(entry: Entry, arrival: Arrival) -> bool:
    if (entry.title, entry.published) == (arrival.title, arrival.published):
        return True
    addresses = {arrival.url, *arrival.aliases}
    return any(_same_address(mine, theirs) for mine in (entry.url, *entry.aliases) for theirs in addresses if theirs)


def _same_address(one: str, other: str) -> bool:
    """Aliases are written as paths or as URLs: a path is equal to a URL that ends in it."""
    if "://" in one and "://" in other:
        return one == other
    return _path(one) == _path(other)


def _path(address: str) -> str:
    return "/" + urlsplit(address).path.strip("/")
