"""Eleventy: eleventy.config.js is a program, of which what is plainly written is read; nothing is executed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from publisher.checkouts.checkout import Checkout
from publisher.checkouts.files import at, authors_in, folder_named, text_at
from publisher.model.feed import Format
from publisher.model.settings import DEFAULT_PERMALINKS

if TYPE_CHECKING:
    from publisher.checkouts.files import Files

_CONFIGS = (".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs")
_DATA = ("metadata", "site", "meta")
_POSTS = ("posts", "blog", "content/blog", "content/posts", "articles", "writing", "notes", "journal", "content")
_FEED_NAME = re.compile(
    r"(?:feed|rss|atom|jsonfeed|index\.xml)[\w.-]*\.(?:njk|liquid|hbs|11ty\.js)|feed\.njk", re.IGNORECASE
)
_SET = r"\b{key}\s*:\s*[\"'`]([^\"'`\n]*)[\"'`]"
_PERMALINK = re.compile(r"permalink[\"']?\s*:\s*[\"'`]?([^\"'`\n]+)")
_NUMBER = re.compile(r"\blimit\s*:\s*([0-9]{1,6})")
_FORMATS = {"atom": Format.ATOM, "rss": Format.RSS, "json": Format.JSON}


def recognise(files: Files) -> bool:
    """Whether a checkout is Eleventy's."""
    return files.has(*_CONFIGS)


def read(files: Files) -> Checkout:
    """Read what stands plainly in the program, its data files, and its templates of feeds."""
    name = files.first(*_CONFIGS)
    code = _without_comments(files.text(name))
    source = folder_named(_set(code, "input"), "")
    data = _metadata(files, source)
    posts = _posts(files, source)
    feeds, limit = _feeds(files, code, source)
    if not feeds:
        files.say(name, 0, "does not say plainly where its feeds are", "give the feed's address as another --from")
    prefix = _set(code, "pathPrefix").strip("/")
    url = (text_at(data, "url") or text_at(data, "base") or _set(code, "base")).rstrip("/")
    return Checkout(
        generator="eleventy",
        folder=files.folder,
        title=text_at(data, "title") or text_at(data, "name") or _set(code, "title"),
        base_url=f"{url}/{prefix}/".replace("//", "/").replace(":/", "://", 1) if url else "",
        language=text_at(data, "language") or text_at(data, "lang") or _set(code, "language"),
        timezone="UTC",
        description=text_at(data, "description") or text_at(data, "subtitle") or _set(code, "subtitle"),
        authors=authors_in(at(data, "author")),
        posts=posts,
        output=folder_named(_set(code, "output"), "_site"),
        permalinks=_permalinks(files, posts, source),
        tag_path=_tag_path(files, source),
        feeds=feeds,
        limit=limit,
        full=True if feeds else None,
        problems=tuple(files.problems),
    )


def _without_comments(code: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<![:\"'`\w])//[^\n]*", "", code, flags=re.DOTALL)


def _set(code: str, key: str) -> str:
    found = re.search(_SET.format(key=key), code)
    return found[1].strip() if found else ""


def _metadata(files: Files, source: str) -> dict[str, Any]:
    """The site's data, from JSON, or from a module that exports one plain table."""
    folder = f"{source}/_data" if source else "_data"
    for name in _DATA:
        if files.first(f"{folder}/{name}.json"):
            return files.table(f"{folder}/{name}.json")
        module = files.first(f"{folder}/{name}.js", f"{folder}/{name}.mjs", f"{folder}/{name}.cjs")
        if module:
            code = _without_comments(files.text(module))
            plain = {
                key: _set(code, key) for key in ("title", "url", "base", "language", "lang", "description", "subtitle")
            }
            author = re.search(r"\bauthor\s*:\s*\{([^}]*)\}", code)
            own = {key: _set(author[1], key) for key in ("name", "email", "url")} if author else _set(code, "author")
            return {**plain, "author": own}
    return {}


def _posts(files: Files, source: str) -> str:
    found = (f"{source}/{folder}".strip("/") for folder in _POSTS)
    chosen = next(
        (
            folder
            for folder in found
            if any(name.endswith((".md", ".markdown")) or _holds(files, folder, name) for name in files.names(folder))
        ),
        "",
    )
    if not chosen:
        files.say(source or ".", 0, "no folder of posts was found", "name it as dir in [posts]")
    return chosen


def _holds(files: Files, folder: str, name: str) -> bool:
    """Whether a folder in it is a post's own, or a year's."""
    return any(one.endswith(".md") for one in files.names(f"{folder}/{name}"))


def _permalinks(files: Files, posts: str, source: str) -> tuple[tuple[str, str], ...]:
    """Eleventy writes each file where it lies, below its input folder, unless data beside the posts say otherwise."""
    if not posts:
        return ()
    last = posts.rpartition("/")[2]
    below = posts.removeprefix(source).strip("/")
    own = files.first(
        *(
            f"{posts}/{last}.{ending}"
            for ending in ("json", "11tydata.json", "11tydata.js", "11tydata.cjs", "11tydata.mjs")
        )
    )
    found = _PERMALINK.search(_without_comments(files.text(own))) if own else None
    if found is None:
        return (("", f"/{below}/:path/" if below else DEFAULT_PERMALINKS["eleventy"]),)
    pattern = _tokens(found[1].strip().strip("'\"`,"))
    if "{{" in pattern or "$" in pattern or "=>" in pattern or "(" in pattern:
        files.say(own, 0, f"permalink is computed: {found[1].strip()}", "write a pattern of [posts] permalink yourself")
        return ()
    return (("", f"/{pattern.removesuffix('index.html').lstrip('/')}"),)


_PARTS = (
    (r"\{\{-?\s*(?:page\.)?fileSlug\s*\|\s*(?:slugify|slug)\s*-?\}\}", ":slug"),
    (r"\{\{-?\s*(?:page\.)?fileSlug\s*-?\}\}", ":name"),
    (r"\{\{-?\s*title\s*\|\s*(?:slugify|slug)\s*-?\}\}", ":title"),
    (r"\{\{-?\s*(?:page\.)?date\s*\|\s*date:?\s*\(?[\"']%Y/%m/%d[\"']\)?\s*-?\}\}", ":year/:month/:day"),
    (r"\{\{-?\s*(?:page\.)?date\s*\|\s*date:?\s*\(?[\"']%Y[\"']\)?\s*-?\}\}", ":year"),
    (r"\{\{-?\s*(?:page\.)?date\s*\|\s*date:?\s*\(?[\"']%m[\"']\)?\s*-?\}\}", ":month"),
    (r"\{\{-?\s*(?:page\.)?date\s*\|\s*date:?\s*\(?[\"']%d[\"']\)?\s*-?\}\}", ":day"),
)


def _tokens(written: str) -> str:
    for pattern, token in _PARTS:
        written = re.sub(pattern, token, written)
    return written


def _feeds(files: Files, code: str, source: str) -> tuple[tuple[tuple[Format, str], ...], int | None]:
    """The feeds of the plugin, or of templates that give their own addresses; and how many entries they hold."""
    found: dict[Format, str] = {}
    limits = []
    for plugin in re.finditer(r"addPlugin\(\s*(?:\w+\.)?feedPlugin\b(.*?)\n?\}\s*\)", code, re.DOTALL):
        fmt = _FORMATS.get(_set(plugin[1], "type"), Format.ATOM)
        found.setdefault(fmt, (_set(plugin[1], "outputPath") or "/feed.xml").lstrip("/"))
        number = _NUMBER.search(plugin[1])
        limits.append(int(number[1]) if number else 0)
    for folder in dict.fromkeys(
        (source, *(f"{source}/{one}".strip("/") for one in ("feed", "feeds", "content/feed", "content", "pages")))
    ):
        for name in files.names(folder):
            if _FEED_NAME.fullmatch(name):
                _feed_template(files, f"{folder}/{name}".strip("/"), found)
    limit = limits[0] if limits else None
    return tuple(sorted(found.items(), key=lambda one: one[0].value)), limit


def _feed_template(files: Files, path: str, found: dict[Format, str]) -> None:
    text = files.text(path)
    place = _PERMALINK.search(text)
    if place is None or "{{" in place[1]:
        return
    fmt = (
        Format.RSS
        if "<rss" in text
        else Format.ATOM
        if "<feed" in text
        else Format.JSON
        if "jsonfeed" in text
        else None
    )
    if fmt is not None:
        found.setdefault(fmt, place[1].strip().strip("'\"`,").lstrip("/"))


def _tag_path(files: Files, source: str) -> str:
    """The address of a tag's page, where a template that pages through tags says it."""
    for folder in (source, f"{source}/content".strip("/"), f"{source}/pages".strip("/")):
        for name in files.names(folder):
            if re.fullmatch(r"tags?(?:-pages?|-list)?\.(?:njk|liquid|md)", name):
                place = _PERMALINK.search(files.text(f"{folder}/{name}".strip("/")))
                path = (
                    re.sub(
                        r"\{\{-?\s*tag\s*(?:\|\s*(?:slugify|slug)\s*)?-?\}\}", ":name", place[1].strip().strip("'\"`,")
                    )
                    if place
                    else ""
                )
                if ":name" in path and "{{" not in path:
                    return path.lstrip("/").removesuffix("index.html")
    return ""
