"""What a look at a followed feed means: new, the same under another id, edited, taken back.

1. An item whose id is known is that entry, whatever else has changed.
2. An item whose id is unknown is a known entry that is not in this document, if exactly one has its link, or its title
   together with its date. If several could be it, it is held back and named: to mail it would be a guess.
3. Anything else is new. An item without an id and without a link is none.
4. An entry that is missing has left the feed, and that means nothing: feeds hold the newest few. It was taken back
   only if the feed says so (RFC 6721), or says that it is complete (RFC 5005 section 2) and was read to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.rules.differences import plain_title, when

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from publisher.model.followed import KnownEntry
    from publisher.model.received import ReceivedFeed, ReceivedItem


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be recorded. ``again`` pairs known entries with the items that they are now, edited or not.

    ``doubtful`` are items that several known entries could be; ``nameless`` counts those that cannot be told apart.
    """

    new: tuple[ReceivedItem, ...]
    again: tuple[tuple[KnownEntry, ReceivedItem], ...]
    gone: tuple[KnownEntry, ...]
    doubtful: tuple[ReceivedItem, ...]
    nameless: int


def look(known: Sequence[KnownEntry], feed: ReceivedFeed) -> Look:
    """Compare what is known of a feed with a document of it."""
    items = {item.id: item for item in reversed(feed.items) if item.id}  # of two with one id the first counts
    by_id = {name: entry for entry in known for name in entry.ids}
    present = {by_id[name].id for name in items if name in by_id}
    absent = [entry for entry in known if entry.id not in present]
    by_link, by_title = _by_link(absent), _by_title(absent)
    new: list[ReceivedItem] = []
    doubtful: list[ReceivedItem] = []
    again: list[tuple[KnownEntry, ReceivedItem]] = []
    taken: set[str] = set()
    for name, item in reversed(items.items()):
        if name in by_id:
            again.append((by_id[name], item))
            continue
        twins = by_link.get(item.url, []) if item.url else []
        twins = twins or by_title.get((plain_title(item.title), when(item)), [])
        free = [twin for twin in twins if twin.id not in taken]
        if len(free) == 1:
            taken.add(free[0].id)
            again.append((free[0], item))
        elif free:
            doubtful.append(item)
        else:
            new.append(item)
    nameless = sum(not item.id for item in feed.items)
    return Look(tuple(new), tuple(again), _gone(known, feed, by_id, items), tuple(doubtful), nameless)


def _by_link(entries: Iterable[KnownEntry]) -> dict[str, list[KnownEntry]]:
    found: dict[str, list[KnownEntry]] = {}
    for entry in entries:
        if entry.item.entry.url:
            found.setdefault(entry.item.entry.url, []).append(entry)
    return found


def _by_title(entries: Iterable[KnownEntry]) -> dict[object, list[KnownEntry]]:
    found: dict[object, list[KnownEntry]] = {}
    for entry in entries:
        one = entry.item.entry
        if one.title:
            found.setdefault((plain_title(one.title), one.published), []).append(entry)
    return found


def _gone(
    known: Sequence[KnownEntry], feed: ReceivedFeed, by_id: dict[str, KnownEntry], items: dict[str, ReceivedItem]
) -> tuple[KnownEntry, ...]:
    present = {by_id[name].id for name in items if name in by_id}
    named = {by_id[one.ref].id for one in feed.tombstones if one.ref in by_id}
    absent = (
        {entry.id for entry in known if entry.id not in present} if feed.complete and feed.whole and items else set()
    )
    lost = (named | absent) - present
    return tuple(entry for entry in known if entry.id in lost and not entry.gone)


def shares_nothing(known: Sequence[KnownEntry], feed: ReceivedFeed) -> bool:
    """Whether a document and what is known have no entry in common: something in between may have been missed."""
    ids = {name for entry in known for name in entry.ids}
    links = {entry.item.entry.url for entry in known}
    return bool(known and feed.items) and not any(item.id in ids or item.url in links for item in feed.items)
