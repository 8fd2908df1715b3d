"""Jekyll: _config.yml or _config.toml (https://jekyllrb.com/docs/configuration/), and the plugin jekyll-feed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from publisher.checkouts.checkout import Checkout
from publisher.checkouts.files import at, authors_in, flag_at, folder_named, number_at, text_at, texts_at
from publisher.model.feed import Format

if TYPE_CHECKING:
    from publisher.checkouts.files import Files

_CONFIGS = ("_config.yml", "_config.yaml", "_config.toml")
_STYLES = frozenset({"date", "pretty", "ordinal", "weekdate", "none"})
_TEMPLATES = ("feed.xml", "atom.xml", "rss.xml", "index.xml", "feed.atom", "feed.json")
_LIMIT = re.compile(r"limit\s*:\s*([0-9]{1,5})")
_PLUGIN_LIMIT = 10  # jekyll-feed's, where posts_limit says nothing


def recognise(files: Files) -> bool:
    """Whether a checkout is Jekyll's. Hexo has a _config.yml too, and its posts in source/_posts."""
    return files.has(*_CONFIGS) and not (files.has("source/_posts", "scaffolds") and not files.has("Gemfile"))


def read(files: Files) -> Checkout:
    """Read the configuration, and the feed's template where the plugin does not make it."""
    name = files.first(*_CONFIGS)
    config = files.table(name) if name else {}
    source = folder_named(text_at(config, "source"), "")
    posts = folder_named(text_at(config, "collections_dir"), "")
    feeds, limit, full = _feeds(files, config, name, source)
    if not text_at(config, "timezone"):
        files.say(
            name,
            0,
            "names no time zone: Jekyll takes that of the machine it runs on",
            'set timezone in [site], such as "Europe/Berlin"',
        )
    return Checkout(
        generator="jekyll",
        folder=files.folder,
        title=text_at(config, "title") or text_at(config, "name"),
        base_url=_base_url(config),
        language=text_at(config, "lang") or text_at(config, "locale").replace("_", "-"),
        timezone=text_at(config, "timezone"),
        description=text_at(config, "description"),
        authors=_authors(config),
        posts="/".join(filter(None, (source, posts, "_posts"))),
        output=folder_named(text_at(config, "destination"), "_site"),
        permalinks=(("", _permalink(config)),),
        tag_path=_tag_path(config),
        feeds=feeds,
        limit=limit,
        full=full,
        problems=tuple(files.problems),
    )


def _base_url(config: dict[str, Any]) -> str:
    url, below = text_at(config, "url").rstrip("/"), text_at(config, "baseurl").strip("/")
    return f"{url}/{below}/" if below else f"{url}/" if url else ""


def _authors(config: dict[str, Any]) -> Any:
    author = at(config, "author")
    if isinstance(author, str) and text_at(config, "email"):
        author = {"name": author, "email": text_at(config, "email")}
    return authors_in(author)


def _permalink(config: dict[str, Any]) -> str:
    """The pattern of posts: the defaults of front matter go before the collection's own, and that before the site's."""
    found = text_at(config, "collections", "posts", "permalink") or text_at(config, "permalink") or "date"
    for one in at(config, "defaults") or ():
        scope, values = at(one, "scope") or {}, at(one, "values") or {}
        if text_at(scope, "type") == "posts" and not text_at(scope, "path") and text_at(values, "permalink"):
            found = text_at(values, "permalink")
    return found if found in _STYLES or found.startswith("/") else f"/{found}"


def _plugins(config: dict[str, Any]) -> set[str]:
    return {*texts_at(config, "plugins"), *texts_at(config, "gems")}


def _tag_path(config: dict[str, Any]) -> str:
    archives = at(config, "jekyll-archives")
    enabled = at(archives, "enabled")
    if "jekyll-archives" not in _plugins(config) or not (enabled == "all" or "tags" in texts_at(archives, "enabled")):
        return ""
    pattern = (text_at(archives, "permalinks", "tag") or "/tag/:name/").lstrip("/")
    return pattern if ":name" in pattern else ""


def _feeds(
    files: Files, config: dict[str, Any], name: str, source: str
) -> tuple[tuple[tuple[Format, str], ...], int | None, bool | None]:
    """The site's feeds, how many posts they hold, and whether whole."""
    folder = f"{source}/" if source else ""
    template = files.first(*(folder + one for one in _TEMPLATES))
    if template:
        text = files.text(template)
        fmt = Format.JSON if template.endswith("json") else Format.RSS if "<rss" in text else Format.ATOM
        limit = _LIMIT.search(text)
        whole = re.search(r"(?:post|page|item)\.content\s*(?:\||\}\})(?!\s*(?:strip_html\s*\|\s*)?truncate)", text)
        return ((fmt, template.removeprefix(folder)),), int(limit[1]) if limit else 0, whole is not None
    if _plugins(config).isdisjoint({"jekyll-feed", "github-pages"}) and not _uses_feed(files):
        return (), None, None
    if at(config, "feed", "tags"):
        files.say(
            name,
            0,
            "jekyll-feed writes feeds by tag",
            "their paths have no :file; name the ones that have readers as [feeds.NAME]",
        )
    path = text_at(config, "feed", "path").lstrip("/") or "feed.xml"
    limit_told = number_at(config, "feed", "posts_limit")
    return (
        ((Format.ATOM, path),),
        _PLUGIN_LIMIT if limit_told is None else limit_told,
        not flag_at(config, "feed", "excerpt_only"),
    )


def _uses_feed(files: Files) -> bool:
    """Gems of the group of plugins need not be named in the configuration."""
    return (
        bool(files.first("Gemfile"))
        and re.search(r"^\s*gem\s+[\"']jekyll-feed", files.text("Gemfile"), re.MULTILINE) is not None
    )
