"""The story of a followed feed: asked when it is time, compared with what is known of it, written down.

The network comes first and the transaction after it, whole: a process that dies in between has learnt nothing and
forgotten nothing. While a feed cannot be had, or is broken, what is known stands, and the digest goes on with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from zlib import crc32

from publisher.content.characters import without_forbidden
from publisher.content.foreign import foreign_body
from publisher.errors import FeedError
from publisher.feeds.fetching import Fetched, Outcome, fetch
from publisher.feeds.reading import read_feed
from publisher.flows.newness import first_look
from publisher.model.entry import Author, Entry, Item
from publisher.model.followed import Followed, KnownEntry
from publisher.model.problem import note, warning
from publisher.rules import following as rules
from publisher.rules.differences import when
from publisher.store import arrivals
from publisher.store import followed as table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from publisher.model.problem import Problem
    from publisher.model.received import ReceivedFeed, ReceivedItem
    from publisher.model.settings import Settings
    from publisher.store.database import Store

    Fetch = Callable[[str, str, str], Fetched]

USUAL, LEAST, MOST = timedelta(minutes=30), timedelta(minutes=5), timedelta(days=1)  # between two looks
JUST_NOW = timedelta(minutes=1)  # a look that is not older serves a slot
OLDER = 20  # older documents that are read where something may have been missed
KEPT_WHOLE = timedelta(days=180)  # how long the text of an entry stays that has left the feed
_IRI = ("http:", "https:", "urn:", "tag:")


@dataclass(frozen=True, slots=True)
class Seen:
    """One look. ``feed`` is None where there was nothing to read; ``older`` are further documents of the same feed."""

    fetched: Fetched
    feed: ReceivedFeed | None = None
    older: tuple[ReceivedFeed, ...] = ()
    fault: str = ""


def follow(
    store: Store, settings: Settings, url: str, now: datetime, *, fresh: timedelta | None = None, ask: Fetch = fetch
) -> tuple[Problem, ...]:
    """Look at a feed if it is time to, and write down what was seen.

    It is time when its last look said so; with ``fresh`` whenever that look is older: JUST_NOW for a slot that is due,
    nothing at all for an author who asks.
    """
    with store.reading() as connection:
        state = table.load(connection, url) or Followed(url, url, now)
        known = table.entries(connection, url)
    if not _is_time(state, now, fresh):
        return ()
    seen = _look(state, known, ask)
    with store.writing() as connection:
        before = table.load(connection, url)
        if before is not None and before.fetched != state.fetched:
            return ()  # another process was quicker, and what it wrote is as fresh
        return _record(connection, settings, state, seen, now)


def known_items(connection: Connection, url: str) -> tuple[Item, ...]:
    """The entries of a feed that were not taken back, the newest first."""
    items = [each.item for each in table.entries(connection, url) if not each.gone]
    return tuple(sorted(items, key=lambda item: (item.entry.published, item.entry.id), reverse=True))


def look_once(url: str, now: datetime, ask: Fetch = fetch) -> tuple[Item, ...]:
    """The entries of a feed as it is now, for a preview without a store. Raises FeedError if it cannot be had."""
    seen = _look(Followed(url, url, now), (), ask)
    if seen.feed is None:
        raise FeedError(f"{url} cannot be followed: {seen.fault}", "see whether it opens in a browser")
    made = (_item(one, url, now, seen) for one in rules.look((), seen.feed).new)
    return tuple(sorted(made, key=lambda item: (item.entry.published, item.entry.id), reverse=True))


def _is_time(state: Followed, now: datetime, fresh: timedelta | None) -> bool:
    if fresh is None or (state.failures and fresh):  # a server that fails is given time, unless its reader insists
        return state.due <= now
    return state.fetched is None or now - state.fetched >= fresh


# Looking


def _look(state: Followed, known: Sequence[KnownEntry], ask: Fetch) -> Seen:
    fetched = ask(state.address, state.etag, state.modified)
    if fetched.outcome is Outcome.UNCHANGED:
        return Seen(fetched)
    if fetched.outcome is not Outcome.CHANGED:
        return Seen(fetched, fault=fetched.reason)
    try:
        feed = read_feed(fetched.data, fetched.url, fetched.media_type)
    except FeedError as fault:
        return Seen(fetched, fault=fault.message)
    return Seen(fetched, feed, tuple(_older(feed, known, ask)))


def _older(feed: ReceivedFeed, known: Sequence[KnownEntry], ask: Fetch) -> Iterable[ReceivedFeed]:
    """Older documents, as long as none of what is known is met in them: the feed went on while nobody looked."""
    place, visited = feed.older, {feed.url}
    document = feed
    while place and place not in visited and len(visited) <= OLDER and rules.shares_nothing(known, document):
        visited.add(place)
        fetched = ask(place, "", "")
        if fetched.outcome is not Outcome.CHANGED:
            return
        try:
            document = read_feed(fetched.data, fetched.url, fetched.media_type)
        except FeedError:
            return
        yield document
        place = document.older


# Recording


def _record(
    connection: Connection, settings: Settings, state: Followed, seen: Seen, now: datetime
) -> tuple[Problem, ...]:
    if seen.fault:
        failed = _failed(state, seen, now)
        table.save(connection, failed)
        return (_told_failure(failed, seen),)
    feed = seen.feed
    after = replace(
        state,
        address=_address(state, seen),
        due=now + _pause(seen),
        etag=seen.fetched.etag if feed else state.etag,
        modified=seen.fetched.modified if feed else state.modified,
        fetched=now,
        failures=0,
        failing=None,
        fault="",
    )
    table.save(connection, after)
    said = [note("", 0, f"{state.url} is there again")] if state.failures else []
    if after.address != state.address:
        said.append(
            note("config.toml", 0, f"{state.url} has moved for good", f'set feed = "{after.address}" where it stands')
        )
    if feed is not None:
        said += _take(connection, settings, state, seen, feed, now)
    return tuple(said)


def _take(
    connection: Connection, settings: Settings, state: Followed, seen: Seen, feed: ReceivedFeed, now: datetime
) -> list[Problem]:
    """Write down what documents mean for what is known of a feed, the oldest of them first."""
    said: list[Problem] = []
    for document in (*reversed(seen.older), feed):
        known = table.entries(connection, state.url)
        found = rules.look(known, document)
        fresh = [KnownEntry(_item(one, state.url, now, seen), (one.id,), now) for one in found.new]
        again = [_again(entry, one, state.url, now, seen) for entry, one in found.again]
        gone = [replace(entry, gone=True) for entry in found.gone]
        table.put(
            connection, state.url, [*_slim(known, now, {one.id for one in (*again, *gone)}), *fresh, *again, *gone]
        )
        said += [_told_doubt(state, item) for item in found.doubtful]
        if found.nameless and document is feed:
            text = f"{state.url} holds entries without id and link, which cannot be told apart: {found.nameless}"
            said.append(warning("", 0, text, "tell its author"))
    if not feed.whole:
        said.append(warning("", 0, f"{state.url} ends in the middle: what stood behind the cut comes later"))
    if state.fetched is None:
        _baseline(connection, settings, state.url, now)
    return said


def _baseline(connection: Connection, settings: Settings, url: str, now: datetime) -> None:
    """Digests that somebody subscribed to before the feed was first seen: what it holds counts as their start says."""
    items = known_items(connection, url)
    for digest in settings.digests:
        if digest.feed == url and arrivals.known_filter(connection, digest.name) is not None:
            known = arrivals.load(connection, digest.name)
            seen = first_look(digest, [item.entry for item in items], None, known)
            arrivals.record(connection, digest.name, seen.arrivals, now)


def _again(entry: KnownEntry, item: ReceivedItem, url: str, now: datetime, seen: Seen) -> KnownEntry:
    """A known entry as it is now: edited or not, under whatever id; it keeps the one that it is known by here."""
    made = _item(item, url, now, seen)
    before = entry.item.entry
    moment = made.entry.published if when(item) else before.published
    kept = replace(made.entry, id=before.id, published=moment)
    return KnownEntry(replace(made, entry=kept), tuple(dict.fromkeys((*entry.ids, item.id))), now)


def _slim(known: Iterable[KnownEntry], now: datetime, present: set[str]) -> list[KnownEntry]:
    """Entries that left the feed long ago, without their texts: they are kept so that they are never new again."""
    left = (one for one in known if one.id not in present and now - one.seen > KEPT_WHOLE and one.item.body.html)
    return [replace(one, item=replace(one.item, body=replace(one.item.body, html="", feed_html=""))) for one in left]


def _item(item: ReceivedItem, url: str, now: datetime, seen: Seen) -> Item:
    """An entry of ours. Its date is the feed's own, but never later than now: nothing new comes from the future."""
    at = min(when(item) or now, now)
    updated = max(at, min(item.updated or at, now))
    base = item.url or seen.fetched.url
    feed = seen.feed
    authors = item.authors or (feed.authors if feed else ())
    body = foreign_body(item.content, item.summary, base, item.image, item.enclosure)
    title = without_forbidden(item.title) or body.summary[:80] or item.url
    entry = Entry(
        id=item.id if item.id.startswith(_IRI) else f"{url}#{item.id}",
        path=item.url or item.id,
        url=item.url or (feed.home if feed else "") or url,
        title=title,
        published=at,
        updated=updated,
        atom_updated=updated.replace(microsecond=crc32(item.id.encode("utf-8", "replace")) % 1_000_000),
        date_only=False,
        authors=tuple(Author(without_forbidden(one.name), "", one.uri) for one in authors),
        tags=tuple(without_forbidden(tag) for tag in item.tags),
        language=item.language,
        source=url,
    )
    return Item(entry, body)


def _address(state: Followed, seen: Seen) -> str:
    """Where to ask from now on: a feed that moved says so by its redirect, or in itself."""
    said = seen.feed.moved_to if seen.feed else ""
    return said or seen.fetched.moved or state.address


def _pause(seen: Seen) -> timedelta:
    asked = seen.fetched.wait or timedelta(0)
    minutes = timedelta(minutes=seen.feed.minutes) if seen.feed else timedelta(0)
    return min(max(USUAL, asked, minutes), MOST)


def _failed(state: Followed, seen: Seen, now: datetime) -> Followed:
    """Twice the pause after each failure, a day at most; what a server asks for is granted."""
    pause = min(LEAST * 2 ** min(state.failures, 12), MOST)
    pause = min(max(pause, seen.fetched.wait or timedelta(0)), MOST)
    return replace(
        state,
        due=now + pause,
        failures=state.failures + 1,
        failing=state.failing or now,
        fault=without_forbidden(seen.fault)[:500],
    )


def _told_failure(state: Followed, seen: Seen) -> Problem:
    since = f"since {state.failing:%Y-%m-%d %H:%M} UTC" if state.failing and state.failures > 1 else "now"
    remedy = "what is known of it goes out all the same; it is asked again"
    if seen.fetched.outcome is Outcome.GONE:
        remedy = "it says that it will not come back: set another feed in config.toml, or take the digest out"
    return warning("", 0, f"{state.url} cannot be followed ({since}): {state.fault}", remedy)


def _told_doubt(state: Followed, item: ReceivedItem) -> Problem:
    text = f"{state.url}: {item.title or item.id} may be one of several known entries, and is not mailed"
    return warning("", 0, text, "if it is new, its author should give it another title or date")
