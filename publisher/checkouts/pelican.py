"""Pelican: pelicanconf.py and publishconf.py, of which literals are read; nothing is executed."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any

from publisher.checkouts.checkout import Checkout
from publisher.checkouts.files import authors_in, folder_named
from publisher.model.feed import Format

if TYPE_CHECKING:
    from publisher.checkouts.files import Files

_CONFIGS = ("pelicanconf.py", "publishconf.py")
_USED = frozenset(
    {
        "SITEURL",
        "SITENAME",
        "SITESUBTITLE",
        "AUTHOR",
        "TIMEZONE",
        "DEFAULT_LANG",
        "PATH",
        "OUTPUT_PATH",
        "ARTICLE_PATHS",
        "ARTICLE_URL",
        "TAG_URL",
        "FEED_ATOM",
        "FEED_RSS",
        "FEED_ALL_ATOM",
        "FEED_ALL_RSS",
        "FEED_MAX_ITEMS",
        "RSS_FEED_SUMMARY_ONLY",
        "TAG_FEED_ATOM",
        "TAG_FEED_RSS",
    }
)
_DATE = {
    "Y": ":year",
    "m": ":month",
    "d": ":day",
    "y": ":short_year",
    "B": ":long_month",
    "b": ":short_month",
    "j": ":y_day",
    "H": ":hour",
    "M": ":minute",
}
_FIELD = re.compile(r"\{(date:[^{}]*|[a-z_]+)\}")
_LIMIT = 100  # Pelican's own


def recognise(files: Files) -> bool:
    """Whether a checkout is Pelican's."""
    return files.has("pelicanconf.py")


def read(files: Files) -> Checkout:
    """Read the settings that are written as plain values; publishconf.py goes before pelicanconf.py."""
    config = _config(files)

    def text(key: str, default: str = "") -> str:
        found = config.get(key)
        return found if isinstance(found, str) else default

    tags = _pattern(files, text("TAG_URL", "tag/{slug}.html"), {"slug": ":name"}, "TAG_URL")
    limit = config.get("FEED_MAX_ITEMS", _LIMIT)
    if "TAG_FEED_ATOM" in config or "TAG_FEED_RSS" in config:
        files.say(
            "pelicanconf.py",
            0,
            "writes feeds by tag",
            "their paths have no :file; name the ones that have readers as [feeds.NAME]",
        )
    return Checkout(
        generator="pelican",
        folder=files.folder,
        title=text("SITENAME"),
        base_url=f"{text('SITEURL').rstrip('/')}/" if text("SITEURL") else "",
        language=text("DEFAULT_LANG", "en"),
        timezone=text("TIMEZONE", "UTC"),
        description=text("SITESUBTITLE"),
        authors=authors_in(config.get("AUTHOR")),
        posts=_posts(config),
        output=folder_named(text("OUTPUT_PATH"), "output"),
        permalinks=_permalinks(files, config),
        tag_path=tags.lstrip("/"),
        feeds=_feeds(config),
        limit=limit if isinstance(limit, int) and limit > 0 else 0,
        full=not config.get("RSS_FEED_SUMMARY_ONLY", True) or any(key.endswith("ATOM") for key in _feed_keys(config)),
        problems=tuple(files.problems),
    )


def _config(files: Files) -> dict[str, Any]:
    found: dict[str, Any] = {"FEED_ALL_ATOM": "feeds/all.atom.xml"}
    for name in _CONFIGS:
        if not files.first(name):
            continue
        try:
            tree = ast.parse(files.text(name))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
            files.say(name, getattr(fault, "lineno", 0) or 0, f"is no valid Python: {getattr(fault, 'msg', fault)}")
            continue
        for line in tree.body:
            _take(files, name, line, found)
    return found


def _take(files: Files, file: str, line: ast.stmt, found: dict[str, Any]) -> None:
    """Take one assignment over, if it is one, of a setting that matters, to a plain value."""
    if isinstance(line, ast.Assign):
        targets, value = line.targets, line.value
    elif isinstance(line, ast.AnnAssign) and line.value is not None:
        targets, value = [line.target], line.value
    else:
        return
    for name in (one.id for one in targets if isinstance(one, ast.Name) and one.id in _USED):
        try:
            found[name] = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            files.say(
                file, line.lineno, f"{name} is computed, and cannot be read here", "write its value into config.toml"
            )
            found.pop(name, None)


def _posts(config: dict[str, Any]) -> str:
    path = config.get("PATH")
    folder = folder_named(path, "content") if isinstance(path, str) and path else "content"
    below = config.get("ARTICLE_PATHS")
    first = below[0] if isinstance(below, list) and len(below) == 1 and isinstance(below[0], str) else ""
    return f"{folder}/{folder_named(first, '')}".rstrip("/")


def _permalinks(files: Files, config: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    written = config.get("ARTICLE_URL")
    names = {"slug": ":slug", "category": ":categories"}
    pattern = _pattern(files, written if isinstance(written, str) else "{slug}.html", names, "ARTICLE_URL")
    return (("", f"/{pattern.lstrip('/')}"),) if pattern else ()


def _pattern(files: Files, written: str, names: dict[str, str], key: str) -> str:
    """A pattern of Pelican's as one of ours; empty where it holds what ours have no word for."""
    unknown: list[str] = []

    def word(known: dict[str, str], name: str, shown: str) -> str:
        if name not in known:
            unknown.append(shown)
        return known.get(name, "")

    def token(field: re.Match[str]) -> str:
        name, _, layout = field[1].partition(":")
        if name == "date":
            return re.sub(r"%-?([A-Za-z])", lambda part: word(_DATE, part[1], part[0]), layout)
        return word(names, name, field[0])

    pattern = _FIELD.sub(token, written)
    if unknown:
        files.say(
            "pelicanconf.py",
            0,
            f"{key} holds {unknown[0]}, which has no counterpart",
            "write a pattern of [posts] permalink yourself",
        )
        return ""
    return pattern


def _feed_keys(config: dict[str, Any]) -> list[str]:
    keys = ("FEED_ALL_ATOM", "FEED_ATOM", "FEED_ALL_RSS", "FEED_RSS")
    return [key for key in keys if isinstance(config.get(key), str) and config[key]]


def _feeds(config: dict[str, Any]) -> tuple[tuple[Format, str], ...]:
    found: dict[Format, str] = {}
    for key in _feed_keys(config):
        found.setdefault(Format.ATOM if key.endswith("ATOM") else Format.RSS, config[key].lstrip("/"))
    return tuple(sorted(found.items(), key=lambda one: one[0].value))
