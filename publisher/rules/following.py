"""What a look at a followed feed means: new, the same under another id, edited, taken back.

1. An item whose id is known is that entry, whatever else has changed. Of two items of one entry the first counts.
2. An item whose id is unknown is a known entry that is not in this document, if it has its link (http or https, with or
   without www, slash or .html), or its title together with its date. A link that several have, or that leads to the
   home page, tells nothing: there are feeds whose items all lead there.
3. If several could be it by title and date, it is held back and named: to mail it would be a guess.
4. Anything else is new. An item without an id and without a link is none.
5. An entry that is missing has left the feed, and that means nothing: feeds hold the newest few. It was taken back
   only if the feed says so (RFC 6721), or says that it is complete (RFC 5005 section 2) and was read to its end.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.rules.differences import loosely, plain_title, when

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
    from typing import TypeVar

    from publisher.model.followed import KnownEntry
    from publisher.model.received import ReceivedFeed, ReceivedItem

    Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be recorded. ``again`` pairs known entries, each once, with the items that they are now.

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
    items = dict(reversed(items.items()))
    by_id = {name: entry for entry in known for name in entry.ids}
    again: dict[str, tuple[KnownEntry, ReceivedItem]] = {}
    for name, item in items.items():
        if name in by_id:
            again.setdefault(by_id[name].id, (by_id[name], item))
    gone = _gone(known, feed, by_id, again.keys())
    new = {name: item for name, item in items.items() if name not in by_id}
    absent = [entry for entry in known if entry.id not in again]
    for entry, item in _by_link(new.values(), absent, known, feed):
        again[entry.id] = (entry, item)
        del new[item.id]
    renamed, doubtful = _by_title(new.values(), (entry for entry in absent if entry.id not in again))
    again |= {entry.id: (entry, item) for entry, item in renamed}
    known_now = {item.id for _, item in renamed} | {item.id for item in doubtful}
    return Look(
        tuple(item for name, item in new.items() if name not in known_now),
        tuple(again.values()),
        tuple(entry for entry in gone if entry.id not in again),
        doubtful,
        sum(not item.id for item in feed.items),
    )


def shares_nothing(known: Sequence[KnownEntry], feed: ReceivedFeed) -> bool:
    """Whether a document and what is known have no entry in common: something in between may have been missed."""
    return bool(known and feed.items) and not look(known, feed).again


def _by_link(
    new: Iterable[ReceivedItem], absent: Iterable[KnownEntry], known: Iterable[KnownEntry], feed: ReceivedFeed
) -> list[tuple[KnownEntry, ReceivedItem]]:
    theirs = Counter(loosely(item.url) for item in feed.items)
    ours = Counter(_link(entry) for entry in known)
    places = {"", loosely(feed.home)}
    entries = {_link(entry): entry for entry in absent}
    found = []
    for item in new:
        link = loosely(item.url)
        tells = link not in places and "/" in link and theirs[link] == ours[link] == 1
        if tells and link in entries:
            found.append((entries[link], item))
    return found


def _link(entry: KnownEntry) -> str:
    """Where an entry leads; nowhere if it had no link, and was given its feed's."""
    one = entry.item.entry
    return "" if one.url == one.source else loosely(one.url)


def _by_title(
    new: Iterable[ReceivedItem], absent: Iterable[KnownEntry]
) -> tuple[list[tuple[KnownEntry, ReceivedItem]], tuple[ReceivedItem, ...]]:
    """Items with the title and the date of an entry that is missing, and those of which that cannot be told."""
    entries = _grouped(absent, lambda one: (plain_title(one.item.entry.title), one.item.entry.published))
    items = _grouped((item for item in new if item.title and when(item)), lambda it: (plain_title(it.title), when(it)))
    found: list[tuple[KnownEntry, ReceivedItem]] = []
    doubtful: list[ReceivedItem] = []
    for sign, ones in items.items():
        twins = entries.get(sign, [])
        if len(ones) == len(twins) == 1:
            found.append((twins[0], ones[0]))
        elif twins:
            doubtful += ones
    return found, tuple(doubtful)


def _grouped(things: Iterable[Thing], sign: Callable[[Thing], Hashable]) -> dict[Hashable, list[Thing]]:
    found: defaultdict[Hashable, list[Thing]] = defaultdict(list)
    for thing in things:
        found[sign(thing)].append(thing)
    return found


def _gone(
    known: Sequence[KnownEntry], feed: ReceivedFeed, by_id: dict[str, KnownEntry], present: Collection[str]
) -> tuple[KnownEntry, ...]:
    named = {by_id[one.ref].id for one in feed.tombstones if one.ref in by_id}
    says_all = feed.complete and feed.whole and any(item.id for item in feed.items)
    return tuple(
        entry for entry in known if entry.id not in present and not entry.gone and (says_all or entry.id in named)
    )
