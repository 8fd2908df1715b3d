"""Which entries belong to a feed or digest, and what parts entries of one moment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from publisher.model.entry import Entry
    from publisher.model.settings import Filter

TIE_SECONDS = 3600  # date-only posts of a day are parted within its first hour


def belongs(wanted: Filter, labels: Iterable[str], authors: Iterable[str], section: str) -> bool:
    """Whether tags and categories, authors' names and a section pass a filter. Case does not matter."""
    words = _folded(labels)
    if words & _folded(wanted.without):
        return False
    if not (wanted.tags or wanted.authors or wanted.sections):
        return True
    return bool(
        words & _folded(wanted.tags)
        or _folded(authors) & _folded(wanted.authors)
        or section.casefold() in _folded(wanted.sections)
    )


def matches(wanted: Filter, entry: Entry) -> bool:
    """Whether a feed or digest with this filter holds the entry; standing pages and entries left out never are."""
    if entry.standing or not entry.in_feeds:
        return False
    names = (author.name for author in entry.authors)
    return belongs(wanted, (*entry.tags, *entry.categories), names, entry.section)


def _folded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def part_updates(moments: Sequence[tuple[str, datetime, bool]]) -> list[datetime]:
    """Atom's ``updated`` for (id, updated, date_only) of every entry of a site, all different.

    Two Atom entries with one ``updated`` draw a warning from validators and confuse readers that
    sort by it. A date without a time is moved by seconds that follow from the id alone, so that
    no entry's value depends on its neighbours; what still falls together is moved on second by
    second, in the order of ids.
    """
    taken: set[datetime] = set()
    result = [updated for _, updated, _ in moments]
    for index in sorted(range(len(moments)), key=lambda at: moments[at][0]):
        identifier, updated, date_only = moments[index]
        moment = updated + timedelta(seconds=crc32(identifier.encode()) % TIE_SECONDS) if date_only else updated
        while moment in taken:
            moment += timedelta(seconds=1)
        taken.add(moment)
        result[index] = moment
    return result
