"""A post's address: what the author wrote, else the pattern of its section."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from publisher.content.kinds import PAGES_FOLDER
from publisher.content.metadata import shown_value, text_of
from publisher.content.permalinks import absolute, address_fault, expand, has_tokens, permalink, written
from publisher.content.spelling import spelling_of
from publisher.model.post import Kind

if TYPE_CHECKING:
    from publisher.content.filenames import Place
    from publisher.content.metadata import Metadata
    from publisher.content.permalinks import Facts
    from publisher.model.settings import Settings

_STANDING_PATTERN = "/:sections/:slug/"
_PAGE_FILES = (".html", ".htm")
_TEMPLATED = ("{{", "{%", "{#", "<%")


def address_of(meta: Metadata, place: Place, facts: Facts, kind: Kind, settings: Settings) -> str:
    """The absolute permalink; what the author wrote and cannot be one is recorded in ``meta``."""
    base_url, spelling = settings.site.base_url, settings.posts.spelling
    asked = _asked(meta, base_url, spelling)
    if not asked:
        pattern = _pattern(place, kind, settings)
        return permalink(pattern, base_url, facts, spelling, language_folder(place, settings))
    key, path = asked
    if spelling == "publisher" and has_tokens(path):
        path = expand(path, facts)
    if fault := address_fault(path):
        meta.refuse(key, f"{shown_value(path)} cannot be an address: {fault}", "write a path such as /2026/name/")
        return base_url
    if spelling != "publisher":
        return written(f"{path.rstrip('/')}/" if spelling == "zola" else path, base_url, facts, spelling)
    return absolute(base_url, path if key == "permalink" else _as_folder(path))


def _asked(meta: Metadata, base_url: str, spelling: str) -> tuple[str, str] | None:
    """The key and the path, below the site, that the frontmatter asks for."""
    keys = spelling_of(spelling).keys
    for key in () if meta.lacks(keys) else keys:
        value = meta.get(key)
        if not value or value is True:
            continue
        if path := _path(meta, key, value, base_url):
            return key, path
    slug = text_of(meta.get("slug")) if spelling == "publisher" else ""
    return ("slug", slug) if slug.startswith("/") else None


def _as_folder(path: str) -> str:
    """Hugo's ``url`` and Zola's ``path`` name a folder unless they name a page's file (``v1.2`` is none).

    Jekyll's permalink is as written.
    """
    return path if path.endswith("/") or path.lower().endswith(_PAGE_FILES) else f"{path}/"


def _path(meta: Metadata, key: str, value: object, base_url: str) -> str:
    text = text_of(value)
    fallback = "the address is made by [posts] permalink instead; write a plain path to choose another"
    if not text or any(mark in text for mark in _TEMPLATED):
        meta.warn(key, f"{key} is computed by a generator and cannot be read here", fallback)
        return ""
    if "://" not in text:
        return text
    path = _below(text, base_url)
    if not path and key == "permalink":
        meta.warn(key, f"{shown_value(text)} is not below {base_url}", fallback)
    return path  # a url elsewhere is what the post is about, not where it lives


def _below(url: str, base_url: str) -> str:
    """An absolute URL's path below the site, empty when it is elsewhere; http and https are one."""
    try:
        there, here = urlsplit(url), urlsplit(base_url)
    except ValueError:
        return ""
    ours = there.netloc.lower() == here.netloc.lower() and f"{there.path}/".startswith(here.path)
    tail = url.split(there.netloc, 1)[1] if ours else ""
    return f"/{tail[len(here.path) :]}" if ours else ""


def _pattern(place: Place, kind: Kind, settings: Settings) -> str:
    patterns = dict(settings.posts.permalinks)
    section = place.folders[0] if place.folders else ""
    own = patterns.get(section or "/")  # Hugo's name for what is in no folder
    if kind is Kind.PAGE:
        return own or (_STANDING_PATTERN if section != PAGES_FOLDER else "/:sections[1:]/:slug/")
    return own or patterns.get("", _STANDING_PATTERN)


def language_folder(place: Place, settings: Settings) -> str:
    """Hugo's rule for ``name.de.md``: translations live below their language, the site's own do not."""
    site = settings.site.language
    return "" if place.language in {"", site, site.partition("-")[0]} else f"/{place.language.lower()}"
