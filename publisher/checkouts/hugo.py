"""Hugo: hugo.toml, config.toml and their kin, or the folder config/_default (https://gohugo.io/configuration/)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from publisher.checkouts.checkout import Checkout
from publisher.checkouts.files import at, authors_in, flag_at, folded, folder_named, number_at, text_at, texts_at
from publisher.model.feed import Format

if TYPE_CHECKING:
    from publisher.checkouts.files import Files

_ENDINGS = ("toml", "yaml", "yml", "json")
_OWN = tuple(f"hugo.{ending}" for ending in _ENDINGS)
_SHARED = tuple(f"config.{ending}" for ending in _ENDINGS)
_FOLDER = "config/_default"
_FORMATS = {
    "application/atom+xml": Format.ATOM,
    "application/feed+json": Format.JSON,
    "application/rss+xml": Format.RSS,
}
_RSS_TEMPLATES = (
    "layouts/index.rss.xml",
    "layouts/home.rss.xml",
    "layouts/_default/rss.xml",
    "layouts/rss.xml",
    "layouts/list.rss.xml",
)


def recognise(files: Files) -> bool:
    """Whether a checkout is Hugo's. A config.toml may also be Zola's, or ours."""
    if files.has(*_OWN, _FOLDER):
        return True
    shared = files.first(*_SHARED)
    return bool(shared) and "baseurl" in folded(files.table(shared))


def read(files: Files) -> Checkout:
    """Read the configuration of its default environment."""
    config, name = _config(files)
    ugly = flag_at(config, "uglyurls") is True
    _warn(files, config, name)
    return Checkout(
        generator="hugo",
        folder=files.folder,
        title=text_at(config, "title"),
        base_url=text_at(config, "baseurl"),
        language=_language(config),
        timezone=text_at(config, "timezone"),
        description=text_at(config, "params", "description"),
        authors=authors_in(at(config, "params", "author") or at(config, "author")),
        posts=folder_named(text_at(config, "contentdir"), "content"),
        static=folder_named(next(iter(texts_at(config, "staticdir")), ""), "static"),
        output=folder_named(text_at(config, "publishdir"), "public"),
        permalinks=_permalinks(config, ugly=ugly),
        tag_path=_tag_path(config, ugly=ugly),
        tag_feed=_tag_feed(config),
        feeds=_feeds(config),
        limit=_limit(config),
        full=_full(files),
        problems=tuple(files.problems),
    )


def _config(files: Files) -> tuple[dict[str, Any], str]:
    """All of its files as one table, and the name of the first."""
    lone = files.first(*_OWN, *_SHARED)
    config = folded(files.table(lone)) if lone else {}
    names = [one for one in files.names(_FOLDER) if one.rpartition(".")[2] in _ENDINGS]
    for one in sorted(names, key=lambda one: (one.partition(".")[0] not in {"hugo", "config"}, one)):
        key, table = one.partition(".")[0].lower(), folded(files.table(f"{_FOLDER}/{one}"))
        if key in {"hugo", "config"}:
            config |= table
        else:
            known = config.get(key)
            config[key] = {**(known if isinstance(known, dict) else {}), **table}
    return config, lone or f"{_FOLDER}/{names[0] if names else ''}"


def _warn(files: Files, config: dict[str, Any], name: str) -> None:
    if len(at(config, "languages") or {}) > 1:
        files.say(
            name, 0, "the site has several languages", "the posts of its default language become entries of the feeds"
        )
    if flag_at(config, "disablepathtolower"):
        files.say(
            name, 0, "disablePathToLower keeps capitals in addresses", "give the posts concerned a slug, or a permalink"
        )
    if flag_at(config, "defaultcontentlanguageinsubdir"):
        files.say(
            name, 0, "the default language lives in a folder of its own", "put it before each pattern of permalink"
        )


def _language(config: dict[str, Any]) -> str:
    code = text_at(config, "locale") or text_at(config, "languagecode") or text_at(config, "defaultcontentlanguage")
    first, _, rest = code.replace("_", "-").partition("-")
    return f"{first.lower()}-{rest.upper() if len(rest) == 2 else rest}" if rest else first.lower()  # noqa: PLR2004 - a region


def _permalinks(config: dict[str, Any], *, ugly: bool) -> tuple[tuple[str, str], ...]:
    table = at(config, "permalinks")
    pages = at(table, "page") if isinstance(at(table, "page"), dict) else None
    named = {**(table if isinstance(table, dict) else {}), **(pages or {})}
    found = {"": _shaped("/:sections/:slugorcontentbasename/", ugly=ugly)}
    for section, pattern in named.items():
        if not isinstance(pattern, str):
            continue
        found[section.strip(" /") or "/"] = _shaped(pattern, ugly=ugly)
    return tuple(sorted(found.items()))


def _shaped(pattern: str, *, ugly: bool) -> str:
    """Hugo writes a folder for each page unless its addresses are to be ugly."""
    bare = pattern.strip("/")
    return f"/{bare}.html" if ugly else f"/{bare}/"


def _taxonomy(config: dict[str, Any]) -> str:
    """The plural of the taxonomy of tags; empty where there is none."""
    if {"term", "taxonomy", "taxonomyterm"} & {kind.lower() for kind in texts_at(config, "disablekinds")}:
        return ""
    known = at(config, "taxonomies")
    return "tags" if known is None else text_at(known, "tag")


def _tag_path(config: dict[str, Any], *, ugly: bool) -> str:
    plural = _taxonomy(config)
    if not plural:
        return ""
    own = text_at(config, "permalinks", "term", plural)
    pattern = (
        re.sub(r":(?:slug|title|slugorcontentbasename|contentbasename)\b", ":name", own.strip("/"))
        if own
        else f"{plural}/:name"
    )
    if pattern.count(":") != 1 or ":name" not in pattern:
        return ""
    return f"{pattern}.html" if ugly else f"{pattern}/"


def _tag_feed(config: dict[str, Any]) -> str:
    plural = _taxonomy(config)
    kinds = at(config, "outputs", "term") or at(config, "outputs", "taxonomy")
    has_feed = kinds is None or "rss" in {str(one).lower() for one in kinds}
    return f"{plural}/:name/:file" if plural and has_feed and _formats(config).get("rss") else ""


def _formats(config: dict[str, Any]) -> dict[str, tuple[Format, str]]:
    """The output formats that are feeds, by Hugo's name for them: format and file."""
    found = {"rss": (Format.RSS, "index.xml")}
    if "rss" in {kind.lower() for kind in texts_at(config, "disablekinds")}:
        del found["rss"]
    for key, own in (at(config, "outputformats") or {}).items():
        known = found.get(key)
        fmt = _FORMATS.get(text_at(own, "mediatype").lower()) or (known[0] if known else None)
        if fmt is None and "feed" in key and "json" in key + text_at(own, "mediatype"):
            fmt = Format.JSON
        if fmt is not None:
            base = text_at(own, "basename") or "index"
            ending = {"application/atom+xml": "atom"}.get(
                text_at(own, "mediatype").lower(), "json" if fmt is Format.JSON else "xml"
            )
            found[key] = (fmt, f"{base}.{_suffix(config, own) or ending}")
    return found


def _suffix(config: dict[str, Any], own: Any) -> str:
    """The ending that the site itself gives to a media type."""
    return next(iter(texts_at(config, "mediatypes", text_at(own, "mediatype").lower(), "suffixes")), "")


def _feeds(config: dict[str, Any]) -> tuple[tuple[Format, str], ...]:
    known = _formats(config)
    wanted = at(config, "outputs", "home")
    names = ["rss"] if wanted is None else [str(one).lower() for one in wanted] if isinstance(wanted, list) else []
    found: dict[Format, str] = {}
    for name in names:
        if name in known:
            fmt, path = known[name]
            found.setdefault(fmt, path)
    return tuple(sorted(found.items(), key=lambda one: one[0].value))


def _limit(config: dict[str, Any]) -> int:
    limit = number_at(config, "services", "rss", "limit")
    limit = number_at(config, "rsslimit") if limit is None else limit
    return limit if limit and limit > 0 else 0


def _full(files: Files) -> bool | None:
    """Hugo's own template gives summaries; what a theme's does is not known."""
    own = files.first(*_RSS_TEMPLATES)
    if own:
        return ".Content" in files.text(own)
    return None if files.has("themes") else False
