"""What the output is to hold: every path, what it is made of, and how it is made.

The plan names all paths before anything is rendered (the manifest has to), and tells for each what
it depends on, so that a file is made again only when one of those things has changed. Where two
things want one path, what an author wrote wins over what we generate: a page of theirs named
tags.md, or static/404.html, takes the place of ours.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from publisher.content.urls import decoded
from publisher.feeds.document import Frame, joined, placed, xml_frame
from publisher.flows.bodies import digest_of
from publisher.flows.feed_plan import PlannedFeed, address, plan_feeds
from publisher.flows.lists import Lists, Moved, Output
from publisher.model.problem import Problem, error, warning
from publisher.output import redirects
from publisher.output.place import is_ours
from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from publisher.flows.cards import Card
    from publisher.flows.items import Items
    from publisher.flows.survey import Survey
    from publisher.model.feed import Feed, Format
    from publisher.model.settings import Settings
    from publisher.output.state import BuildState
    from publisher.pages.site import Pages


_DOCUMENT = re.compile(r"(?:[\w.~%-]+/)*[\w.~%-]+\.(?:xml|json|rss|atom|rdf)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole output.

    ``pages`` maps a path to the card whose page it is, ``static`` names files copied as they are.
    """

    feeds: tuple[PlannedFeed, ...]
    pages: Mapping[str, Card]
    outputs: Mapping[str, Output]
    static: frozenset[str]
    bodies: tuple[Card, ...]  # whose bodies are needed
    problems: tuple[Problem, ...]
    moved: tuple[Moved, ...] = ()  # former addresses, for servers that can answer with a redirect
    gone: tuple[tuple[str, str], ...] = ()  # addresses at which we write nothing any more, and their files

    def paths(self) -> set[str]:
        """Every path that is planned; files beside posts are added when bodies are known."""
        return {*self.pages, *self.outputs, *self.static}


def plan(
    settings: Settings,
    seen: Survey,
    items: Items,
    pages_of: Callable[[tuple[Feed, ...]], Pages],
    static: Iterable[str],
    key: str,
) -> Plan:
    """Plan the output of a survey. ``key`` is a digest of settings, templates and program version.

    ``pages_of`` makes the pages of a site with these feeds; it is called when a page is first made.
    ``static`` are the paths of files that are published as they are.
    """
    feeds = plan_feeds(settings, seen.posts, seen.ids, seen.ids_before.feeds, seen.removed)
    outputs = {one.path: one for one in _documents(feeds, items, key)}
    if not settings.pages.enabled:
        wanted = {card.path: card for one in feeds for card in one.every()}
        moved = tuple(_moved_feeds(settings, seen, feeds, outputs))
        return Plan(feeds, {}, outputs, frozenset(), tuple(wanted.values()), (), moved)
    pages = cache(lambda: pages_of(tuple(one.feed for one in feeds)))
    places, problems = _pages(settings, seen)
    lists = Lists(settings, seen, feeds, items, pages, key)
    moved = tuple(lists.moved())
    for one in (*lists.outputs(), *map(lists.redirect, moved)):
        outputs.setdefault(one.path, one)
    kept_static = frozenset(static) - places.keys()
    problems += _shadowed(settings, outputs, kept_static)
    authors = {*places, *kept_static}
    folders = {folder for path in authors for folder in above(path)}
    problems += _folded(outputs, folders)
    taken = authors | folders
    files = authors | outputs.keys()  # a former address may lie where a feed is a file: /feed.xml/index.html
    for path in [path for path in outputs if path in taken or is_ours(path) or not files.isdisjoint(above(path))]:
        del outputs[path]
    blocked = _blocked(settings, places, {*authors, *outputs})
    places = {path: card for path, card in places.items() if path not in blocked}
    bodies = (*seen.posts, *seen.standing)
    standing = [one for one in moved if one.path in outputs and outputs[one.path].leads_to == one.target]
    standing += _moved_feeds(settings, seen, feeds, {*places, *outputs, *kept_static})
    gone = tuple(_gone(settings, seen, {*places, *outputs, *kept_static}))
    return Plan(feeds, places, outputs, kept_static, bodies, (*problems, *blocked.values()), tuple(standing), gone)


def _gone(settings: Settings, seen: Survey, standing: Collection[str]) -> Iterator[tuple[str, str]]:
    """Where posts stood that were withdrawn, and where they stood first: address and file, where we write none now."""
    base = settings.site.base_url
    root = paths.base_path(base)
    for one in seen.withdrawn:
        for url in {one.permalink, one.id}:
            path = paths.output_path(url, base)
            if path and path not in standing:
                yield redirects.address(root, url[len(base) :]), path


def _folded(outputs: Mapping[str, Output], folders: set[str]) -> list[Problem]:
    """Feeds whose file would be a folder of the author's."""
    remedy = "rename the folder, or give the feed another address: paths in [feeds]"
    taken = sorted(path for path, one in outputs.items() if (one.topic or one.archive) and path in folders)
    message = "is a feed's address and a folder of yours: the feed is not written"
    return [error(path, 0, message, remedy) for path in taken]


def above(path: str) -> Iterator[str]:
    """The folders that a path of the output lies in, the innermost first."""
    folder = path.rpartition("/")[0]
    while folder:
        yield folder
        folder = folder.rpartition("/")[0]


def _pages(settings: Settings, seen: Survey) -> tuple[dict[str, Card], list[Problem]]:
    """The page of each post and standing page, by path; a problem for each that cannot have one."""
    found: dict[str, Card] = {}
    problems = []
    for card in (*seen.posts, *seen.standing):
        path = card.page
        usable = bool(path) and not is_ours(path)
        if usable and path not in found:
            found[path] = card
            continue
        shown = f"{settings.posts.dir}/{card.path}"
        if not usable:
            remedy = "choose a permalink below base_url, of plain names"
            problems.append(error(shown, 0, f"no page can be written for {card.permalink}", remedy))
        else:
            other = f"{settings.posts.dir}/{found[path].path}"
            problems.append(error(shown, 0, f"its page would be {path}, which is {other}'s", "give it another slug"))
    return found, problems


def _shadowed(settings: Settings, outputs: Mapping[str, Output], static: frozenset[str]) -> list[Problem]:
    """Static files where a feed would be: a leftover of another generator, most likely, that no post ever changes."""
    remedy = "take it away, or give the feed another address: paths in [feeds]"
    taken = {path: "the feed" for path, one in outputs.items() if one.topic and path in static}
    taken |= {path: "an archive of the feed" for path, one in outputs.items() if one.archive and path in static}
    return [
        warning(f"{settings.pages.static}/{path}", 0, f"takes the place of {what}", remedy)
        for path, what in sorted(taken.items())
    ]


def _blocked(settings: Settings, places: Mapping[str, Card], every: set[str]) -> dict[str, Problem]:
    """Pages whose file would have to be a folder too, or would lie in a folder that is a file."""
    folders: set[str] = set()
    for path in every:
        for folder in above(path):
            if folder in folders:
                break
            folders.add(folder)
    both = folders & every
    if not both:
        return {}
    said = {path: f"its page {path} would be a folder as well" for path in both & places.keys()}
    for path in places:
        file = next((folder for folder in above(path) if folder in both and folder not in places), "")
        if file:
            said.setdefault(path, f"its page {path} would lie in {file}, which is a file")
    shown = settings.posts.dir
    return {path: error(f"{shown}/{places[path].path}", 0, why, "give it another slug") for path, why in said.items()}


def _moved_feeds(
    settings: Settings, seen: Survey, feeds: Iterable[PlannedFeed], taken: Collection[str]
) -> Iterator[Moved]:
    """Former addresses of feeds: a feed's id is where its document stood first, on this domain or on one before it.

    An id may also have come from another program, and be the address of a page: only names of documents count.
    """
    base, left = settings.site.base_url, seen.former()
    for one in feeds:
        target = address(one.feed.documents)
        for place in (one.feed.id.removeprefix(base), *left.get(one.feed.id, ())) if target else ():
            is_document = place != one.feed.id and _DOCUMENT.fullmatch(place) and ".." not in place.split("/")
            if is_document and decoded(place) not in taken:
                yield Moved(redirects.address(paths.base_path(base), place), decoded(place), target)


def _documents(feeds: Sequence[PlannedFeed], items: Items, key: str) -> Iterator[Output]:
    """All archives before all feeds: of two that want one path, the later one has it."""
    for one in feeds:
        for each in reversed(one.archives):
            version = _version(each, items, key)
            for fmt, path, url in each.feed.documents:
                yield Output(path, version, _maker(each, fmt, items, key, one.feed), archive=url)
    for one in feeds:
        version = _version(one, items, key)
        for fmt, path, url in one.feed.documents:
            yield Output(path, version, _maker(one, fmt, items, key, one.feed), url)


def _version(one: PlannedFeed, items: Items, key: str) -> Callable[[], str]:
    """What the documents of a feed or an archive are made from; told once for all formats."""
    feed = one.feed
    return cache(lambda: digest_of(f"{key}{feed.id}\n{feed.history}\n{items.full_version(one.members)}".encode()))


def _maker(one: PlannedFeed, fmt: Format, items: Items, key: str, of: Feed) -> Callable[[], Iterable[bytes]]:
    """What makes a document; ``of`` is the feed whose frame it shares."""

    def make() -> Iterable[bytes]:
        fragments = items.fragments(one.members, fmt, full=one.feed.full_text)
        return joined(one.feed, fmt, fragments, placed(_frame(of, fmt, items.state, key), one.feed, fmt))

    return make


def _frame(feed: Feed, fmt: Format, state: BuildState, key: str) -> Frame:
    """A feed's frame, from the build state where it is known: it depends on settings, its id and its title."""
    name = f"frame {feed.key} {fmt.value}"
    version, _, known = state.fact(name).partition("\0")
    head, found, tail = known.partition("\0")
    wanted = f"{key} {feed.id} {feed.title}"
    if found and version == wanted:
        return Frame(head, tail)
    made = xml_frame(feed, fmt)
    state.set_fact(name, f"{wanted}\0{made.head}\0{made.tail}")
    return made
