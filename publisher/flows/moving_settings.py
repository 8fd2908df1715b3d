"""The settings of a site that moves in, as its feeds and its generator's checkout suggest them."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from publisher.config import FILE as CONFIG
from publisher.config import parse
from publisher.errors import ConfigError
from publisher.flows.moving_config import feed_values, toml
from publisher.model.feed import Format
from publisher.model.problem import note, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from publisher.checkouts.checkout import Checkout
    from publisher.flows.moving_sources import Sources

    Values = dict[tuple[str, str], Any]  # by table and key

_USUAL_LIMIT = 20
_LONG = 1500  # characters of a usual description that must be a whole text


def values_of(folder: Path, sources: Sources) -> dict[tuple[str, str], Any]:
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


def _is_accepted(place: tuple[str, str], value: Any, sources: Sources) -> bool:
    """Whether config.toml may hold a value that somebody else's program was content with."""
    plain = {("site", "title"): "T", ("site", "base_url"): "https://a.test/"} | {place: value}
    try:
        parse(toml_of(plain))
    except ConfigError as fault:
        said = fault.problems[0].message if fault.problems else str(fault)
        sources.problems.append(warning(CONFIG, 0, f"{place[1]} of the running site is not taken over: {said}"))
        return False
    return True


def toml_of(values: Mapping[tuple[str, str], Any]) -> str:
    """These settings alone, as config.toml would have them."""
    tables: dict[str, list[str]] = {}
    for (table, key), value in values.items():
        tables.setdefault(table, []).append(f"{key} = {toml(value)}")
    return "".join(f"[{table}]\n" + "\n".join(lines) + "\n" for table, lines in tables.items())


def _base_url(sources: Sources) -> str:
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


def _paths(sources: Sources, base_url: str) -> dict[Format, str]:
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


def _limit(sources: Sources) -> int:
    known = sources.checkout.limit if sources.checkout else None
    return known if known is not None else max(_USUAL_LIMIT, len(sources.feeds[0].feed.items))


def _is_full(sources: Sources) -> bool:
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
