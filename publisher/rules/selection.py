"""Which entries belong where, in which order. Ties never depend on the order of input."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from publisher.model.entry import Entry
    from publisher.model.post import Post
    from publisher.model.settings import Filter

TIE_SECONDS = 3600  # date-only posts of a day are parted within its first hour


def is_published(post: Post, now: datetime) -> bool:
    """Whether a post is out at ``now`` (aware): no draft, due, not expired."""
    return not post.draft and post.due <= now and (post.expires is None or now < post.expires)


def next_change(posts: Iterable[Post], now: datetime) -> datetime | None:
    """The next moment after ``now`` at which some post falls due or expires."""
    moments = [
        moment
        for post in posts
        if not post.draft
        for moment in (post.due, post.expires)
        if moment is not None and moment > now
    ]
    return min(moments, default=None)


def newest_first(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by their publication, newest first; ties by id."""
    return sorted(
        sorted(entries, key=lambda entry: entry.id), key=lambda entry: entry.published, reverse=True
    )


def matches(wanted: Filter, entry: Entry) -> bool:
    """Whether a feed or digest with this filter holds the entry. Words are compared without case."""
    if entry.standing or not entry.in_feeds:
        return False
    tags = _folded((*entry.tags, *entry.categories))
    if tags & _folded(wanted.without):
        return False
    if not (wanted.tags or wanted.authors or wanted.sections):
        return True
    return bool(
        tags & _folded(wanted.tags)
        or _folded(author.name for author in entry.authors) & _folded(wanted.authors)
        or _folded([entry.section]) & _folded(wanted.sections)
    )


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
        moment = (
            updated + timedelta(seconds=crc32(identifier.encode()) % TIE_SECONDS) if date_only else updated
        )
        while moment in taken:
            moment += timedelta(seconds=1)
        taken.add(moment)
        result[index] = moment
    return result
