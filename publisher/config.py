"""config.toml becomes Settings: every fault found at once, each with its line and its remedy.

The shape of the file is a tree of tables of keys (``_SHAPE``); each key names the reader that
turns its value into what Settings holds, or explains what it should have been. A library would
cost more time to import than a whole run with one changed post takes.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from publisher.errors import ConfigError, UsageError
from publisher.model.entry import Author
from publisher.model.feed import Format
from publisher.model.problem import Problem, error
from publisher.model.settings import (
    DEFAULT_PERMALINK,
    DEFAULT_STORE_URL,
    DigestSettings,
    FeedsSettings,
    Filter,
    MailSettings,
    NamedFeedSettings,
    OutputSettings,
    PagesSettings,
    PostsSettings,
    Settings,
    SiteSettings,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FILE = "config.toml"

DEFAULT_PATHS = {Format.RSS: "feed.xml", Format.ATOM: "atom.xml", Format.JSON: "feed.json"}
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_PER = ("tag", "author", "section")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_PASSWORD = re.compile(r"://[^/@]*:[^/@]+@")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_SECRET_VARIABLES = {
    "password": "PUBLISHER_SMTP_PASSWORD",
    "secret": "PUBLISHER_SECRET_KEYS",
    "token": "PUBLISHER_ADMIN_TOKEN",
}


class _Fault(Exception):  # noqa: N818 - never leaves this module
    """A value that a reader refuses: what it should have been."""


def load(folder: Path) -> Settings:
    """Settings of the site in ``folder``. Raises ConfigError with every fault, UsageError without a file."""
    path = folder / FILE
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(
            f"no {FILE} in {folder}",
            "run this in a site's folder, name it with --site, or make one: publisher init DIR",
        ) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path} cannot be read: {fault}", "save it as UTF-8 text that you may read") from None
    return parse(text)


def parse(text: str) -> Settings:
    """Settings from the text of a config.toml. Raises ConfigError with every fault it holds."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as fault:  # also a number of more digits than Python reads
        line = re.search(r"at line (\d+)", str(fault))
        number = int(line[1]) if line else text.count("\n") + 1 if "end of document" in str(fault) else 0
        raise ConfigError(
            [error(FILE, number, f"not valid TOML: {fault}", "see https://toml.io for its rules")]
        ) from None
    return _Reading(text).settings(document)


# --- readers: one value in, one value out, or a _Fault that says what was wanted ---


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Fault('text in quotes, such as "…"')
    if _FORBIDDEN.search(value):
        raise _Fault("text without control characters, which no feed may hold")
    return value.strip()


def _paragraphs(value: Any) -> str:
    if not _text(value):
        raise _Fault("text that is not empty")
    return _text(value)


def _filled(value: Any) -> str:
    text = _paragraphs(value)
    if not text.isprintable() and re.search(r"[\t\n\x7f-\x9f\u2028\u2029]", text):
        raise _Fault("text on one line, without tabs")
    return text


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Fault("true or false")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise _Fault("a whole number, 0 or more")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (_filled(value),)
    if not isinstance(value, list):
        raise _Fault('a list of texts, such as ["a", "b"]')
    return tuple(_filled(item) for item in value)


def _url(value: Any) -> str:
    text = _filled(value)
    if not text.isascii():
        raise _Fault("an address in ASCII: the host in punycode (xn--…), other letters percent-encoded")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # an unclosed bracket, a port beyond 65535
        usable = False
    if not usable or not _URI.fullmatch(text):
        raise _Fault('an absolute address, such as "https://blog.example.org/"')
    if "@" in parts.netloc:
        raise _Fault("an address without a user and password: everyone who reads a feed would read them")
    return text


def _base_url(value: Any) -> str:
    text = _url(value)
    if urlsplit(text).query or urlsplit(text).fragment or "?" in text or "#" in text:
        raise _Fault("an address without ? and #")
    return text if text.endswith("/") else text + "/"


def _urls(value: Any) -> tuple[str, ...]:
    return tuple(_url(item) for item in _texts(value))


def _zone(value: Any) -> ZoneInfo:
    name = _filled(value)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise _Fault('the name of a time zone, such as "Europe/Berlin" or "UTC"') from None


def _clock(value: Any) -> time:
    if isinstance(value, time) and value.tzinfo is None:
        return value
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", value) if isinstance(value, str) else None
    if not match:
        raise _Fault('a time of day, such as "09:00"')
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def _language(value: Any) -> str:
    text = _filled(value)
    if not _LANGUAGE.fullmatch(text):
        raise _Fault('a language code, such as "en" or "pt-BR" (RFC 5646)')
    return text


def _folder(value: Any) -> str:
    text = _filled(value).rstrip("/") or "/"
    if "://" in text or text in {"/", ".."}:
        raise _Fault("a folder, relative to config.toml or absolute")
    return text


def _inside(value: Any) -> str:
    text = _filled(value)
    if "\\" in text or not {"", ".", ".."}.isdisjoint(text.split("/")):
        raise _Fault('a path inside the output, such as "feed.xml"')
    return text


def _insides(value: Any) -> tuple[str, ...]:
    return tuple(_inside(item) for item in _texts(value))


def _authors(value: Any) -> tuple[Author, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(_author(item) for item in items)


def _author(value: Any) -> Author:
    if isinstance(value, dict) and set(value) <= {"name", "email", "url"} and value.get("name"):
        return Author(
            _filled(value["name"]),
            _text(value.get("email", "")),
            _url(value["url"]) if value.get("url") else "",
        )
    if isinstance(value, str):
        return Author(_filled(value))
    raise _Fault('a name, or { name = "…", email = "…", url = "…" }, or a list of them')


def _permalinks(value: Any) -> tuple[tuple[str, str], ...]:
    table = {"": value} if isinstance(value, str) else value
    if not isinstance(table, dict) or not all(isinstance(item, str) and item for item in table.values()):
        raise _Fault('a pattern such as "/:year/:slug/", or a table of section = pattern')
    from publisher.content.permalinks import pattern_faults  # noqa: PLC0415 - read only when the key is set

    faults = [fault for pattern in table.values() for fault in pattern_faults(pattern)]
    if faults:
        raise _Fault("; ".join(faults))
    return tuple(sorted({"": DEFAULT_PERMALINK, **table}.items()))


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in words:
            raise _Fault("one of " + ", ".join(f'"{word}"' for word in words))
        return str(value)

    return read


def _formats(value: Any) -> tuple[Format, ...]:
    words = _texts(value)
    known = {item.value: item for item in Format}
    if not words or any(word not in known for word in words):
        raise _Fault('a list from "rss", "atom", "json"')
    return tuple(item for item in Format if item.value in words)


def _paths(value: Any) -> dict[Format, str]:
    known = {item.value: item for item in Format}
    if not isinstance(value, dict) or not value or any(key not in known for key in value):
        raise _Fault('a table such as { rss = "feed.xml", atom = "atom.xml", json = "feed.json" }')
    return {known[key]: _inside(item) for key, item in value.items()}


def _pattern(value: Any) -> str:
    text = _inside(value)
    if ":name" not in text or ":file" not in text:
        raise _Fault('a path with :name and :file, such as "tags/:name/:file"')
    return text


def _per(value: Any) -> tuple[str, ...]:
    words = _texts(value)
    if any(word not in _PER for word in words):
        raise _Fault('a list from "tag", "author", "section"')
    return tuple(word for word in _PER if word in words)


def _cadences(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not value or not all(_NAME.fullmatch(key) for key in value):
        raise _Fault('a table such as { weekly = "mon 09:00", monthly = "first mon 09:00" }')
    return tuple((key, _schedule(item)) for key, item in value.items())


_DAYS = "mon|tue|wed|thu|fri|sat|sun"
_SCHEDULE = re.compile(
    rf"each|(?:daily|(?:(?:first|second|third|fourth|last)\s+)?(?:{_DAYS})|[1-9]|[12]\d|3[01])\s+(?:[01]?\d|2[0-3]):[0-5]\d"
    r"|(?:\S+\s+){4}\S+"
)


def _schedule(value: Any) -> str:
    text = _filled(value).casefold()
    if not _SCHEDULE.fullmatch(text):
        raise _Fault('a schedule: "mon 09:00", "daily 08:00", "first mon 09:00", "1 09:00" or "each"')
    return text


def _store_url(value: Any) -> str:
    text = _filled(value)
    if _PASSWORD.search(text) or "password=" in text:
        raise _Fault("an address without a password: put it all into the environment variable PUBLISHER_STORE_URL")
    if not text.startswith(("sqlite:", "postgresql:", "postgresql+psycopg:")):
        raise _Fault('"sqlite:///mailing.sqlite3" or "postgresql://…"')
    return text


def _transport(value: Any) -> str:
    text = _filled(value)
    if _PASSWORD.search(text):
        raise _Fault("an address without a password: put it into the environment variable PUBLISHER_SMTP_PASSWORD")
    if not re.fullmatch(r"maildir:.+", text):
        raise _Fault('"maildir:FOLDER", the transport this version has')
    return text


_FILTER = {"tags": _texts, "authors": _texts, "sections": _texts, "without": _texts}

_SHAPE: dict[str, dict[str, Callable[[Any], Any]]] = {
    "site": {
        "title": _filled,
        "base_url": _base_url,
        "language": _language,
        "timezone": _zone,
        "description": _text,
        "author": _authors,
    },
    "posts": {"dir": _folder, "permalink": _permalinks, "time_of_day": _clock},
    "pages": {"enabled": _flag, "static": _folder},
    "output": {"dir": _folder, "replace": _insides},
    "feeds": {
        "formats": _formats,
        "paths": _paths,
        "limit": _count,
        "content": _one_of("full", "summary"),
        "per": _per,
        "tag_paths": _pattern,
        "author_paths": _pattern,
        "section_paths": _pattern,
        "hubs": _urls,
    },
    "mail": {"from": _filled, "reply_to": _filled, "postal_address": _paragraphs, "transport": _transport},
    "store": {"url": _store_url},
    "web": {"public_url": _base_url},
}
_NAMED_FEED = {
    "title": _filled,
    "limit": _count,
    "content": _one_of("full", "summary"),
    "paths": _paths,
    **_FILTER,
}
_DIGEST = {
    "title": _filled,
    "schedule": _schedule,
    "cadences": _cadences,
    "timezone": _zone,
    "start": _one_of("now", "all"),
    "limit": _count,
    "content": _one_of("full", "summary"),
    **_FILTER,
}


@dataclass(slots=True)
class _Reading:
    """One reading of one file: collects faults as it goes, so that all are told at once."""

    text: str
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
        except _Fault as fault:
            self._fault(name, key, f"{key} in [{name}] is to be {fault}")
            return None

    def _tables(self, kind: str, tables: Any, keys: dict[str, Callable[[Any], Any]]) -> dict[str, dict[str, Any]]:
        if not isinstance(tables, dict):
            self._fault(kind, "", f"[{kind}] holds tables such as [{kind}.name]")
            return {}
        for name in tables:
            if not _NAME.fullmatch(name):
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

    def _collisions(self, settings: Settings) -> None:
        for path, one, other in _shared_addresses(settings.feeds):
            self._fault(one.table, one.key, f"{path} is the address of two feeds ({other} and {one})", _APART)

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


def _shared_addresses(feeds: FeedsSettings) -> Iterator[tuple[str, _Owner, _Owner]]:
    """Paths that two feeds have or may come to have, with both owners; a file's path that another's folder is, too."""
    names = [path.rpartition("/")[2] for _, path in feeds.paths]
    owned = [(path, _Owner("feeds")) for _, path in feeds.paths]
    owned += [(path, _Owner(f"feeds.{feed.name}")) for feed in feeds.named for _, path in feed.paths]
    owned += [
        (pattern.replace(":file", name), _Owner("feeds", f"{kind}_paths"))
        for kind, pattern in feeds.per_paths
        if kind in feeds.per
        for name in names
    ]
    for index, (path, one) in enumerate(owned):
        for former, other in owned[:index]:
            if _may_be_one(path, former):
                yield path, one, other


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
    posts = {"permalinks" if key == "permalink" else key: value for key, value in tables["posts"].items()}
    mail = {"sender" if key == "from" else key: value for key, value in tables["mail"].items()}
    feeds = _feeds(tables["feeds"], named)
    return Settings(
        site=site,
        posts=PostsSettings(**posts),
        pages=PagesSettings(**tables["pages"]),
        output=OutputSettings(**tables["output"]),
        feeds=feeds,
        digests=tuple(_digest(name, table, site) for name, table in digests.items()),
        mail=MailSettings(**mail),
        store_url=tables["store"].get("url", DEFAULT_STORE_URL),
        web_public_url=tables["web"].get("public_url", ""),
    )


def _site(table: dict[str, Any]) -> SiteSettings:
    return SiteSettings(**{"authors" if key == "author" else key: value for key, value in table.items()})


def _feeds(table: dict[str, Any], named: dict[str, dict[str, Any]]) -> FeedsSettings:
    formats = table.get("formats", tuple(Format))
    paths = {**DEFAULT_PATHS, **table.get("paths", {})}
    limit, content = table.get("limit", 20), table.get("content", "full")
    patterns = tuple((kind, table.get(f"{kind}_paths", f"{kind}s/:name/:file")) for kind in _PER)
    return FeedsSettings(
        formats=formats,
        paths=tuple((item, paths[item]) for item in formats),
        limit=limit,
        content=content,
        per=table.get("per", ()),
        per_paths=patterns,
        hubs=table.get("hubs", ()),
        named=tuple(_named_feed(name, one, formats, limit, content) for name, one in named.items()),
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
        filter=_filter(table),
        cadences=table["cadences"] if "cadences" in table else ((_pace(table["schedule"]), table["schedule"]),),
        timezone=table.get("timezone", site.timezone),
        start=table.get("start", "now"),
        limit=table.get("limit", 0),
        content=table.get("content", "summary"),
    )


def _pace(schedule: str) -> str:
    """The cadence's name that a lone schedule implies."""
    if schedule == "each":
        return "each"
    first = schedule.split(maxsplit=1)[0]
    if first == "daily":
        return "daily"
    return "weekly" if first in _DAYS.split("|") else "monthly"
