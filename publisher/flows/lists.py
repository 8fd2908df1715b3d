"""The pages and files that list entries or feeds: index, years, tags, feeds, OPML, sitemap, redirects."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from publisher.flows.bodies import digest_of
from publisher.flows.cards import Card, moment
from publisher.flows.feed_plan import Group, PlannedFeed, groups, tag_place
from publisher.flows.former import alias_url, files_at
from publisher.output import redirects
from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from publisher.flows.items import Items
    from publisher.flows.survey import Survey
    from publisher.model.settings import Settings
    from publisher.pages.site import Pages

NEWEST = 20  # entries on the index page
NEWEST_EXPLAINED = 5  # entries on the page that explains a feed
WHOLE_SITEMAP = 40_000  # posts; below, one sitemap file surely holds them


@dataclass(frozen=True, slots=True)
class Output:
    """One file to write. ``made_from`` changes when the file may; it is asked once all bodies are rendered."""

    path: str
    made_from: Callable[[], str]
    make: Callable[[], Iterable[bytes]]
    topic: str = ""  # a feed document's URL, which hubs are told of
    leads_to: str = ""  # the URL that a page at a former address leads to
    archive: str = ""  # an archive document's URL; hubs are told of the feed alone


@dataclass(frozen=True, slots=True)
class Moved:
    """A former address: its path below the host, the file that belongs there, and the URL it leads to."""

    address: str
    path: str
    target: str


@dataclass(frozen=True, slots=True)
class Lists:
    """Everything generated that is neither a post's page nor a feed document. ``key`` is plan()'s."""

    settings: Settings
    seen: Survey
    feeds: tuple[PlannedFeed, ...]
    items: Items
    pages: Callable[[], Pages]
    key: str

    def outputs(self) -> Iterator[Output]:
        """All of them, but for redirects."""
        yield self._index()
        yield from map(self._year, self._years())
        tags = groups(self.seen.posts, "tag", self.settings.posts.spelling)
        yield self._tags(tags)
        yield from map(self._feed, self.feeds)
        yield from self._feeds()
        yield self._output(paths.NOT_FOUND, "", lambda: self.pages().not_found())
        yield self._output(paths.STYLESHEET, "", lambda: self.pages().stylesheet())
        yield from self._sitemap()
        yield from map(self._tag, tags)  # last: with a tag_path of ":name/" a tag called feeds takes no other's place

    def _output(self, place: str, version: str, make: Callable[[], bytes]) -> Output:
        base = self.settings.site.base_url
        path = paths.output_path(base + place, base) if place.endswith("/") or not place else place
        made_from = digest_of(f"{self.key}{version}".encode())
        return Output(path or place, lambda: made_from, lambda: (make(),))

    def _index(self) -> Output:
        newest = self.seen.posts[:NEWEST]
        counts = [(year, len(cards)) for year, cards in self._years()]
        standing = self.seen.standing

        def version() -> str:
            text = f"{self.key}{counts}{self.items.version(standing)}{self.items.full_version(newest)}"
            return digest_of(text.encode())

        def make() -> Iterable[bytes]:
            yield self.pages().index(self.items.listings(newest), counts, self.items.entries(standing))

        return Output("index.html", version, make)

    def _years(self) -> list[tuple[int, list[Card]]]:
        found: dict[int, list[Card]] = {}
        for card in self.seen.posts:
            found.setdefault(int(card.day[:4]), []).append(card)
        return sorted(found.items(), reverse=True)

    def _year(self, of: tuple[int, list[Card]]) -> Output:
        year, cards = of
        make = lambda: self.pages().year(year, self.items.entries(cards))  # noqa: E731 - reads as the others do
        return self._output(paths.archive(year), self.items.version(cards), make)

    def _tag(self, tag: Group) -> Output:
        feed = next((one.feed for one in self.feeds if one.feed.key == f"tag:{tag.slug}"), None)
        place, base = tag_place(tag.slug, self.settings), self.settings.site.base_url
        made_from = digest_of(f"{self.key}{tag.name} {self.items.version(tag.cards)}".encode())
        make = lambda: (self.pages().tag(tag.name, place, self.items.entries(tag.cards), feed),)  # noqa: E731 - as above
        return Output(paths.output_path(base + place, base) or place, lambda: made_from, make)

    def _tags(self, tags: Sequence[Group]) -> Output:
        counts = [(tag.name, tag_place(tag.slug, self.settings), len(tag.cards)) for tag in tags]
        place = paths.tags(self.settings.pages.tag_path)
        return self._output(place, repr(counts), lambda: self.pages().tags(counts))

    def _feed(self, one: PlannedFeed) -> Output:
        shown = one.members[:NEWEST_EXPLAINED]

        def version() -> str:
            return digest_of(f"{self.key}{one.feed.title}{self.items.full_version(shown)}".encode())

        def make() -> Iterable[bytes]:
            yield self.pages().feed(one.feed, self.items.listings(shown))

        base = self.settings.site.base_url
        place = paths.feed(one.feed.key)
        return Output(paths.output_path(base + place, base) or place, version, make)

    def _feeds(self) -> Iterator[Output]:
        feeds = tuple(one.feed for one in self.feeds)
        names = repr([(feed.key, feed.title) for feed in feeds])
        yield self._output(paths.FEEDS, names, lambda: self.pages().feeds(feeds))

        def opml() -> bytes:
            from publisher.pages.opml import opml as document  # noqa: PLC0415 - made only when the feeds change

            return document(feeds, self.settings)

        yield self._output(paths.OPML, names, opml)

    def _sitemap(self) -> Iterator[Output]:
        cards = (*self.seen.posts, *self.seen.standing)
        version = "".join([f"{card.permalink} {card.updated}\n" for card in cards])
        if len(cards) < WHOLE_SITEMAP:
            yield self._output(paths.SITEMAP, version, lambda: self._sitemaps(cards)[paths.SITEMAP])
            return
        made = self._sitemaps(cards)
        for path, data in made.items():
            yield self._output(path, version, partial(bytes, data))

    def _sitemaps(self, cards: Sequence[Card]) -> dict[str, bytes]:
        from publisher.pages.sitemap import sitemap  # noqa: PLC0415 - made only when addresses change

        base = self.settings.site.base_url
        dated = [(card.permalink, moment(card.updated) if card.updated else None) for card in cards]
        places = [
            (base + place, None) for place in (paths.INDEX, paths.tags(self.settings.pages.tag_path), paths.FEEDS)
        ]
        return dict(sitemap([*places, *dated], base))

    def moved(self) -> Iterator[Moved]:
        """Former addresses of posts: their aliases, the first permalink of each that has moved, and those between."""
        base, left = self.settings.site.base_url, self.seen.former()
        root, spelling = paths.base_path(base), self.settings.posts.spelling
        for card in (*self.seen.posts, *self.seen.standing):
            former = [alias_url(alias, card.permalink, base, spelling) for alias in card.aliases]
            id_ = self.items.identity(card)[0]
            stood = (id_, *(base + place for place in left.get(id_, ())))
            former += [url for url in stood if url != card.permalink]
            for place, path in chain.from_iterable(files_at(url, base) for url in former if url):
                yield Moved(redirects.address(root, place), path, card.permalink)

    def redirect(self, moved: Moved) -> Output:
        """The page that leads on from a former address."""
        target = moved.target
        made_from = digest_of(f"{self.key}{target}".encode())
        return Output(moved.path, lambda: made_from, lambda: (self.pages().redirect(target),), leads_to=target)
