"""config.toml becomes Settings: every fault found at once, each with its line and its remedy.

The shape of the file is a tree of tables of keys (``_SHAPE``); each key names the reader that
turns its value into what Settings holds, or explains what it should have been. A library would
cost more time to import than a whole run with one changed post takes.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from publisher.config_values import (
    NAME,
    PER,
    ValueFault,
    read_authors,
    read_base_url,
    read_between,
    read_cadences,
    read_clock,
    read_count,
    read_filled,
    read_flag,
    read_folder,
    read_formats,
    read_hold,
    read_insides,
    read_language,
    read_mailbox,
    read_networks,
    read_one_of,
    read_origins,
    read_paragraphs,
    read_paths,
    read_pattern,
    read_per,
    read_permalinks,
    read_rate,
    read_schedule,
    read_span,
    read_store_url,
    read_tag_path,
    read_text,
    read_texts,
    read_tombstones,
    read_transport,
    read_url,
    read_urls,
    read_zone,
)
from publisher.errors import ConfigError, UsageError
from publisher.model.feed import Format
from publisher.model.problem import Problem, error
from publisher.model.settings import (
    DEFAULT_PERMALINKS,
    DEFAULT_SPELLING,
    DEFAULT_STORE_URL,
    DEFAULT_TOMBSTONES,
    SPELLINGS,
    DigestSettings,
    EngineSettings,
    FeedsSettings,
    Filter,
    MailSettings,
    NamedFeedSettings,
    OutputSettings,
    PagesSettings,
    PostsSettings,
    Settings,
    SiteSettings,
    WebSettings,
)
from publisher.rules.calendar import pace
from publisher.rules.calendar import parse as parse_schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE = "config.toml"
STORE_VARIABLE = "PUBLISHER_STORE_URL"  # takes the place of [store] url, and may hold a password

DEFAULT_PATHS = {Format.RSS: "feed.xml", Format.ATOM: "atom.xml", Format.JSON: "feed.json"}
_SECRET_VARIABLES = {
    "password": "PUBLISHER_SMTP_PASSWORD",
    "secret": "PUBLISHER_SECRET_KEYS",
    "token": "PUBLISHER_ADMIN_TOKEN",
}


def load(folder: Path) -> Settings:
    """Settings of the site in ``folder``. Raises ConfigError with every fault, UsageError without a file."""
    path = folder / FILE
    if path.is_fifo():  # it would be waited for without end
        raise UsageError(f"{path} cannot be read: it is a pipe", "save it as UTF-8 text that you may read")
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"no {FILE} in {folder}",
            "run this in a site's folder, name it with --site, or make one: publisher init DIR",
        ) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path} cannot be read: {fault}", "save it as UTF-8 text that you may read") from None
    settings = parse(text, normpath(folder.absolute().as_posix()))
    elsewhere = os.environ.get(STORE_VARIABLE, "")
    return replace(settings, store_url=elsewhere) if elsewhere else settings


def parse(text: str, folder: str = "/site") -> Settings:
    """Settings from the text of the config.toml in ``folder``. Raises ConfigError with every fault it holds."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:  # also a number of more digits than Python reads
        line = re.search(r"at line (\d+)", str(fault))
        number = int(line[1]) if line else text.count("\n") + 1 if "end of document" in str(fault) else 0
        raise ConfigError(
            [error(FILE, number, f"not valid TOML: {fault}", "see https://toml.io for its rules")]
        ) from None
    return _Reading(text, folder).settings(document)


_FILTER = {"tags": read_texts, "authors": read_texts, "sections": read_texts, "without": read_texts}

_SHAPE: dict[str, dict[str, Callable[[Any], Any]]] = {
    "site": {
        "title": read_filled,
        "base_url": read_base_url,
        "language": read_language,
        "timezone": read_zone,
        "description": read_text,
        "author": read_authors,
    },
    "posts": {
        "dir": read_folder,
        "permalink": read_permalinks,
        "time_of_day": read_clock,
        "spelling": read_one_of(*SPELLINGS),
    },
    "pages": {"enabled": read_flag, "static": read_folder, "tag_path": read_tag_path},
    "output": {"dir": read_folder, "replace": read_insides},
    "feeds": {
        "formats": read_formats,
        "paths": read_paths,
        "limit": read_count,
        "content": read_one_of("full", "summary"),
        "per": read_per,
        "tag_paths": read_pattern,
        "author_paths": read_pattern,
        "section_paths": read_pattern,
        "hubs": read_urls,
        "archives": read_flag,
        "tombstones": read_tombstones,
    },
    "mail": {
        "from": read_filled,
        "reply_to": read_filled,
        "editor": read_mailbox,
        "postal_address": read_paragraphs,
        "transport": read_transport,
        "rate": read_rate,
        "per_domain": read_rate,
        "retry_for": read_span,
        "on_doubt": read_one_of("resend", "hold"),
        "relay_log": read_filled,
    },
    "store": {"url": read_store_url},
    "web": {
        "public_url": read_base_url,
        "host": read_filled,
        "port": read_between(0, 65_535),
        "trusted_proxies": read_networks,
        "allow_origins": read_origins,
        "letters_per_network": read_between(1, 1_000_000),
        "logs": read_one_of("text", "json"),
    },
    "engine": {"connections": read_between(1, 100), "window": read_between(1, 10_000)},
}
_NAMED_FEED = {
    "title": read_filled,
    "limit": read_count,
    "content": read_one_of("full", "summary"),
    "paths": read_paths,
    **_FILTER,
}
_DIGEST = {
    "title": read_filled,
    "schedule": read_schedule,
    "cadences": read_cadences,
    "timezone": read_zone,
    "start": read_one_of("now", "all"),
    "limit": read_count,
    "content": read_one_of("full", "summary", "newest"),
    "hold": read_hold,
    "send_late_within": read_span,
    "archive": read_flag,
    "feed": read_url,
    **_FILTER,
}


@dataclass(slots=True)
class _Reading:
    """One reading of one file: collects faults as it goes, so that all are told at once."""

    text: str
    folder: str
    faults: list[Problem] = field(default_factory=list)

    def settings(self, document: dict[str, Any]) -> Settings:
        self._unknown("", document, [*_SHAPE, "digests"])
        tables = {name: self._table(name, document.get(name, {}), keys) for name, keys in _SHAPE.items()}
        named = self._tables("feeds", self._named_feeds(document), _NAMED_FEED)
        digests = self._tables("digests", document.get("digests", {}), _DIGEST)
        self._required(tables, digests)
        if self.faults:
            raise ConfigError(self.faults)
        built = _build(tables, named, digests)
        self._collisions(built)
        if self.faults:
            raise ConfigError(self.faults)
        return built

    def _table(self, name: str, table: Any, keys: dict[str, Callable[[Any], Any]]) -> dict[str, Any]:
        if not isinstance(table, dict):
            self._fault(name, "", f"[{name}] is a table of keys")
            return {}
        plain = {key: value for key, value in table.items() if not (name == "feeds" and _is_named_feed(key, value))}
        self._unknown(name, plain, list(keys))
        return {key: self._value(name, key, keys[key], value) for key, value in plain.items() if key in keys}

    def _value(self, name: str, key: str, read: Callable[[Any], Any], value: Any) -> Any:
        try:
            return read(value)
        except ValueFault as fault:
            self._fault(name, key, f"{key} in [{name}] is to be {fault}")
            return None

    def _tables(self, kind: str, tables: Any, keys: dict[str, Callable[[Any], Any]]) -> dict[str, dict[str, Any]]:
        if not isinstance(tables, dict):
            self._fault(kind, "", f"[{kind}] holds tables such as [{kind}.name]")
            return {}
        for name in tables:
            if not NAME.fullmatch(name):
                self._fault(
                    f"{kind}.{name}",
                    "",
                    f"the name of [{kind}.{name}] is to be lower-case letters, digits and hyphens",
                )
        return {name: self._table(f"{kind}.{name}", table, keys) for name, table in tables.items()}

    def _named_feeds(self, document: dict[str, Any]) -> dict[str, Any]:
        feeds = document.get("feeds", {})
        return (
            {key: value for key, value in feeds.items() if _is_named_feed(key, value)}
            if isinstance(feeds, dict)
            else {}
        )

    def _required(self, tables: dict[str, dict[str, Any]], digests: dict[str, dict[str, Any]]) -> None:
        for key, example in (("title", "My notebook"), ("base_url", "https://blog.example.org/")):
            if key not in tables["site"]:
                self._fault("site", "", f"{key} is missing in [site]", f'add: {key} = "{example}"')
        for name, digest in digests.items():
            if ("schedule" in digest) == ("cadences" in digest):
                self._fault(
                    f"digests.{name}",
                    "",
                    f"[digests.{name}] wants either schedule or cadences",
                    'add: schedule = "mon 09:00"',
                )
            if "feed" in digest and digest.get("sections"):
                message = f"sections in [digests.{name}]: a feed has none, they are folders of posts"
                self._fault(f"digests.{name}", "sections", message, "filter by tags or authors")

    def _collisions(self, settings: Settings) -> None:
        for path, one, other in _shared_addresses(settings.feeds, settings.posts.spelling):
            self._fault(one.table, one.key, f"{path} is the address of two feeds ({other} and {one})", _APART)
        for path, one in _owned(settings.feeds):
            if settings.pages.enabled and settings.pages.tag_path.startswith(f"{path}/"):
                message = f"{path} is the address of a feed ({one}) and the folder of tag_path in [pages]"
                self._fault(one.table, one.key, message, "give the feed another path")
        self._mixed_folders(settings)

    def _mixed_folders(self, settings: Settings) -> None:
        """Folders that hold what they must not: an output its own inputs, public folders what is private."""
        output, static = self._path(settings.output.dir), self._path(settings.pages.static)
        inputs = {self._path(settings.posts.dir): "posts", static: "static files"}
        holds = "site" if _holds(output, self.folder) else inputs.get(output)
        if holds:
            message = f"dir in [output] is the folder of the {holds}"
            self._fault("output", "dir", message, 'give the output a folder of its own, such as "public"')
        if _holds(static, self.folder) or (static != output and _holds(static, output)):
            message = "static in [pages] holds the whole site: all of it would be published, the output in itself"
            self._fault("pages", "static", message, 'give these files a folder of their own, such as "static"')
        self._exposed(settings, output, static)

    def _exposed(self, settings: Settings, output: str, static: str) -> None:
        private = (
            ("mail", "transport", settings.mail.transport.partition(":")[2], "mail"),
            ("store", "url", settings.store_url.partition(":///")[2], "the list of readers"),
        )
        for table, key, name, what in private:
            place = self._path(name)
            if name and (_holds(output, place) or _holds(static, place)):
                message = f"{key} in [{table}] puts {what} where everyone can read it"
                self._fault(table, key, message, "keep it out of the output and the static folder")

    def _path(self, name: str) -> str:
        return normpath(f"{self.folder}/{name}" if not name.startswith("/") else name)

    def _unknown(self, name: str, table: dict[str, Any], known: list[str]) -> None:
        for key in table:
            if key in known:
                continue
            where = f" in [{name}]" if name else ""
            variable = next((value for word, value in _SECRET_VARIABLES.items() if word in key.casefold()), "")
            if variable:
                self._fault(
                    name,
                    key,
                    f"{key}{where}: secrets do not belong in {FILE}",
                    f"set the environment variable {variable} instead",
                )
                continue
            self._fault(name, key, f"unknown key {key}{where}", _nearest(key, known))

    def _fault(self, table: str, key: str, message: str, remedy: str = "") -> None:
        self.faults.append(error(FILE, _line_of(self.text, table, key), message, remedy))


def _holds(folder: str, path: str) -> bool:
    """Whether a folder is what lies at a path, or holds it; both absolute and normal."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_named_feed(key: str, value: Any) -> bool:
    return isinstance(value, dict) and key not in _SHAPE["feeds"]


def _nearest(key: str, known: list[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415 - only a fault needs it

    close = get_close_matches(key.casefold(), known, 1)
    return f"did you mean {close[0]}?" if close else "known here: " + ", ".join(known)


_HEADER = re.compile(r"\s*\[{1,2}([^\[\]=,#]+)\]{1,2}\s*(?:#.*)?")
_KEY = re.compile(r"""\s*((?:[^\s"'=.\[\],#]|"[^"]*"|'[^']*')[^=,\[\]{}#]*?)\s*=""")


def _line_of(text: str, table: str, key: str) -> int:
    """The line where a key (or, without one, its table) stands, or what holds it; 0 where it cannot be told."""
    wanted = _plain(f"{table}.{key}" if table and key else table or key)
    header, best, closest = "", 0, ""
    for number, line in enumerate(text.split("\n"), 1):
        if found := _HEADER.fullmatch(line):
            header = place = _plain(found[1])
        elif found := _KEY.match(line):
            place = f"{header}.{_plain(found[1])}" if header else _plain(found[1])
        else:
            continue
        if place == wanted or place.startswith(f"{wanted}."):
            return number
        if wanted.startswith(f"{place}.") and len(place) > len(closest):
            best, closest = number, place
    return best


def _plain(key: str) -> str:
    return re.sub(r"""["'\s]""", "", key)


_APART = "give each feed a path of its own"


@dataclass(frozen=True, slots=True)
class _Owner:
    """Where in config.toml a feed's path comes from."""

    table: str
    key: str = "paths"

    def __str__(self) -> str:
        return f"[{self.table}]" if self.key == "paths" else f"{self.key} in [{self.table}]"


def _owned(feeds: FeedsSettings) -> list[tuple[str, _Owner]]:
    """The paths of all feeds, :name standing for what only posts tell, each with its owner."""
    names = [path.rpartition("/")[2] for _, path in feeds.paths]
    owned = [(path, _Owner("feeds")) for _, path in feeds.paths]
    owned += [(path, _Owner(f"feeds.{feed.name}")) for feed in feeds.named for _, path in feed.paths]
    owned += [
        (pattern.replace(":file", name), _Owner("feeds", f"{kind}_paths"))
        for kind, pattern in feeds.per_paths
        if kind in feeds.per
        for name in names
    ]
    return owned


def _shared_addresses(feeds: FeedsSettings, spelling: str) -> Iterator[tuple[str, _Owner, _Owner]]:
    """Paths that two feeds have or may come to have, with both owners; a file's path that another's folder is, too."""
    owned = _owned(feeds)
    for index, (path, one) in enumerate(owned):
        for former, other in owned[:index]:
            if _may_be_one(path, former) or (spelling != DEFAULT_SPELLING and _may_be_deep(path, former)):
                yield path, one, other


def _may_be_deep(one: str, other: str) -> bool:
    """Whether a path is one that a :name with dots or slashes in it could make: other spellings keep them."""
    pattern, literal = (one, other) if ":name" in one else (other, one)
    return ":name" not in literal and re.fullmatch(re.escape(pattern).replace(":name", ".+"), literal) is not None


def _may_be_one(one: str, other: str) -> bool:
    parts = [*zip(one.split("/"), other.split("/"), strict=False)]
    return all(_may_be_equal(*pair) for pair in parts)


def _may_be_equal(one: str, other: str) -> bool:
    """Whether two segments are, or with some :name in them could become, the same."""
    start, name, end = one.partition(":name")
    start2, name2, end2 = other.partition(":name")
    if name and name2:
        return (start.startswith(start2) or start2.startswith(start)) and (end.endswith(end2) or end2.endswith(end))
    pattern, literal = (one, other) if name else (other, one)
    return re.fullmatch(re.escape(pattern).replace(":name", "[^.]+"), literal) is not None  # slugs hold no dots


def _filter(table: dict[str, Any]) -> Filter:
    return Filter(**{key: table.get(key, ()) for key in _FILTER})


def _build(
    tables: dict[str, dict[str, Any]], named: dict[str, dict[str, Any]], digests: dict[str, dict[str, Any]]
) -> Settings:
    site = _site(tables["site"])
    mail = {"sender" if key == "from" else key: value for key, value in tables["mail"].items()}
    feeds = _feeds(tables["feeds"], named)
    return Settings(
        site=site,
        posts=_posts(tables["posts"]),
        pages=PagesSettings(**tables["pages"]),
        output=OutputSettings(**tables["output"]),
        feeds=feeds,
        digests=tuple(_digest(name, table, site) for name, table in digests.items()),
        mail=MailSettings(**mail),
        store_url=tables["store"].get("url", DEFAULT_STORE_URL),
        web=WebSettings(**tables["web"]),
        engine=EngineSettings(**tables["engine"]),
    )


def _site(table: dict[str, Any]) -> SiteSettings:
    return SiteSettings(**{"authors" if key == "author" else key: value for key, value in table.items()})


def _posts(table: dict[str, Any]) -> PostsSettings:
    """Posts of sections that have no pattern of their own live where the program of the spelling puts them."""
    elsewhere = DEFAULT_PERMALINKS[table.get("spelling", DEFAULT_SPELLING)]
    patterns = {"": elsewhere, **dict(table.get("permalink", ()))}
    rest = {key: value for key, value in table.items() if key != "permalink"}
    return PostsSettings(**rest, permalinks=tuple(sorted(patterns.items())))


def _feeds(table: dict[str, Any], named: dict[str, dict[str, Any]]) -> FeedsSettings:
    formats = table.get("formats", tuple(Format))
    paths = {**DEFAULT_PATHS, **table.get("paths", {})}
    limit, content = table.get("limit", 20), table.get("content", "full")
    patterns = tuple((kind, table.get(f"{kind}_paths", f"{kind}s/:name/:file")) for kind in PER)
    return FeedsSettings(
        formats=formats,
        paths=tuple((item, paths[item]) for item in formats),
        limit=limit,
        content=content,
        per=table.get("per", ()),
        per_paths=patterns,
        hubs=table.get("hubs", ()),
        named=tuple(_named_feed(name, one, formats, limit, content) for name, one in named.items()),
        archives=table.get("archives", True),
        tombstones=table.get("tombstones", DEFAULT_TOMBSTONES),
    )


def _named_feed(
    name: str, table: dict[str, Any], formats: tuple[Format, ...], limit: int, content: str
) -> NamedFeedSettings:
    own = {**{item: f"{name}/{path}" for item, path in DEFAULT_PATHS.items()}, **table.get("paths", {})}
    return NamedFeedSettings(
        name=name,
        title=table.get("title", name),
        filter=_filter(table),
        limit=table.get("limit", limit),
        content=table.get("content", content),
        paths=tuple((item, own[item]) for item in formats),
    )


def _digest(name: str, table: dict[str, Any], site: SiteSettings) -> DigestSettings:
    return DigestSettings(
        name=name,
        title=table.get("title", f"{site.title}: {name}"),
        filter=replace(_filter(table), source=table.get("feed", "")),
        cadences=table["cadences"]
        if "cadences" in table
        else ((pace(parse_schedule(table["schedule"])), table["schedule"]),),
        timezone=table.get("timezone", site.timezone),
        start=table.get("start", "now"),
        limit=table.get("limit", 0),
        content=table.get("content", "summary"),
        archive=table.get("archive", True),
        feed=table.get("feed", ""),
        **_holding(table),
    )


def _holding(table: dict[str, Any]) -> dict[str, Any]:
    """What a digest says of waiting and of being late, where it says anything."""
    found: dict[str, Any] = {}
    if "hold" in table:
        found |= {"approve": True} if table["hold"] == "approve" else {"hold": table["hold"]}
    if "send_late_within" in table:
        found["send_late_within"] = table["send_late_within"]
    return found
