"""Which feeds a site has, and which posts each of them holds."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from publisher.content.spelling import spelling_of, term
from publisher.content.urls import quoted_path
from publisher.flows.cards import Card, moment
from publisher.model.feed import Feed, Format, History
from publisher.pages import paths
from publisher.rules.selection import belongs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from publisher.model.settings import Filter, Settings

MAIN = "main"
FULL_YEAR = 250  # entries; a year with more has an archive for each month
_ARCHIVE = re.compile(r"(?:^|/)archive/[0-9]{4}/(?:[0-9]{2}/)?[^/]+")  # see _archived
EMPTY = datetime(2000, 1, 1, tzinfo=UTC)  # what an empty feed says of its last change: no clock, no implausible date


@dataclass(frozen=True, slots=True)
class PlannedFeed:
    """A feed and the cards of its entries, newest first, within its limit; and its archives, the newest first."""

    feed: Feed
    members: tuple[Card, ...]
    archives: tuple[PlannedFeed, ...] = ()

    def every(self) -> Iterable[Card]:
        """The cards of all its documents; those of the feed may stand in an archive, too."""
        return chain(self.members, *(one.members for one in self.archives))


@dataclass(frozen=True, slots=True)
class Group:
    """Posts that share a tag, an author or a section. ``name`` is as the newest has it; ``slug`` may hold slashes."""

    name: str
    slug: str
    cards: tuple[Card, ...]


def tag_place(slug: str, settings: Settings) -> str:
    """The place of a tag's page; "" for a tag whose name leaves no slug."""
    return paths.tag(slug, settings.pages.tag_path, spelling_of(settings.posts.spelling).bare) if slug else ""


def place_of_tag(name: str, settings: Settings) -> str:
    """The place of the page of the tag with this name."""
    return tag_place(term(name, settings.posts.spelling), settings)


def groups(cards: Sequence[Card], kind: str, spelling: str = "publisher") -> tuple[Group, ...]:
    """The posts by tag, author or section, sorted by slug. Names with one slug are one group."""
    names: dict[str, str] = {}
    slugs: dict[str, str] = {}
    members: dict[str, list[Card]] = {}
    words = _WORDS[kind]
    for card in cards:
        for word in words(card):
            slug = slugs.get(word)
            if slug is None:
                slug = slugs[word] = term(word, spelling)
            if not slug:
                continue
            names.setdefault(slug, word)
            group = members.setdefault(slug, [])
            if not group or group[-1] is not card:
                group.append(card)
    return tuple(Group(names[slug], slug, tuple(members[slug])) for slug in sorted(members))


def _labels(card: Card) -> Iterable[str]:
    return (*card.tags, *card.categories)


_WORDS: dict[str, Callable[[Card], Iterable[str]]] = {
    "tag": _labels,
    "author": lambda card: [author[0] for author in card.authors],
    "section": lambda card: [card.section] if card.section else [],
}


def plan_feeds(
    settings: Settings,
    cards: Sequence[Card],
    ids: Mapping[str, tuple[str, int]],
    known_ids: Mapping[str, str],
    removed: Sequence[tuple[str, datetime]] = (),
) -> tuple[PlannedFeed, ...]:
    """Every feed of the site, the main one first. ``cards`` are newest first; ``known_ids`` ids.toml's.

    ``removed`` are the ids of entries that were taken back lately, each with its moment: the main feed names them.
    """
    feeds = settings.feeds
    shown = [card for card in cards if card.in_feeds]

    def planned(  # one feed, whatever it is of
        key: str,
        title: str,
        home: str,
        members: Sequence[Card],
        addresses: Iterable[tuple[Format, str]],
        limit: int,
        content: str,
    ) -> PlannedFeed:
        kept = tuple(members[:limit] if limit else members)
        has_history = feeds.archives and (key == MAIN or key.startswith("feed:"))
        documents = tuple((fmt, path, settings.site.base_url + quoted_path(path)) for fmt, path in addresses)
        feed = Feed(
            key=key,
            id=known_ids.get(key) or address(documents),
            title=title,
            description=settings.site.description,
            home=home,
            language=settings.site.language,
            updated=moment(max(ids[card.path][1] for card in kept)) if kept else EMPTY,
            authors=settings.site.authors,
            documents=documents,
            hubs=feeds.hubs,
            full_text=content == "full",
            history=History(complete=not limit and has_history, removed=tuple(removed) if key == MAIN else ()),
        )
        if not has_history or len(kept) == len(members):
            return PlannedFeed(feed, kept)
        made = archives(feed, members, ids, settings.site.base_url)
        return PlannedFeed(replace(feed, history=replace(feed.history, older=_urls(made[0].feed))), kept, made)

    site = settings.site
    result = [planned(MAIN, site.title, site.base_url, shown, feeds.paths, feeds.limit, feeds.content)]
    for named in feeds.named:
        members = [card for card in shown if _passes(card, named.filter)]
        title = f"{site.title}: {named.title}"
        result.append(
            planned(f"feed:{named.name}", title, site.base_url, members, named.paths, named.limit, named.content)
        )
    patterns = dict(feeds.per_paths)
    for kind in feeds.per:
        for group in groups(shown, kind, settings.posts.spelling):
            place = tag_place(group.slug, settings) if kind == "tag" and settings.pages.enabled else ""
            own = [(fmt, _filled(patterns[kind], group.slug, path)) for fmt, path in feeds.paths]
            title = f"{site.title}: {group.name}"
            home = site.base_url + place
            result.append(planned(f"{kind}:{group.slug}", title, home, group.cards, own, feeds.limit, feeds.content))
    return tuple(result)


def archives(
    feed: Feed, members: Sequence[Card], ids: Mapping[str, tuple[str, int]], base_url: str
) -> tuple[PlannedFeed, ...]:
    """The archives of a feed, the newest first: each holds all entries of a calendar year, or of a month of a full one.

    A pure function of the posts: an archive is of a period, not of what the feed has no room for, so a new post
    changes one of them, and an old one stays as it is for as long as its entries do.
    """
    periods = _periods(members)
    places = [tuple(_archived(document, period, base_url) for document in feed.documents) for period in periods]
    current = _urls(feed)
    older = [*({fmt: url for fmt, _, url in place} for place in places[1:]), {}]
    newer = [{}, *({fmt: url for fmt, _, url in place} for place in places[:-1])]
    return tuple(
        PlannedFeed(
            replace(
                feed,
                documents=place,
                updated=moment(max(ids[card.path][1] for card in cards)),
                history=History(before, after, current),
            ),
            tuple(cards),
        )
        for cards, place, before, after in zip(periods.values(), places, older, newer, strict=True)
    )


def _periods(members: Sequence[Card]) -> dict[str, list[Card]]:
    """Entries by year ("2018"), or by month ("2018-07") where there are many in the year; the newest period first."""
    years = Counter(card.day[:4] for card in members)
    found: dict[str, list[Card]] = {}
    for card in members:
        year = card.day[:4]
        found.setdefault(year if years[year] <= FULL_YEAR else card.day[:7], []).append(card)
    return dict(sorted(found.items(), reverse=True))


def _archived(document: tuple[Format, str, str], period: str, base_url: str) -> tuple[Format, str, str]:
    """A feed's document of one period: feed.xml of 2018 is archive/2018/feed.xml."""
    fmt, path, _ = document
    folder, slash, name = path.rpartition("/")
    place = f"{folder}{slash}archive/{period.replace('-', '/')}/{name}"
    return fmt, place, base_url + quoted_path(place)


def is_archive(path: str) -> bool:
    """Whether the document at a path of the output is by its place an archive of a feed."""
    return _ARCHIVE.search(path) is not None


def _urls(feed: Feed) -> dict[Format, str]:
    return {fmt: url for fmt, _, url in feed.documents}


def _passes(card: Card, wanted: Filter) -> bool:
    return belongs(wanted, _labels(card), (author[0] for author in card.authors), card.section)


def address(documents: Sequence[tuple[Format, str, str]]) -> str:
    """The feed's first public address, which becomes its id: Atom's, since only Atom carries one."""
    urls = {fmt: url for fmt, _, url in documents}
    return urls.get(Format.ATOM) or next(iter(urls.values()), "")


def _filled(pattern: str, slug: str, path: str) -> str:
    return pattern.replace(":name", slug).replace(":file", path.rpartition("/")[2])
