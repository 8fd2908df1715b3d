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
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from publisher.checkouts.recognising import recognise
from publisher.config import FILE as CONFIG
from publisher.config import parse
from publisher.content import ids as ids_file
from publisher.errors import FeedError, OutputError, UsageError
from publisher.flows.cards import moment
from publisher.flows.feed_plan import MAIN
from publisher.flows.former import alias_url
from publisher.flows.identities import site_facts
from publisher.flows.init import ignore, sample
from publisher.flows.looking import looking
from publisher.flows.moving_clock import clock_of
from publisher.flows.moving_config import config_text, toml
from publisher.flows.moving_settings import toml_of, values_of
from publisher.flows.moving_sources import RunningFeed, Sources, read_sources
from publisher.model.feed import Format
from publisher.model.problem import Problem, warning
from publisher.rules.differences import when
from publisher.rules.identity import Record
from publisher.rules.matching import Candidate, How, Matches, match, rule_of_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from publisher.flows.survey import Survey
    from publisher.model.received import ReceivedItem
    from publisher.model.settings import Settings

BEFORE_US = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # when items that have no post were "withdrawn"


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
    sources = read_sources(places)
    if not sources.feeds:
        raise FeedError("no feed was found that readers hold today", "give its file or its address as another --from")
    values = values_of(folder, sources)
    settings, seen = _surveyed(folder, values, now, progress)
    matches = _matched(sources, settings, seen)
    if clock := clock_of(values, matches, seen, sources):
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


# Posts


def _parsed(text: str, folder: Path) -> Settings:
    return parse(text, folder.absolute().as_posix())


def _surveyed(
    folder: Path, values: Mapping[tuple[str, str], Any], now: dt.datetime, progress: Callable[[str, int, int], None]
) -> tuple[Settings, Survey]:
    """The posts as they would be published, with no ids but their own."""
    settings = _parsed(toml_of(values), folder)
    place = os.path.normpath(folder.absolute() / settings.posts.dir)
    if ("posts", "dir") in values and not Path(place).is_dir():
        raise UsageError(f"there are no posts in {place}", "name the folder that holds them: --from CHECKOUT")
    with TemporaryDirectory() as nothing:  # a site that begins without posts has no folder of them yet
        there = place if Path(place).is_dir() else nothing
        with looking(folder, replace(settings, posts=replace(settings.posts, dir=there)), now, progress) as look:
            return settings, look.seen


def _matched(sources: Sources, settings: Settings, seen: Survey) -> Matches:
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


def _set_limit(values: dict[tuple[str, str], Any], matches: Matches, sources: Sources, seen: Survey) -> None:
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


def _new_posts(matches: Matches, settings: Settings, seen: Survey, sources: Sources) -> Iterator[Unmatched]:
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


def _other_ids(sources: Sources) -> Iterator[Problem]:
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
