"""The story of a followed feed: asked when it is time, compared with what is known of it, written down.

The network comes first and the transaction after it, whole: a process that dies in between has learnt nothing and
forgotten nothing. While a feed cannot be had, or is broken, what is known stands, and the digest goes on with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from zlib import crc32

from publisher.content.characters import without_forbidden
from publisher.content.foreign import foreign_body
from publisher.errors import FeedError
from publisher.feeds.discovery import feeds_of
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
    Known = Callable[[], Sequence[KnownEntry]]

USUAL, LEAST, MOST = timedelta(minutes=30), timedelta(minutes=5), timedelta(days=1)  # between two looks
JUST_NOW = timedelta(minutes=1)  # a look that is not older serves a slot
OLDER = 20  # older documents that are read where something may have been missed
KEPT_WHOLE = timedelta(days=180)  # how long the text of an entry stays that has left the feed
PATIENT = 3  # failures in a row after which half of a feed is better than none of it
LONG = timedelta(days=7)  # of failures, after which its author should look for another
LONGEST_ID = 500  # characters; what is longer is known by its digest, since it is a key of tables
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
        before = table.load(connection, url)
    if before is None:
        before = _carried_over(store, settings, url)
    state = before or Followed(url, url, now)
    if not _is_time(state, now, fresh):
        return ()

    def known() -> Sequence[KnownEntry]:  # read only where a document leads to older ones
        with store.reading() as connection:
            return table.entries(connection, url)

    seen = _look(state, known, ask)
    with store.writing() as connection:
        if table.load(connection, url) != before:
            return ()  # another process was quicker, and what it wrote is as fresh
        return _record(connection, settings, state, seen, now)


def _carried_over(store: Store, settings: Settings, url: str) -> Followed | None:
    """The feed that moved to this address, as was said, and that config.toml has under no other one any more."""
    wanted = {digest.feed for digest in settings.digests}
    with store.writing() as connection:
        former = next((one for one in table.moved_to(connection, url) if one.url not in wanted), None)
        if former is None:
            return None
        table.rename(connection, former, url)
        arrivals.change_source(connection, former.url, url)
        return table.load(connection, url)


def known_items(connection: Connection, url: str) -> tuple[Item, ...]:
    """The entries of a feed that were not taken back, the newest first."""
    items = [each.item for each in table.entries(connection, url) if not each.gone]
    return tuple(sorted(items, key=lambda item: (item.entry.published, item.entry.id), reverse=True))


def look_once(url: str, now: datetime, ask: Fetch = fetch) -> tuple[Item, ...]:
    """The entries of a feed as it is now, for a preview without a store. Raises FeedError if it cannot be had."""
    seen = _look(Followed(url, url, now, failures=PATIENT), tuple, ask)
    if seen.feed is None:
        raise FeedError(f"{url} cannot be followed: {seen.fault}", "see whether it opens in a browser")
    made = (_item(one, url, now, seen) for one in rules.look((), seen.feed).new)
    return tuple(sorted(made, key=lambda item: (item.entry.published, item.entry.id), reverse=True))


def _is_time(state: Followed, now: datetime, fresh: timedelta | None) -> bool:
    if state.due - now > MOST or (state.fetched and state.fetched > now):
        return True  # some clock was wrong
    if fresh is None or (state.failures and fresh):  # a server that fails is given time, unless its reader insists
        return state.due <= now
    return state.fetched is None or now - state.fetched >= fresh


# Looking


def _look(state: Followed, known: Known, ask: Fetch) -> Seen:
    place = _place(state)
    fetched = ask(place, *((state.etag, state.modified) if place == state.address else ("", "")))
    if fetched.outcome is Outcome.UNCHANGED:
        return Seen(fetched)
    if fetched.outcome is not Outcome.CHANGED:
        return Seen(fetched, fault=fetched.reason)
    try:
        feed = read_feed(fetched.data, fetched.url, fetched.media_type)
    except FeedError as fault:
        return Seen(fetched, fault=fault.message + _named_in(fetched))
    if state.fetched is None and not feed.whole and state.failures < PATIENT:
        return Seen(fetched, fault="it ends in the middle, and what it holds is to be known before anything is new")
    older, lack = _older(feed, known(), ask) if feed.older else ((), "")
    return Seen(fetched, fault=lack) if lack and state.failures < PATIENT else Seen(fetched, feed, older)


def _place(state: Followed) -> str:
    """Where to ask: where the feed moved to, and each second time where it was, while it fails there."""
    return state.url if state.failures % 2 else state.address


def _named_in(fetched: Fetched) -> str:
    """Where the feed of a web page is, if it says so."""
    found = feeds_of(fetched.data, fetched.url)
    return f", whose feed is {found[0]}" if found else ""


def _older(feed: ReceivedFeed, known: Sequence[KnownEntry], ask: Fetch) -> tuple[tuple[ReceivedFeed, ...], str]:
    """Older documents, as long as none of what is known is met in them: the feed went on while nobody looked.

    With why there are not all of them.
    """
    place, visited = feed.older, {feed.url}
    document = feed
    found: list[ReceivedFeed] = []
    while place and place not in visited and len(visited) <= OLDER and rules.shares_nothing(known, document):
        visited.add(place)
        fetched = ask(place, "", "")
        if fetched.outcome is not Outcome.CHANGED:
            return tuple(found), f"what is older in it cannot be had: {place}: {fetched.reason}"
        try:
            document = read_feed(fetched.data, fetched.url, fetched.media_type)
        except FeedError as fault:
            return tuple(found), f"what is older in it cannot be had: {fault.message}"
        found.append(document)
        place = document.older
    return tuple(found), ""


# Recording


def _record(
    connection: Connection, settings: Settings, state: Followed, seen: Seen, now: datetime
) -> tuple[Problem, ...]:
    if seen.fault:
        failed = _failed(state, seen, now)
        table.save(connection, failed)
        return (_told_failure(failed, seen, now),)
    feed, address = seen.feed, _address(state, seen)
    stays = address == seen.fetched.url  # validators belong to the address that gave them (RFC 9110, 13.1)
    after = replace(
        state,
        address=address,
        due=now + _pause(seen),
        etag=(seen.fetched.etag if stays else "") if feed else state.etag,
        modified=(seen.fetched.modified if stays else "") if feed else state.modified,
        fetched=now,
        failures=0,
        failing=None,
        fault="",
    )
    table.save(connection, after)
    said = [note("", 0, f"{state.url} is there again")] if state.failures else []
    if after.address not in {state.address, state.url}:
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
        fresh = _fresh(found.new, {entry.id for entry in known}, state.url, now, seen)
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


def _fresh(items: Iterable[ReceivedItem], taken: set[str], url: str, now: datetime, seen: Seen) -> list[KnownEntry]:
    """Entries that are new, each with an id of its own: what is made of two odd ones may be the same."""
    found: dict[str, KnownEntry] = {}
    for one in items:
        entry = KnownEntry(_item(one, url, now, seen), (one.id,), now)
        if entry.id not in taken:
            found.setdefault(entry.id, entry)
    return list(found.values())


def _baseline(connection: Connection, settings: Settings, url: str, now: datetime) -> None:
    """Digests that somebody subscribed to before the feed was first seen: what it holds counts as their start says.

    For a digest that was made of something else before, all of it is let in by a changed filter.
    """
    items = known_items(connection, url)
    for digest in settings.digests:
        before = arrivals.known_filter(connection, digest.name)
        if digest.feed != url or before is None:
            continue
        known = arrivals.load(connection, digest.name)
        begun = None if before == digest.filter else before
        seen = first_look(digest, [item.entry for item in items], begun, known)
        arrivals.record(connection, digest.name, seen.arrivals, now)


def _again(entry: KnownEntry, item: ReceivedItem, url: str, now: datetime, seen: Seen) -> KnownEntry:
    """A known entry as it is now: edited or not, under whatever id; it keeps the one that it is known by here."""
    made = _item(item, url, now, seen)
    before = entry.item.entry
    at = when(item)
    moment = at if at and at <= now else before.published  # the day that it was first seen, if it has none yet
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
        id=_id(item.id, url),
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


def _id(given: str, url: str) -> str:
    """An id that no other feed gives: its own if it is an IRI, else one below the feed's address."""
    if len(given) > LONGEST_ID:
        return f"{url}#{sha256(given.encode('utf-8', 'replace')).hexdigest()}"
    return given if given.startswith(_IRI) else f"{url}#{given}"


def _address(state: Followed, seen: Seen) -> str:
    """Where to ask from now on: a feed that moved says so by its redirect, or in itself. Never from https to http."""
    said = seen.feed.moved_to if seen.feed else ""
    if said and (said.startswith("https:") or seen.fetched.url.startswith("http:")):
        return said
    return seen.fetched.moved or _place(state)


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


def _told_failure(state: Followed, seen: Seen, now: datetime) -> Problem:
    since = f"since {state.failing:%Y-%m-%d %H:%M} UTC" if state.failing and state.failures > 1 else "now"
    remedy = "what is known of it goes out all the same; it is asked again"
    if seen.fetched.outcome is Outcome.GONE:
        remedy = "it says that it will not come back: set another feed in config.toml, or take the digest out"
    elif state.failing and now - state.failing > LONG:
        remedy = "it has failed for so long that it may be elsewhere: look for it, and mend feed in config.toml"
    return warning("", 0, f"{state.url} cannot be followed ({since}): {state.fault}", remedy)


def _told_doubt(state: Followed, item: ReceivedItem) -> Problem:
    text = f"{state.url}: {item.title or item.id} may be one of several known entries, and is not mailed"
    return warning("", 0, text, "if it is new, its author should give it another title or date")
