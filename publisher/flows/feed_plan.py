"""Which feeds a site has, and which posts each of them holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from publisher.content.slugs import slugify
from publisher.content.urls import quoted_path
from publisher.flows.cards import Card, moment
from publisher.model.feed import Feed, Format
from publisher.pages import paths
from publisher.rules.selection import belongs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from publisher.model.settings import Filter, Settings

MAIN = "main"
EMPTY = datetime(2000, 1, 1, tzinfo=UTC)  # what an empty feed says of its last change: no clock, no implausible date


@dataclass(frozen=True, slots=True)
class PlannedFeed:
    """A feed and the cards of its entries, newest first, within its limit."""

    feed: Feed
    members: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Posts that share a tag, an author or a section. ``name`` is its most recent spelling."""

    name: str
    slug: str
    cards: tuple[Card, ...]


def tag_slug(name: str) -> str:
    """The slug of a tag: C++ and C# stay apart from C."""
    return slugify(re.sub(r"(?<=\w)#", " sharp ", name.replace("+", " plus ")))


def groups(cards: Sequence[Card], kind: str) -> tuple[Group, ...]:
    """The posts by tag, author or section, sorted by slug. Spellings with one slug are one group."""
    names: dict[str, str] = {}
    slugs: dict[str, str] = {}
    members: dict[str, list[Card]] = {}
    words = _WORDS[kind]
    for card in cards:
        for word in words(card):
            slug = slugs.get(word)
            if slug is None:
                slug = slugs[word] = tag_slug(word)
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
    settings: Settings, cards: Sequence[Card], ids: Mapping[str, tuple[str, int]], known_ids: Mapping[str, str]
) -> tuple[PlannedFeed, ...]:
    """Every feed of the site, the main one first. ``cards`` are newest first; ``known_ids`` ids.toml's."""
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
        )
        return PlannedFeed(feed, kept)

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
        for group in groups(shown, kind):
            place = paths.tag(group.slug) if kind == "tag" and settings.pages.enabled else ""
            own = [(fmt, _filled(patterns[kind], group.slug, path)) for fmt, path in feeds.paths]
            title = f"{site.title}: {group.name}"
            home = site.base_url + place
            result.append(planned(f"{kind}:{group.slug}", title, home, group.cards, own, feeds.limit, feeds.content))
    return tuple(result)


def _passes(card: Card, wanted: Filter) -> bool:
    return belongs(wanted, _labels(card), (author[0] for author in card.authors), card.section)


def address(documents: Sequence[tuple[Format, str, str]]) -> str:
    """The feed's first public address, which becomes its id: Atom's, since only Atom carries one."""
    urls = {fmt: url for fmt, _, url in documents}
    return urls.get(Format.ATOM) or next(iter(urls.values()), "")


def _filled(pattern: str, slug: str, path: str) -> str:
    return pattern.replace(":name", slug).replace(":file", path.rpartition("/")[2])
