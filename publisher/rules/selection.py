"""Which entries belong to a feed or digest, and what parts entries of one moment."""

from __future__ import annotations

from datetime import MAXYEAR, timedelta
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from publisher.model.entry import Entry
    from publisher.model.settings import Filter

_SECOND = timedelta(seconds=1)
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
    if entry.standing or not entry.in_feeds or entry.source != wanted.source:
        return False
    names = (author.name for author in entry.authors)
    return belongs(wanted, (*entry.tags, *entry.categories), names, entry.section)


def _folded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def part_updates(moments: Sequence[tuple[str, datetime, bool]]) -> list[datetime]:
    """Atom's ``updated`` for (id, updated, date_only) of every entry of a site, all in different seconds.

    Two Atom entries with one ``updated`` draw a warning from validators and confuse readers that
    sort by it. A date without a time is moved by seconds that follow from the id alone, so that
    its value seldom depends on its neighbours; what still falls together is moved on second by
    second, in the order of ids. A time that stands alone in its second stays as it is.
    """
    taken: set[datetime] = set()
    result = [updated for _, updated, _ in moments]
    for index in sorted(range(len(moments)), key=lambda at: moments[at][0]):
        identifier, updated, date_only = moments[index]
        step = _SECOND if updated.year < MAXYEAR else -_SECOND  # the calendar ends, and nothing may fail for it
        moment = updated + step * (crc32(identifier.encode()) % TIE_SECONDS) if date_only else updated
        while moment.replace(microsecond=0) in taken:  # feeds are written to the second
            moment += step
        taken.add(moment.replace(microsecond=0))
        result[index] = moment
    return result
