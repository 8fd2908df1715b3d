"""The values of config.toml: one in, one out, or a ValueFault that says what was wanted.

Each reader takes what TOML gave for a key and returns what Settings holds for it.
"""

from __future__ import annotations

import re
from datetime import time, timedelta
from posixpath import normpath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from publisher.model.entry import Author
from publisher.model.feed import Format
from publisher.output.place import OURS
from publisher.rules import calendar

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
PER = ("tag", "author", "section")
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\ufffe\uffff]")
_URI = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})+")
_PASSWORD = re.compile(r"://[^/@]*:[^/@]+@")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_NO_PATH = re.compile(r"[\\?#\x00-\x1f\x7f]|//")
_TAKEN = frozenset({"tags", "feeds", "archive", "style.css", "sitemap.xml", "feeds.opml"})  # see pages/paths.py


class ValueFault(Exception):
    """A value that a reader refuses: what it should have been."""


def read_text(value: Any) -> str:
    """Text on any number of lines."""
    if not isinstance(value, str):
        raise ValueFault('text in quotes, such as "…"')
    if _FORBIDDEN.search(value):
        raise ValueFault("text without control characters, which no feed may hold")
    return value.strip()


def read_paragraphs(value: Any) -> str:
    """Text that is not empty."""
    if not read_text(value):
        raise ValueFault("text that is not empty")
    return read_text(value)


def read_filled(value: Any) -> str:
    """One line of text that is not empty."""
    text = read_paragraphs(value)
    if not text.isprintable() and re.search(r"[\t\n\x7f-\x9f\u2028\u2029]", text):
        raise ValueFault("text on one line, without tabs")
    return text


def read_flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueFault("true or false")
    return value


def read_count(value: Any) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueFault("a whole number, 0 or more")
    return value


def read_texts(value: Any) -> tuple[str, ...]:
    """A list of texts; a lone one is a list of one."""
    if isinstance(value, str):
        return (read_filled(value),)
    if not isinstance(value, list):
        raise ValueFault('a list of texts, such as ["a", "b"]')
    return tuple(read_filled(item) for item in value)


def read_url(value: Any) -> str:
    """An absolute http address in ASCII."""
    text = read_filled(value)
    if not text.isascii():
        raise ValueFault("an address in ASCII: the host in punycode (xn--…), other letters percent-encoded")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # an unclosed bracket, a port beyond 65535
        usable = False
    if not usable or not _URI.fullmatch(text):
        raise ValueFault('an absolute address, such as "https://blog.example.org/"')
    if "@" in parts.netloc:
        raise ValueFault("an address without a user and password: everyone who reads a feed would read them")
    return text


def read_base_url(value: Any) -> str:
    """The same without query and fragment, ending in a slash."""
    text = read_url(value)
    if urlsplit(text).query or urlsplit(text).fragment or "?" in text or "#" in text:
        raise ValueFault("an address without ? and #")
    return text if text.endswith("/") else text + "/"


def read_urls(value: Any) -> tuple[str, ...]:
    """A list of addresses."""
    return tuple(read_url(item) for item in read_texts(value))


def read_networks(value: Any) -> tuple[str, ...]:
    """A list of addresses and networks, as "127.0.0.1" or "10.0.0.0/8"."""
    from ipaddress import ip_network  # noqa: PLC0415 - read only when the key is set

    try:
        return tuple(str(ip_network(text)) for text in read_texts(value))
    except ValueError:
        raise ValueFault('a list of addresses and networks, such as ["127.0.0.1", "10.0.0.0/8"]') from None


def read_origins(value: Any) -> tuple[str, ...]:
    """A list of origins: scheme, host and port, and nothing else (RFC 6454)."""
    found = []
    for text in read_urls(value):
        parts = urlsplit(text)
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueFault('a list of origins, such as ["https://www.example.org"]')
        found.append(f"{parts.scheme}://{parts.netloc.lower()}")
    return tuple(found)


def read_zone(value: Any) -> ZoneInfo:
    """A time zone by its name."""
    name = read_filled(value)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueFault('the name of a time zone, such as "Europe/Berlin" or "UTC"') from None


def read_clock(value: Any) -> time:
    """A time of day."""
    if isinstance(value, time) and value.tzinfo is None:
        return value
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", value) if isinstance(value, str) else None
    if not match:
        raise ValueFault('a time of day, such as "09:00"')
    return time(int(match[1]), int(match[2]), int(match[3] or 0))


def read_language(value: Any) -> str:
    """A language code (RFC 5646)."""
    text = read_filled(value)
    if not _LANGUAGE.fullmatch(text):
        raise ValueFault('a language code, such as "en" or "pt-BR" (RFC 5646)')
    return text


def read_folder(value: Any) -> str:
    """A folder, relative to config.toml or absolute."""
    text = read_filled(value).rstrip("/") or "/"
    if "://" in text or normpath(text) in {"/", "//", ".."}:
        raise ValueFault("a folder, relative to config.toml or absolute")
    return text


def read_inside(value: Any) -> str:
    """A path inside the output."""
    text = read_filled(value)
    parts = text.split("/")
    if "\\" in text or not {"", ".", ".."}.isdisjoint(parts):
        raise ValueFault('a path inside the output, such as "feed.xml"')
    if parts[0].casefold() == OURS:
        raise ValueFault(f"a path outside of {OURS}, which is Publisher's own")
    return text


def read_insides(value: Any) -> tuple[str, ...]:
    """A list of such paths."""
    return tuple(read_inside(item) for item in read_texts(value))


def read_authors(value: Any) -> tuple[Author, ...]:
    """One author or several."""
    items = value if isinstance(value, list) else [value]
    return tuple(read_author(item) for item in items)


def read_author(value: Any) -> Author:
    """A name, or a table of name, email and url."""
    if isinstance(value, dict) and set(value) <= {"name", "email", "url"} and value.get("name"):
        return Author(
            read_filled(value["name"]),
            read_text(value.get("email", "")),
            read_url(value["url"]) if value.get("url") else "",
        )
    if isinstance(value, str):
        return Author(read_filled(value))
    raise ValueFault('a name, or { name = "…", email = "…", url = "…" }, or a list of them')


def read_permalinks(value: Any) -> tuple[tuple[str, str], ...]:
    """A pattern, or a table of them by section."""
    table = {"": value} if isinstance(value, str) else value
    if not isinstance(table, dict) or not all(isinstance(item, str) and item for item in table.values()):
        raise ValueFault('a pattern such as "/:year/:slug/", or a table of section = pattern')
    from publisher.content.permalinks import pattern_faults  # noqa: PLC0415 - read only when the key is set

    faults = [fault for pattern in table.values() for fault in pattern_faults(pattern)]
    if faults:
        raise ValueFault("; ".join(faults))
    return tuple(table.items())


def read_one_of(*words: str) -> Callable[[Any], str]:
    """A reader of one of these words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueFault("one of " + ", ".join(f'"{word}"' for word in words))
        return str(value)

    return read


def read_formats(value: Any) -> tuple[Format, ...]:
    """Formats in their fixed order."""
    words = read_texts(value)
    known = {item.value: item for item in Format}
    if not words or any(word not in known for word in words):
        raise ValueFault('a list from "rss", "atom", "json"')
    return tuple(item for item in Format if item.value in words)


def read_paths(value: Any) -> dict[Format, str]:
    """Paths by format."""
    known = {item.value: item for item in Format}
    if not isinstance(value, dict) or not value or any(key not in known for key in value):
        raise ValueFault('a table such as { rss = "feed.xml", atom = "atom.xml", json = "feed.json" }')
    found = {known[key]: read_inside(item) for key, item in value.items()}
    if any(path.lower().endswith((".html", ".htm")) for path in found.values()):
        raise ValueFault('a path such as "feed.xml": what ends in .html is a page')
    if not _TAKEN.isdisjoint(found.values()):
        raise ValueFault('a path such as "feed.xml": this one is a page, or a folder of pages')
    return found


def read_pattern(value: Any) -> str:
    """A path with :name and :file."""
    text = read_inside(value)
    if ":name" not in text or ":file" not in text:
        raise ValueFault('a path with :name and :file, such as "tags/:name/:file"')
    return text


def read_tag_path(value: Any) -> str:
    """The address of a tag's page below base_url: a folder, or a page's file."""
    text = read_filled(value).lstrip("/")
    parts = text.removesuffix("/").split("/")
    if ":name" not in text or not {"", ".", ".."}.isdisjoint(map(unquote, parts)) or _NO_PATH.search(unquote(text)):
        raise ValueFault('a path with :name, such as "tags/:name/"')
    if parts[0].casefold() in {"feeds", "archive", OURS}:
        raise ValueFault(f'a path outside of {parts[0]}/, which holds pages of ours, such as "tags/:name/"')
    return text


def read_tombstones(value: Any) -> timedelta | None:
    """How long withdrawn entries are named: a span of time, or false."""
    if value is False:
        return None
    try:
        return read_span(value)
    except ValueFault as fault:
        raise ValueFault(f"false, or {fault}") from None


def read_per(value: Any) -> tuple[str, ...]:
    """What to make feeds per."""
    words = read_texts(value)
    if any(word not in PER for word in words):
        raise ValueFault('a list from "tag", "author", "section"')
    return tuple(word for word in PER if word in words)


def read_cadences(value: Any) -> tuple[tuple[str, str], ...]:
    """Schedules by cadence."""
    if not isinstance(value, dict) or not value or not all(NAME.fullmatch(key) for key in value):
        raise ValueFault('a table such as { weekly = "mon 09:00", monthly = "first mon 09:00" }')
    return tuple((key, read_schedule(item)) for key, item in value.items())


def read_schedule(value: Any) -> str:
    """A schedule, as written, in lower case."""
    text = read_filled(value).casefold()
    try:
        calendar.parse(text)
    except ValueError as fault:
        raise ValueFault(str(fault)) from None
    return text


_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(m|min|minutes?|h|hours?|d|days?)")
_UNITS = {"m": 60, "h": 3600, "d": 86400}
MOST_SPAN = timedelta(days=366)
LEAST_RATE, MOST_RATE = 0.001, 100_000


def read_span(value: Any) -> timedelta:
    """A span of time, such as "30m", "2h" or "3d"."""
    found = _SPAN.fullmatch(value.strip().casefold()) if isinstance(value, str) else None
    if not found:
        raise ValueFault('a span of time, such as "30m", "2h" or "3d"')
    seconds = float(found[1]) * _UNITS[found[2][0]]
    if not 0 < seconds <= MOST_SPAN.total_seconds():
        raise ValueFault("a span of time of more than nothing and at most 366 days")
    return timedelta(seconds=seconds)


def read_hold(value: Any) -> timedelta | str:
    """How long a drafted issue waits: a span of time, or "approve"."""
    if isinstance(value, str) and value.strip().casefold() == "approve":
        return "approve"
    try:
        return read_span(value)
    except ValueFault as fault:
        raise ValueFault(f'"approve", or {fault}') from None


def read_rate(value: Any) -> float:
    """Messages a second; 0 sets no limit."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not (value == 0 or LEAST_RATE <= value <= MOST_RATE):
        raise ValueFault(f"a number of messages a second, from {LEAST_RATE} to {MOST_RATE:,}, or 0 for no limit")
    return float(value)


def read_between(least: int, most: int) -> Callable[[Any], int]:
    """A reader of whole numbers from ``least`` to ``most``."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueFault(f"a whole number from {least} to {most}")
        return value

    return read


def read_mailbox(value: Any) -> str:
    """One mailbox, with or without a name; its address is looked at when mail is made."""
    text = read_filled(value)
    if "@" not in text:
        raise ValueFault('a mailbox, such as "Your Name <you@example.org>"')
    return text


def read_store_url(value: Any) -> str:
    """The address of a database, without its password."""
    text = read_filled(value)
    if _PASSWORD.search(text) or "password=" in text:
        raise ValueFault("an address without a password: put it all into the environment variable PUBLISHER_STORE_URL")
    if not text.startswith(("sqlite:", "postgresql:", "postgresql+psycopg:")):
        raise ValueFault('"sqlite:///mailing.sqlite3" or "postgresql://…"')
    return text


def read_transport(value: Any) -> str:
    """How mail leaves."""
    text = read_filled(value)
    if _PASSWORD.search(text):
        raise ValueFault("an address without a password: put it into the environment variable PUBLISHER_SMTP_PASSWORD")
    if text.startswith("maildir:") and len(text) > len("maildir:"):
        return text
    if not text.startswith(("smtp:", "smtps:")):
        raise ValueFault('"maildir:FOLDER", or a relay: "smtp://user@relay.example.org"')
    from publisher.mail.relay_url import parse  # noqa: PLC0415 - read only when the key is set

    try:
        parse(text)
    except ValueError as fault:
        raise ValueFault(f"the address of a relay: {fault}") from None
    return text
