"""The pages of a site: entries and feeds in, the bytes of HTML documents out.

Each method is a pure function of its arguments, of the settings and of the templates. Links that
belong to the page itself (stylesheet, navigation, lists) are relative to it; canonical addresses
and feeds are absolute, and so are the links inside a body, which stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from publisher.pages import paths, views
from publisher.pages.rendering import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from publisher.model.entry import Entry, Item
    from publisher.model.feed import Feed
    from publisher.model.settings import Settings

    Listing: TypeAlias = tuple[Entry, str]  # an entry and its summary in plain text

MAIN = "main"  # the key of the feed that every page names


class Pages:
    """Renders the pages of one site; made once a run, and only when something is to be rendered.

    ``search_path`` is templating.search_path's. ``feeds`` are all feeds of the site; the one
    with the key "main" is named on every page. ``tag_place`` gives the place of a tag's page, ""
    for a tag without one. ``bytecode`` is a folder for compiled templates, in the build state.

    Usable from forked workers; ``prepare`` before the fork spares each its own compiling. Every
    method raises TemplateError when a template of the site has a fault.
    """

    def __init__(
        self,
        settings: Settings,
        search_path: tuple[Path, ...],
        feeds: tuple[Feed, ...],
        tag_place: Callable[[str], str],
        bytecode: Path | None = None,
    ) -> None:
        from markupsafe import Markup  # noqa: PLC0415 - comes with Jinja2, which is imported late

        self._markup = Markup
        self._site = settings.site
        self._tag_place = tag_place
        self._tags_place = paths.tags(settings.pages.tag_path)
        main = next((feed for feed in feeds if feed.key == MAIN), None)
        constants: dict[str, Any] = {
            "site": settings.site,
            "main_feed": main,
            "main_feed_place": paths.feed(MAIN),
            "tags_place": self._tags_place,
            "subscriptions": _subscriptions(settings),
        }
        self._renderer = Renderer(search_path, constants, bytecode)
        self._discovery = self._links(main)
        self._tags: dict[tuple[str, str], views.Named] = {}
        self._made: dict[tuple[str, str], dict[str, Any]] = {}
        self._listed: dict[tuple[str, str], views.Row] = {}

    def prepare(self) -> None:
        """Compile what most workers will need, ahead of a fork."""
        self._renderer.prepare(("pages/base.html", "pages/post.html"))

    def post(self, item: Item) -> bytes:
        """Return the page of one post."""
        entry, body = item.entry, item.body
        page, root, published = self._article(item, "article")
        values = {
            **self._surroundings(root),
            **page,
            "published": published,
            "updated": self._updated(entry, published),
            "authors": views.byline(entry.authors),
            "tags": [self._tag(name, root) for name in views.topics(entry)],
            "html": self._markup(views.one_heading(body.html)),
            "enclosure": views.media(body.enclosure) if body.enclosure else None,
        }
        return self._renderer.page("pages/post.html", values)

    def standing(self, item: Item) -> bytes:
        """Return the page of an entry that belongs to no date: about, publications."""
        page, root, _ = self._article(item, "website")
        html = self._markup(views.one_heading(item.body.html))
        return self._render("standing", page, root, html=html)

    def index(self, newest: Sequence[Listing], years: Sequence[tuple[int, int]], standing: Sequence[Entry]) -> bytes:
        """Return the front page. ``years`` are pairs of year and count, in the order to be shown."""
        page, root = self._plain("", paths.INDEX, self._site.description)
        entries = [views.Named(entry.title, paths.link(entry.url, self._site.base_url, root)) for entry in standing]
        return self._render(
            "index",
            page,
            root,
            masthead=self._fragment("masthead", root=root, place="", home=True, standing=entries),
            rows=self._rows(newest, root),
            years=[views.Named(str(year), root + paths.archive(year), count) for year, count in years],
        )

    def year(self, year: int, entries: Sequence[Entry]) -> bytes:
        """Return the archive page of one year; it names no other year, so that no other post moves it."""
        page, root = self._plain(str(year), paths.archive(year))
        return self._render("year", page, root, rows=self._rows([(entry, "") for entry in entries], root))

    def tag(self, name: str, place: str, entries: Sequence[Entry], feed: Feed | None) -> bytes:
        """Return the page of one tag, which also names the tag's feed where there is one."""
        page, root = self._plain(name, place)
        return self._render(
            "tag",
            page,
            root,
            name=name,
            rows=self._rows([(entry, "") for entry in entries], root),
            feed=feed,
            feed_href=root + paths.feed(feed.key) if feed else "",
            tag_discovery=self._links(feed),
        )

    def tags(self, counts: Sequence[tuple[str, str, int]]) -> bytes:
        """Return the list of all tags, each as name, place and count, in the order to be shown."""
        page, root = self._plain("Tags", self._tags_place)
        tags = [views.Named(name, root + place, count) for name, place, count in counts]
        return self._render("tags", page, root, self._tags_place, tags=tags)

    def feed(self, feed: Feed, newest: Sequence[Listing]) -> bytes:
        """Return the page that explains a feed to a person who opens it."""
        page, root = self._plain(feed.title, paths.feed(feed.key), feed.description)
        return self._render(
            "feed",
            page,
            root,
            feed=feed,
            home=paths.link(feed.home, self._site.base_url, root),
            rows=self._rows([(entry, "") for entry, _ in newest], root),
            feed_discovery="" if feed.key == MAIN else self._links(feed),
        )

    def feeds(self, feeds: Sequence[Feed]) -> bytes:
        """Return the list of all feeds, with a link to the OPML file that names them all."""
        page, root = self._plain("Feeds", paths.FEEDS)
        shown = [views.feed_view(feed, root) for feed in feeds]
        return self._render("feeds", page, root, paths.FEEDS, feeds=shown, opml=root + paths.OPML)

    def redirect(self, target: str) -> bytes:
        """Return what stands at a former address; ``target`` is absolute."""
        return self._renderer.page("pages/redirect.html", {"target": target, "discovery": self._discovery})

    def not_found(self) -> bytes:
        """Return 404.html, whose links start at base_url's path since it is served at any depth."""
        page, _ = self._plain("Not found", paths.NOT_FOUND)
        return self._render("not_found", page, paths.base_path(self._site.base_url))

    def stylesheet(self) -> bytes:
        """Return the stylesheet, as the site or the package has it."""
        return self._renderer.source("pages/style.css").encode()

    def _render(self, template: str, page: views.Frame, root: str, place: str = "", **values: Any) -> bytes:
        values = {**self._surroundings(root, place), **page, **values}
        return self._renderer.page(f"pages/{template}.html", values)

    def _surroundings(self, root: str, place: str = "") -> dict[str, Any]:
        """Return what is the same on all pages of one depth, made once since it costs as much as a post."""
        made = self._made.get((root, place))
        if made is None:
            made = {
                "root": root,
                "discovery": self._discovery,
                "masthead": self._fragment("masthead", root=root, place=place, home=False, standing=()),
                "footer": self._fragment("footer", root=root),
            }
            self._made[root, place] = made
        return made

    def _fragment(self, template: str, **values: Any) -> str:
        return self._markup(self._renderer.text(f"pages/{template}.html", values))

    def _links(self, feed: Feed | None) -> str:
        """Return the <link> elements by which a reader discovers a feed, as markup."""
        return self._fragment("discovery", feed=feed) if feed else ""

    def _rows(self, listings: Sequence[Listing], root: str) -> list[views.Row]:
        return [self._row(entry, summary, root) for entry, summary in listings]

    def _row(self, entry: Entry, summary: str, root: str) -> views.Row:
        """Return an entry's line. Without a summary it is kept: it stands on a year's page and on several tags'."""
        if summary:
            return views.row(entry, summary, self._site, root)
        made = self._listed.get((entry.url, root))
        if made is None:
            made = self._listed[entry.url, root] = views.row(entry, "", self._site, root)
        return made

    def _tag(self, name: str, root: str) -> views.Named:
        made = self._tags.get((name, root))
        if made is None:
            place = self._tag_place(name)
            made = self._tags[name, root] = views.Named(name, root + place if place else "")
        return made

    def _plain(self, title: str, place: str, description: str = "") -> tuple[views.Frame, str]:
        """Return the frame of a page that is no entry, and its way to the root."""
        site = self._site
        url = site.base_url + place
        page = views.Frame(
            title=title,
            heading=title or site.title,
            description=description,
            url=url,
            language=site.language,
            direction=views.direction(site.language),
            kind="website",
            image="",
            image_alt="",
        )
        return page, paths.root(url, site.base_url)

    def _article(self, item: Item, kind: str) -> tuple[views.Frame, str, views.Day]:
        """Return the frame of an entry's page, its way to the root, and the entry's day."""
        entry, body, site = item.entry, item.body, self._site
        language = entry.language or site.language
        published = views.day(entry.published, site.timezone, language, date_only=entry.date_only)
        title = entry.title or published.text
        page = views.Frame(
            title=title,
            heading=title,
            description=body.summary,
            url=entry.url,
            language=language,
            direction=views.direction(language),
            kind=kind,
            image=body.image.url if body.image else "",
            image_alt=body.image.alt if body.image else "",
        )
        return page, paths.root(entry.url, site.base_url), published

    def _updated(self, entry: Entry, published: views.Day) -> views.Day | None:
        """Return the day of the last change where it is another one than the day of publication."""
        if entry.updated == entry.published:
            return None
        zone, language = self._site.timezone, entry.language or self._site.language
        updated = views.day(entry.updated, zone, language, date_only=entry.date_only)
        return updated if updated.text != published.text else None


def _subscriptions(settings: Settings) -> list[views.Named]:
    """Return the digests that a visitor can subscribe to, each with the server's page for that."""
    url = settings.web.public_url
    return [
        views.Named(one.title, f"{url}subscribe?digest={quote(one.name, safe='')}") for one in settings.digests if url
    ]
