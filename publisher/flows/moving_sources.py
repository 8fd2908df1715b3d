"""What `init --from` is given: feeds as files or addresses, pages that name feeds, checkouts, built outputs."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.checkouts.recognising import recognise
from publisher.content.urls import decoded
from publisher.errors import FeedError, UsageError
from publisher.feeds.discovery import feeds_of
from publisher.feeds.fetching import load
from publisher.feeds.reading import read_feed
from publisher.model.problem import Problem, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from publisher.checkouts.checkout import Checkout
    from publisher.model.received import ReceivedFeed


@dataclass(frozen=True, slots=True)
class RunningFeed:
    """A feed that readers hold. ``path`` is its place below the site, "" where that cannot be told."""

    place: str
    path: str
    feed: ReceivedFeed


@dataclass(slots=True)
class Sources:
    """What --from named."""

    checkout: Checkout | None = None
    feeds: list[RunningFeed] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_sources(places: Sequence[str]) -> Sources:
    """Read what is at these places. Raises UsageError or FeedError for what is nothing that can be adopted."""
    sources = Sources()
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


def _take_folder(folder: Path, sources: Sources) -> None:
    found = recognise(os.fspath(folder))
    if found is not None:
        if sources.checkout is not None:
            raise UsageError(f"{folder} is a second generator's checkout", "give one; a site has one")
        sources.checkout = found
        return
    sources.feeds += _in_output(folder, ())


def _take_output(checkout: Checkout, sources: Sources) -> None:
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
    known = [url for url in urls if url and (not feed.home or host_of(url) == host_of(feed.home))]
    return decoded(urlsplit(known[0]).path.lstrip("/")) if known else ""


def host_of(url: str) -> str:
    """The host of an address, without the www that sites have or have not."""
    return urlsplit(url).netloc.lower().removeprefix("www.")
