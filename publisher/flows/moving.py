"""The story of `init --from`: a site that runs elsewhere is adopted, and no reader sees an old post as new.

What readers hold is in the running feed: ids, dates, addresses, how many entries. What the site is made of is in the
generator's checkout, if there is one. Posts are read where they lie, matched to the feed's items, and their ids
written into ids.toml; config.toml keeps the rest.

An item without a post keeps its id, too: its record stands in ids.toml as withdrawn at the beginning of time, so
that it is in no feed and has no tombstone. A post that comes to light later with its address, or with its date and
title, gets that id.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from publisher.checkouts.recognising import recognise
from publisher.config import FILE as CONFIG
from publisher.config import parse
from publisher.content import ids as ids_file
from publisher.content.urls import decoded
from publisher.errors import ConfigError, FeedError, OutputError, UsageError
from publisher.feeds.discovery import feeds_of
from publisher.feeds.fetching import load
from publisher.feeds.reading import read_feed
from publisher.flows.cards import moment
from publisher.flows.feed_plan import MAIN
from publisher.flows.former import alias_url
from publisher.flows.identities import site_facts
from publisher.flows.init import ignore, sample
from publisher.flows.looking import looking
from publisher.flows.moving_config import config_text, feed_values, toml
from publisher.model.feed import Format
from publisher.model.problem import Problem, note, warning
from publisher.rules.differences import when
from publisher.rules.identity import Record
from publisher.rules.matching import Candidate, How, Matches, guess_zone, match, rule_of_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from publisher.checkouts.checkout import Checkout
    from publisher.flows.survey import Survey
    from publisher.model.received import ReceivedFeed, ReceivedItem
    from publisher.model.settings import Settings

BEFORE_US = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # when items that have no post were "withdrawn"
_USUAL_LIMIT = 20
_LONG = 1500  # characters of a usual description that must be a whole text
_MIDNIGHT = dt.time(0, 0)
_MOST = 0.8  # of the dates in a feed, which tell how all of them were made
# Where one zone's clock is like another's, the one that more people live by is named.
_LIKELY = (
    "UTC America/New_York America/Chicago America/Denver America/Los_Angeles Europe/London Europe/Berlin Europe/Paris "
    "Europe/Helsinki Asia/Kolkata Asia/Shanghai Asia/Tokyo Australia/Sydney America/Sao_Paulo Pacific/Auckland"
)


@dataclass(frozen=True, slots=True)
class RunningFeed:
    """A feed that readers hold. ``path`` is its place below the site, "" where that cannot be told."""

    place: str
    path: str
    feed: ReceivedFeed


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An item without a post, or a post that readers would see as new, and the line that would mend it."""

    title: str
    where: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """What was adopted. ``made`` are files, in their order; ``matched`` counts posts by how they were recognised."""

    generator: str
    feeds: tuple[RunningFeed, ...]
    matched: Mapping[How, int]
    items: tuple[Unmatched, ...]
    posts: tuple[Unmatched, ...]
    problems: tuple[Problem, ...]
    made: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sources:
    """What --from named."""

    checkout: Checkout | None = None
    feeds: list[RunningFeed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def adopt(
    folder: Path,
    places: Sequence[str],
    now: dt.datetime,
    progress: Callable[[str, int, int], None],
    *,
    dry_run: bool = False,
) -> Adopted:
    """Make ``folder`` the new home of the site at ``places``: feeds (files or addresses), checkouts, built outputs.

    Nothing that stands in ``folder`` is overwritten. Raises UsageError for places that are neither, FeedError where no
    feed is found in them, OutputError where ``folder`` cannot be made.
    """
    _see(folder)
    if os.path.exists(folder / CONFIG) and not _is_foreign(folder):
        raise UsageError(f"{folder} is a site already: it has a {CONFIG}", "choose another folder")
    if os.path.exists(folder / ids_file.FILE):
        raise UsageError(f"{folder} has an {ids_file.FILE} already", "choose another folder")
    if os.path.exists(folder / CONFIG):
        raise UsageError(
            f"{folder / CONFIG} is another program's", "choose a folder of its own, such as feeds/ in the checkout"
        )
    sources = _sources(places)
    if not sources.feeds:
        raise FeedError("no feed was found that readers hold today", "give its file or its address as another --from")
    values = _values(folder, sources)
    settings, seen = _surveyed(folder, values, now, progress)
    matches = _matched(sources, settings, seen)
    if clock := _clock(values, matches, seen, sources):
        values |= clock
        settings, seen = _surveyed(folder, values, now, progress)
        matches = _matched(sources, settings, seen)
    _set_limit(values, matches, sources, seen)
    records = _records(matches, seen)
    text = config_text((sample() / CONFIG).read_text("utf-8"), values)
    own = next((one.feed.id for one in sources.feeds if one.feed.format is Format.ATOM and one.feed.id), "")
    feeds = {MAIN: own} if own else {}
    ids = ids_file.render(ids_file.Ids(records, feeds, site_facts(_parsed(text, folder))))
    made, kept = ((), ()) if dry_run else _write(folder, text, ids, is_alone=sources.checkout is None)
    return Adopted(
        generator=sources.checkout.generator if sources.checkout else "",
        feeds=tuple(sources.feeds),
        matched={how: sum(one.how is how for one in matches.found) for how in How},
        items=tuple(_lost(item) for item in matches.items),
        posts=tuple(_new_posts(matches, settings, seen, sources)),
        problems=(*sources.problems, *seen.problems, *_other_ids(sources)),
        made=made,
        kept=kept,
    )


def _see(folder: Path) -> None:
    """Refuse before anything is read what can never be a folder: a name that is too long, a loop of links."""
    try:
        folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as fault:
        raise OutputError(f"{folder} cannot be made: {fault.strerror}", "choose another folder") from None


def _is_foreign(folder: Path) -> bool:
    return recognise(os.fspath(folder)) is not None


# Sources


def _sources(places: Sequence[str]) -> _Sources:
    sources = _Sources()
    for place in places:
        if "://" not in place and os.path.isdir(place):  # Path.is_dir raises for a name that is too long
            _take_folder(Path(place), sources)
        else:
            sources.feeds += _read(place)
    if not sources.feeds and sources.checkout is not None:
        _take_output(sources.checkout, sources)
    if sources.checkout is not None:
        sources.problems += sources.checkout.problems
    for one in sources.feeds:
        if not one.feed.whole:
            text = "ends in the middle: what stood behind the cut is not known"
            sources.problems.append(warning(one.place, 0, text, "fetch it again"))
    return sources


def _take_folder(folder: Path, sources: _Sources) -> None:
    found = recognise(os.fspath(folder))
    if found is not None:
        if sources.checkout is not None:
            raise UsageError(f"{folder} is a second generator's checkout", "give one; a site has one")
        sources.checkout = found
        return
    sources.feeds += _in_output(folder, ())


def _take_output(checkout: Checkout, sources: _Sources) -> None:
    """The feeds in a checkout's own output, where it was built."""
    output = Path(checkout.folder, checkout.output)
    if output.is_dir():
        sources.feeds += _in_output(output, [path for _, path in checkout.feeds])


def _in_output(folder: Path, expected: Sequence[str]) -> list[RunningFeed]:
    """The main feeds in a built site: those that are expected, else what stands at its top."""
    names = [path for path in expected if (folder / path).is_file()]
    if not names and folder.is_dir():
        names = sorted(one.name for one in folder.iterdir() if one.suffix in {".xml", ".json", ".atom", ".rss"})
    found = []
    for name in names:
        try:
            found.append(RunningFeed(os.fspath(folder / name), name, read_feed(load(os.fspath(folder / name)).data)))
        except FeedError:  # a sitemap, a search index
            continue
    if not found and not expected:
        raise UsageError(
            f"{folder} is no generator's checkout that is known, and holds no feed", "name the feed itself"
        )
    return found


def _read(place: str) -> Iterator[RunningFeed]:
    loaded = load(place)
    try:
        feed = read_feed(loaded.data, loaded.url, loaded.media_type)
    except FeedError:
        addresses = feeds_of(loaded.data, loaded.url)
        if not addresses:
            raise
        found = list(_of_page([url for url in addresses if "/comments/" not in url][:_OWN]))
        if not found:
            raise
        yield from found
        return
    yield RunningFeed(place, _path(feed, loaded.url, feed.url), feed)


_OWN = 3  # feeds that a page names: its own in each format; those of tags come after


def _of_page(addresses: Iterable[str]) -> Iterator[RunningFeed]:
    for url in addresses:
        found = load(url)
        with suppress(FeedError):  # WordPress names the page itself as JSON, too
            feed = read_feed(found.data, found.url, found.media_type)
            yield RunningFeed(url, _path(feed, found.url, feed.url), feed)


def _path(feed: ReceivedFeed, *urls: str) -> str:
    """Where a feed stands on the site itself; "" for one that another host hands out, such as FeedBurner."""
    known = [url for url in urls if url and (not feed.home or _host(url) == _host(feed.home))]
    return decoded(urlsplit(known[0]).path.lstrip("/")) if known else ""


def _host(url: str) -> str:
    return urlsplit(url).netloc.lower().removeprefix("www.")


# Settings


def _values(folder: Path, sources: _Sources) -> dict[tuple[str, str], Any]:
    """What goes into config.toml, by table and key."""
    first, checkout = sources.feeds[0].feed, sources.checkout
    base_url = _base_url(sources)
    values: dict[tuple[str, str], Any] = {
        ("site", "title"): (checkout.title if checkout else "") or first.title or urlsplit(base_url).netloc,
        ("site", "base_url"): base_url,
        ("site", "language"): (checkout.language if checkout else "") or first.language or "en",
        ("site", "timezone"): (checkout.timezone if checkout else "") or "UTC",
    }
    if description := (checkout.description if checkout else "") or first.description:
        values["site", "description"] = description
    if authors := (checkout.authors if checkout else ()) or first.authors:
        values["site", "author"] = authors[0] if len(authors) == 1 else list(authors)
    values |= feed_values(_paths(sources, base_url), limit=_limit(sources), full=_is_full(sources))
    if hubs := [hub for hub in first.hubs if hub]:
        values["feeds", "hubs"] = hubs
    if checkout is not None:
        values |= _beside(folder, checkout, list(values["feeds", "paths"].values()))
    return {place: value for place, value in values.items() if _is_accepted(place, value, sources)}


def _is_accepted(place: tuple[str, str], value: Any, sources: _Sources) -> bool:
    """Whether config.toml may hold a value that somebody else's program was content with."""
    plain = {("site", "title"): "T", ("site", "base_url"): "https://a.test/"} | {place: value}
    try:
        parse(_toml_of(plain))
    except ConfigError as fault:
        said = fault.problems[0].message if fault.problems else str(fault)
        sources.problems.append(warning(CONFIG, 0, f"{place[1]} of the running site is not taken over: {said}"))
        return False
    return True


def _toml_of(values: Mapping[tuple[str, str], Any]) -> str:
    tables: dict[str, list[str]] = {}
    for (table, key), value in values.items():
        tables.setdefault(table, []).append(f"{key} = {toml(value)}")
    return "".join(f"[{table}]\n" + "\n".join(lines) + "\n" for table, lines in tables.items())


def _base_url(sources: _Sources) -> str:
    checkout = sources.checkout
    named = checkout.base_url if checkout else ""
    if not urlsplit(named).netloc:
        one = sources.feeds[0]
        named = one.feed.home or one.feed.url or (one.place if "://" in one.place else "")
        named = _folder_of(named) if one.feed.home else urljoin(named, "./")
    if not urlsplit(named).netloc:
        item = next((item.url for item in sources.feeds[0].feed.items if item.url), "")
        named = urljoin(item, "/") if item else "https://example.com/"
        sources.problems.append(warning(CONFIG, 0, f"the feed does not say where the site lives: {named} is a guess"))
    return named if named.endswith("/") else f"{named}/"


def _folder_of(home: str) -> str:
    """The site whose front page this is: /blog is a folder, /blog/index.html stands in one."""
    parts = urlsplit(home)
    is_file = "." in parts.path.rpartition("/")[2]
    url = f"{parts.scheme}://{parts.netloc}{parts.path}"
    return urljoin(url, "./") if is_file else f"{url.rstrip('/')}/"


def _paths(sources: _Sources, base_url: str) -> dict[Format, str]:
    """Where each format's feed stands, below the site."""
    root = urlsplit(base_url).path.lstrip("/")
    found: dict[Format, str] = {}
    for one in sources.feeds:
        path = one.path.removeprefix(root)
        if not path or path.endswith("/"):
            shown = f"/{one.path}" if one.path else one.feed.url or one.place
            path = f"{path}index.xml" if path else {Format.JSON: "feed.json"}.get(one.feed.format, "feed.xml")
            remedy = f"let your server answer there with {path}"
            sources.problems.append(note(CONFIG, 0, f"readers hold {shown}, which is no file's address", remedy))
        if path not in found.values():
            found.setdefault(one.feed.format, path)
    for fmt, path in sources.checkout.feeds if sources.checkout else ():
        if fmt not in found and path not in found.values():
            found[fmt] = path
    return found


def _limit(sources: _Sources) -> int:
    known = sources.checkout.limit if sources.checkout else None
    return known if known is not None else max(_USUAL_LIMIT, len(sources.feeds[0].feed.items))


def _set_limit(values: dict[tuple[str, str], Any], matches: Matches, sources: _Sources, seen: Survey) -> None:
    """As many posts as the feed holds now, if there are older ones; what it holds beside posts takes no place."""
    first = {item.id for item in sources.feeds[0].feed.items}
    held = [one.post for one in matches.found if one.item.id in first]
    shown = {card.path for card in seen.posts if card.in_feeds}
    if not held:
        if len(first) < len(shown):
            values["feeds", "limit"] = len(first)
        return
    oldest = min(post.published for post in held)
    if any(post.published <= oldest for post in matches.posts if post.path in shown):
        values["feeds", "limit"] = sum(post.path in shown for post in held)


def _is_full(sources: _Sources) -> bool:
    items = sources.feeds[0].feed.items
    if any(item.content for item in items):
        return True
    known = sources.checkout.full if sources.checkout else None
    lengths = [len(item.summary) for item in items]
    return known if known is not None else bool(lengths) and statistics.median(lengths) > _LONG


def _beside(folder: Path, checkout: Checkout, paths: Iterable[str]) -> dict[tuple[str, str], Any]:
    """Publisher beside the generator: its posts, its addresses, its output; feeds alone are ours."""
    written = [path for _, path in checkout.feeds if path in set(paths)]
    values: dict[tuple[str, str], Any] = {
        ("posts", "dir"): _way(folder, checkout, checkout.posts or "posts"),
        ("posts", "spelling"): checkout.generator,
        ("pages", "enabled"): False,
        ("output", "dir"): _way(folder, checkout, checkout.output or "public"),
        ("output", "replace"): written,
    }
    if checkout.permalinks:
        table = dict(checkout.permalinks)
        values["posts", "permalink"] = table[""] if list(table) == [""] else table
    if checkout.tag_path:
        values["pages", "tag_path"] = checkout.tag_path
    return values


def _way(folder: Path, checkout: Checkout, name: str) -> str:
    """The way from the new site to a folder of the checkout."""
    return Path(os.path.relpath(Path(checkout.folder).absolute() / name, folder.absolute())).as_posix()


# Posts


def _parsed(text: str, folder: Path) -> Settings:
    return parse(text, folder.absolute().as_posix())


def _surveyed(
    folder: Path, values: Mapping[tuple[str, str], Any], now: dt.datetime, progress: Callable[[str, int, int], None]
) -> tuple[Settings, Survey]:
    """The posts as they would be published, with no ids but their own."""
    settings = _parsed(_toml_of(values), folder)
    place = os.path.normpath(folder.absolute() / settings.posts.dir)
    if ("posts", "dir") in values and not Path(place).is_dir():
        raise UsageError(f"there are no posts in {place}", "name the folder that holds them: --from CHECKOUT")
    with TemporaryDirectory() as nothing:  # a site that begins without posts has no folder of them yet
        there = place if Path(place).is_dir() else nothing
        with looking(folder, replace(settings, posts=replace(settings.posts, dir=there)), now, progress) as look:
            return settings, look.seen


def _matched(sources: _Sources, settings: Settings, seen: Survey) -> Matches:
    """The items of the first feed, then those that only the others hold, matched to posts."""
    base, spelling = settings.site.base_url, settings.posts.spelling
    posts = [
        Candidate(
            card.path,
            card.declared_id,
            card.permalink,
            tuple(filter(None, (alias_url(alias, card.permalink, base, spelling) for alias in card.aliases))),
            card.title,
            moment(card.published),
        )
        for card in seen.posts
    ]
    items: dict[str, ReceivedItem] = {}
    links: set[str] = set()
    for one in sources.feeds:
        for item in one.feed.items:
            if item.id not in items and (not item.url or item.url not in links):
                items[item.id] = item
        links |= {item.url for item in one.feed.items}
    return match(tuple(items.values()), posts)


def _clock(
    values: Mapping[tuple[str, str], Any], matches: Matches, seen: Survey, sources: _Sources
) -> dict[tuple[str, str], Any]:
    """The zone, or the time of day, that gives posts with a day alone the moments that readers know."""
    days = {card.path: card.day for card in seen.posts if card.date_only}
    pairs = [
        (dt.date.fromisoformat(days[one.post.path]), when(one.item)) for one in matches.found if one.post.path in days
    ]
    known = [(day, at) for day, at in pairs if at is not None]
    moved = {
        one.post.published for one in matches.found if one.post.path in days and when(one.item) != one.post.published
    }
    if not known or not moved:
        return {}
    present = _zone(values["site", "timezone"])
    own = Counter(at.astimezone(present).time().replace(microsecond=0) for day, at in known if _is_on(at, present, day))
    clock, number = own.most_common(1)[0] if own else (_MIDNIGHT, 0)
    if number >= _MOST * len(known):
        if clock == _MIDNIGHT:  # as it is; what differs was dated anew
            return {}
        sources.problems.append(
            note(CONFIG, 0, f"posts with a day alone stand at {clock:%H:%M} in the feed: time_of_day says so")
        )
        return {("posts", "time_of_day"): f"{clock:%H:%M:%S}" if clock.second else f"{clock:%H:%M}"}
    names = dict.fromkeys((*_LIKELY.split(), *sorted(available_timezones())))
    zone = guess_zone(known, map(_zone, names), _MIDNIGHT)
    if zone is None:
        text = "the dates in the feed fit no time zone: some entries would move in time"
        sources.problems.append(
            warning(CONFIG, 0, text, "set timezone in [site], then see `publisher check --against`")
        )
        return {}
    sources.problems.append(
        note(
            CONFIG,
            0,
            f"timezone is a guess from the dates in the feed: {zone.key}",
            "set it in [site] if you know better",
        )
    )
    return {("site", "timezone"): zone.key}


def _is_on(at: dt.datetime, zone: ZoneInfo, day: dt.date) -> bool:
    try:
        return at.astimezone(zone).date() == day
    except OverflowError:  # the first and the last day of the calendar
        return False


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


# Ids


def _records(matches: Matches, seen: Survey) -> dict[str, Record]:
    """What ids.toml is to hold of posts that readers know, and of items that have none."""
    cards = {card.path: card for card in seen.posts}
    rule = rule_of_ids(matches.found)
    records = {}
    for one in matches.found:
        card = cards[one.post.path]
        records[card.path] = Record(card.path, one.item.id, moment(card.published), card.title, card.permalink)
    taken = {record.id for record in records.values()} | {item.id for item in matches.items}
    for post in matches.posts:
        former = rule(post.permalink) if rule and not post.declared_id else ""
        if former and former != post.permalink and former not in taken:
            records[post.path] = Record(post.path, former, post.published, post.title, post.permalink)
    for item in matches.items:
        at = when(item) or dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        records[item.id] = Record(item.id, item.id, at, item.title, item.url, withdrawn=BEFORE_US)
    return records


def _lost(item: ReceivedItem) -> Unmatched:
    remedy = f"if a post is it, put there: id = {toml(item.id)}"
    return Unmatched(item.title or item.id, item.url or item.id, remedy)


def _new_posts(matches: Matches, settings: Settings, seen: Survey, sources: _Sources) -> Iterator[Unmatched]:
    """Posts that would come into the feed and that no item is, though they are older than its newest."""
    items = sources.feeds[0].feed.items
    moments = [at for at in map(when, items) if at]
    shown = {card.path for card in seen.posts if card.in_feeds}
    for post in matches.posts:
        if post.path in shown and moments and min(moments) < post.published <= max(moments):
            remedy = "feed = false in the post keeps it out of the feeds"
            if matches.items:
                remedy = f"if it is one of the items without a post, put its id there; else {remedy}"
            yield Unmatched(post.title, f"{settings.posts.dir}/{post.path}", remedy)


def _other_ids(sources: _Sources) -> Iterator[Problem]:
    """Whether the formats tell one entry by several ids: Publisher has one for all."""
    first = sources.feeds[0]
    known = {item.url: item.id for item in first.feed.items if item.url}
    for other in sources.feeds[1:]:
        differing = sum(known.get(item.url, item.id) != item.id for item in other.feed.items)
        if differing:
            text = f"{differing} entries have other ids in {other.place} than in {first.place}, whose ids are kept"
            yield warning("", 0, text, "give the feed first that more readers hold")


# Files


def _write(folder: Path, config: str, ids: str, *, is_alone: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    made: list[str] = []
    kept: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if is_alone and not (folder / "posts").exists():
            (folder / "posts").mkdir()
            made.append("posts/")
        ignore(folder, made, kept)
        (folder / ids_file.FILE).write_text(ids, "utf-8")
        (folder / CONFIG).write_text(config, "utf-8")  # last: until then the folder is no site
        made += [ids_file.FILE, CONFIG]
    except OSError as fault:
        raise OutputError(
            f"{fault.filename or folder} cannot be made: {fault.strerror}", "choose a folder that you may write to"
        ) from None
    return tuple(made), tuple(kept)
