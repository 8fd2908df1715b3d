"""The story of `check --against`: what readers of today's feeds would notice if ours took their place."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.content.urls import decoded
from publisher.errors import FeedError, UsageError
from publisher.feeds.discovery import feeds_of
from publisher.feeds.fetching import load
from publisher.feeds.reading import read_feed
from publisher.flows.feed_plan import MAIN
from publisher.flows.looking import looking
from publisher.flows.plan import plan
from publisher.flows.rendering import pages_of
from publisher.flows.writing import static_files
from publisher.model.problem import Problem, warning
from publisher.rules.differences import Cause, Difference, common_shift, compare, when

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import datetime

    from publisher.flows.feed_plan import PlannedFeed
    from publisher.flows.looking import Look
    from publisher.flows.plan import Plan
    from publisher.model.feed import Format
    from publisher.model.received import ReceivedFeed, ReceivedItem
    from publisher.model.settings import Settings

_ENDINGS = (".xml", ".json", ".atom", ".rss", ".rdf")
_LARGEST = 50_000_000  # bytes of a file in a folder that may be a feed


@dataclass(frozen=True, slots=True)
class Named:
    """An entry that a finding names: its title, its address, and what is said of it."""

    title: str
    url: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that readers would see: all entries it is true of, and the keys that prevent it."""

    what: str
    is_harm: bool
    entries: tuple[Named, ...]
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Against:
    """One feed of today, and the document of ours that would take its place."""

    place: str
    format: str
    path: str
    theirs: int
    ours: int
    findings: tuple[Finding, ...]
    problems: tuple[Problem, ...] = ()

    @property
    def is_noticed(self) -> bool:
        """Whether readers would notice what they should not."""
        return any(one.is_harm for one in self.findings) or bool(self.problems)


@dataclass(frozen=True, slots=True)
class _Document:
    """A feed of today as it was found. ``path`` is its place below the site, empty if that cannot be told.

    It is only ``guessed`` from the name of a file that does not say where it lives: somebody may have saved it so.
    """

    place: str
    path: str
    feed: ReceivedFeed
    guessed: bool = False


def against(
    folder: Path,
    settings: Settings,
    now: datetime,
    places: Sequence[str],
    progress: Callable[[str, int, int], None],
) -> tuple[Against, ...]:
    """Compare what would be published now with the feeds at these places: files, folders, addresses of feeds or pages.

    Changes nothing. Raises UsageError for a place that cannot be read, FeedError for one that holds no feed.
    """
    groups = [tuple(_documents(place, settings)) for place in places]
    with looking(folder, settings, now, progress) as look:
        static, _ = static_files(folder, settings)
        planned = plan(
            settings, look.seen, look.items, lambda feeds: pages_of(folder, settings, feeds, None), static, ""
        )
        documents = [one for place, group in zip(places, groups, strict=True) for one in _chosen(place, group, planned)]
        pairs = [(one, *_ours(one, planned)) for one in documents]
        members = {card.path: card for _, chosen, _ in pairs for card in chosen.members}
        look.render(replace(planned, pages={}, bodies=tuple(members.values())), full=False)
        return tuple(_compared(one, chosen, fmt, planned, settings, look) for one, chosen, fmt in pairs)


def _documents(place: str, settings: Settings) -> Iterator[_Document]:
    if _is_folder(place):
        yield from _in_folder(Path(place))
        return
    loaded = load(place)
    try:
        feed = read_feed(loaded.data, loaded.url, loaded.media_type)
    except FeedError:
        found = tuple(_of_page(loaded.data, loaded.url, settings))
        if not found:
            raise
        yield from found
        return
    yield _document(place, feed, loaded.url or feed.url, settings)


def _is_folder(place: str) -> bool:
    return "://" not in place and os.path.isdir(place)  # Path.is_dir raises for a name that is too long


def _of_page(page: bytes, url: str, settings: Settings) -> Iterator[_Document]:
    """The feeds that a page names. What it names beside them (WordPress: the page itself as JSON) is passed over."""
    for named in feeds_of(page, url):
        loaded = load(named)
        with suppress(FeedError):
            feed = read_feed(loaded.data, loaded.url, loaded.media_type)
            yield _document(named, feed, loaded.url, settings)


def _document(place: str, feed: ReceivedFeed, url: str, settings: Settings) -> _Document:
    root = urlsplit(settings.site.base_url).path
    path = urlsplit(url).path if url else f"{root}{Path(place).name}"
    return _Document(place, decoded(path[len(root) :]) if path.startswith(root) else "", feed, guessed=not url)


def _in_folder(folder: Path) -> Iterator[_Document]:
    """The feeds among the files of a generator's output, a site's main ones first."""
    found = []
    if not os.access(folder, os.R_OK | os.X_OK):
        raise UsageError(f"{folder} cannot be read", "make it readable for you")
    for path in sorted(folder.rglob("*"), key=lambda one: (len(one.parts), one)):
        if path.suffix.lower() not in _ENDINGS or not path.is_file() or path.stat().st_size > _LARGEST:
            continue
        try:
            feed = read_feed(path.read_bytes())
            found.append(_Document(os.fspath(path), path.relative_to(folder).as_posix(), feed))
        except FeedError:  # a sitemap, or somebody's data
            continue
        except OSError as fault:
            raise UsageError(f"{path} cannot be read: {fault.strerror}", "make it readable for you") from None
    if not found:
        raise FeedError(
            f"there is no feed in {folder}", "name the folder that the generator writes, or the feed itself"
        )
    yield from found


def _chosen(place: str, documents: Sequence[_Document], planned: Plan) -> Sequence[_Document]:
    """What was asked for by name; of a folder what stands at addresses of ours, or else its first feed.

    Its other feeds may be meant to stay the generator's.
    """
    if not _is_folder(place):
        return documents
    paths = {path for each in planned.feeds for _, path, _ in each.feed.documents}
    return [one for one in documents if one.path in paths] or documents[:1]


def _ours(one: _Document, planned: Plan) -> tuple[PlannedFeed, Format]:
    """The feed of ours at the same address; else the site's main one, in the same format if we write it."""
    for each in planned.feeds:
        for fmt, path, _ in each.feed.documents:
            if path == one.path:
                return each, fmt
    main = next(each for each in planned.feeds if each.feed.key == MAIN)
    formats = [fmt for fmt, _, _ in main.feed.documents]
    return main, one.feed.format if one.feed.format in formats else formats[0]


def _compared(
    one: _Document, chosen: PlannedFeed, fmt: Format, planned: Plan, settings: Settings, look: Look
) -> Against:
    path, url = next((path, url) for known, path, url in chosen.feed.documents if known is fmt)
    ours = read_feed(b"".join(planned.outputs[path].make()), url) if path in planned.outputs else None
    items = ours.items if ours else ()
    differences = compare(one.feed, ours) if ours else ()
    table = f"[feeds.{chosen.feed.key.partition(':')[2]}]" if chosen.feed.key.startswith("feed:") else "[feeds]"
    files = {card.permalink: f"{settings.posts.dir}/{card.path}" for card in look.seen.posts}
    return Against(
        place=one.place,
        format=one.feed.format.label,
        path=path,
        theirs=len(one.feed.items),
        ours=len(items),
        findings=tuple(_findings(differences, one.feed, table, files, settings)),
        problems=(*_address(one, planned, path), *_cut(one)),
    )


def _address(one: _Document, planned: Plan, path: str) -> Iterator[Problem]:
    """Whether the address at which readers look today would answer."""
    standing = {*planned.outputs, *planned.static, *(moved.path for moved in planned.moved)}
    if one.path and not one.guessed and one.path not in standing:
        remedy = f'set its path in [feeds]: paths = {{ {one.feed.format.value} = "{one.path}" }}; of tags, tag_paths'
        if one.path.endswith("/"):  # WordPress, Ghost: no file has this name
            remedy = f"let your server answer there with {path}"
        yield warning(one.path, 0, f"is where readers look for this feed today; ours is at {path}", remedy)


def _cut(one: _Document) -> Iterator[Problem]:
    """What is missing at the end of a document would look as if it were new."""
    if not one.feed.whole:
        yield warning(one.place, 0, "is cut off: what follows was not compared", "fetch it again, to its end")


def _findings(
    differences: Sequence[Difference], theirs: ReceivedFeed, table: str, files: dict[str, str], settings: Settings
) -> Iterator[Finding]:
    """The differences by cause, the gravest first."""
    by_cause: dict[Cause, list[Difference]] = {cause: [] for cause in Cause}
    for one in differences:
        by_cause[one.cause].append(one)
    renamed = by_cause[Cause.RENAMED]
    if renamed:
        named = tuple(_named(one.after, _to_paste(one, files)) for one in renamed)
        yield Finding(
            "the same entries under other ids: readers would see them as new", True, named, _ids(renamed, settings)
        )
    if longer := by_cause[Cause.LONGER]:
        remedy = f"limit = {len(theirs.items)} in {table}: the feed of today holds {len(theirs.items)} entries"
        yield Finding(
            "older entries that the feed of today does not hold: readers would see them as new",
            True,
            _all(longer),
            remedy,
        )
    if unknown := by_cause[Cause.UNKNOWN]:
        remedy = "keep them out with feed = false or draft = true in the post, or let them come as new"
        yield Finding(
            "entries that are missing in the feed of today: readers would see them as new", True, _all(unknown), remedy
        )
    if moved := [*by_cause[Cause.MOVED], *(one for one in renamed if one.shift)]:
        named = tuple(_named(one.after, f"was {_moment(one.before)}, would be {_moment(one.after)}") for one in moved)
        yield Finding(
            "entries whose date moves: readers that sort by date would show them elsewhere",
            True,
            named,
            _clock(moved, settings),
        )
    if gone := by_cause[Cause.GONE]:
        remedy = "if a post is to go, that is right; else see what `publish` says of its file"
        yield Finding("entries that would be gone", True, tuple(_named(one.before) for one in gone), remedy)
    if changed := by_cause[Cause.CHANGED]:
        named = tuple(_named(one.after, ", ".join(one.parts)) for one in changed)
        yield Finding("entries that would be updated in place", False, named)
    if fresh := by_cause[Cause.FRESH]:
        yield Finding("entries newer than the feed of today: they come as new, as they should", False, _all(fresh))


def _all(differences: Iterable[Difference]) -> tuple[Named, ...]:
    return tuple(_named(one.after) for one in differences)


def _named(item: ReceivedItem | None, detail: str = "") -> Named:
    return Named(item.title or item.id, item.url, detail) if item else Named("", "", detail)


def _moment(item: ReceivedItem | None) -> str:
    at = when(item) if item else None
    return at.strftime("%Y-%m-%d %H:%M:%SZ") if at else "without a date"


def _to_paste(one: Difference, files: dict[str, str]) -> str:
    file = files.get(one.after.url, "") if one.after else ""
    known = one.before.id if one.before else ""
    return f'{file}: id = "{known}"' if file else f'id = "{known}"'


def _ids(renamed: Sequence[Difference], settings: Settings) -> str:
    """What gives most of these entries the ids that readers know."""
    reasons = Counter(_reason(one, settings) for one in renamed)
    reason, _ = reasons.most_common(1)[0]
    adopt = "`publisher init DIR --from FEED` writes the ids of today into ids.toml"
    return f"{reason}; {adopt}" if reason else f"{adopt}; or put id into each post"


def _reason(one: Difference, settings: Settings) -> str:
    """Why an entry goes by another id, where ids are addresses."""
    was, now = (urlsplit(item.url) if item else urlsplit("") for item in (one.before, one.after))
    if was.netloc and (was.scheme, was.netloc) != (now.scheme, now.netloc):
        return f'base_url = "{was.scheme}://{was.netloc}{urlsplit(settings.site.base_url).path}" in [site]'
    if was.path and was.path != now.path:
        return f"permalink or spelling in [posts]: today's addresses are like {was.path}, ours like {now.path}"
    return ""


def _clock(moved: Sequence[Difference], settings: Settings) -> str:
    shift = common_shift(moved)
    minutes = {round(abs(one.shift).total_seconds()) % 86_400 for one in moved if one.shift is not None}
    if shift is None and len(minutes) > 2:  # noqa: PLR2004 - a zone has two, one in summer and one in winter
        return "see the dates in these posts: lastmod, and what the generator takes for the date"
    by = f"all by {shift}" if shift is not None else "by two shifts, as in summer and winter"
    clock = f"{settings.posts.time_of_day:%H:%M}"
    return f"{by}: timezone in [site] is {settings.site.timezone}, time_of_day in [posts] is {clock}"
