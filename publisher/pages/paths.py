"""Where each page lives: its address below base_url, and its file inside the output folder.

A *place* is an address relative to base_url, percent-encoded, without a leading slash: "" is the
index, "archive/2018/" a year. ``base_url + place`` is the page's absolute URL.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, unquote, urlsplit

INDEX = ""
TAGS = "tags/"
FEEDS = "feeds/"
NOT_FOUND = "404.html"
STYLESHEET = "style.css"
OPML = "feeds.opml"
SITEMAP = "sitemap.xml"

_LONGEST_NAME = 255  # bytes; what the usual file systems allow for one name
_UNSAFE = re.compile(r"[/\\\x00-\x1f\x7f]")


def archive(year: int) -> str:
    """The place of one year's archive page."""
    return f"archive/{year:04d}/"


def tag(slug: str, pattern: str = f"{TAGS}:name/", bare: str = "") -> str:
    """The place of a tag's page. ``slug`` is plain text, not yet percent-encoded; a slash in it makes a folder.

    ``pattern`` has ``:name`` for it, ``bare`` are the marks that stand as they are.
    """
    return _encoded(pattern).replace(":name", "/".join([_segment(part, bare) for part in slug.split("/")]))


def tags(pattern: str) -> str:
    """The place of the list of all tags: the folder that holds their pages."""
    return f"{folder}/" if (folder := _encoded(pattern).partition(":name")[0].rpartition("/")[0]) else TAGS


def feed(key: str) -> str:
    """The place of the page that explains a feed, from the feed's key ("main", "tag:conference")."""
    return FEEDS + "".join(f"{_segment(part)}/" for part in key.replace(":", "/", 1).split("/"))


def output_path(url: str, base_url: str) -> str | None:
    """The file, relative to the output folder, that a static host serves at a page's URL.

    | URL below base_url     | file            |
    |------------------------|-----------------|
    | "" or ends in a slash  | index.html in it |
    | ends in .html or .htm  | as it is        |
    | anything else          | itself + .html  |

    The last row: GitHub Pages, Netlify and Cloudflare Pages answer /about with about.html and
    no redirect, and Jekyll writes it so too; about/index.html would be answered with a redirect
    to /about/, or at /about itself, where the page's relative links would point elsewhere. A dot
    alone is no file type ("v1.2", "node.js"): a page is HTML and has to be served as HTML.

    None when the URL is not below ``base_url``, has a query or a fragment, or names what cannot
    safely be a file: "..", an encoded slash, a control character, bytes that are no UTF-8, a
    name that is too long.
    """
    if not url.startswith(base_url):
        return None
    place = url[len(base_url) :]
    if "?" in place or "#" in place:
        return None
    *folders, last = place.split("/")
    names = [_name(part) for part in (*folders, last or "index.html")]
    if None in names:
        return None
    path = "/".join(name for name in names if name is not None)
    if last and not path.lower().endswith((".html", ".htm")):
        path += ".html"
    return path if len(path.rpartition("/")[2].encode()) <= _LONGEST_NAME else None


def root(url: str, base_url: str) -> str:
    """The way from a page back to base_url, relative: "./", "../", "../../".

    Relative, so that the output also works on a preview server and on a staging host. A page
    outside of base_url gets base_url itself.
    """
    if not url.startswith(base_url):
        return base_url
    return "../" * url[len(base_url) :].count("/") or "./"


def base_path(base_url: str) -> str:
    """The path of base_url, for the one page that is served at any depth: 404.html."""
    return urlsplit(base_url).path or "/"


def link(url: str, base_url: str, way: str) -> str:
    """A link to ``url`` from a page whose ``root`` is ``way``; other hosts' addresses stay whole."""
    return way + url[len(base_url) :] if url.startswith(base_url) else url


def _name(segment: str) -> str | None:
    """A decoded path segment, or None where it cannot be the name of a file."""
    try:
        name = unquote(segment, errors="strict")
        length = len(name.encode())
    except UnicodeError:
        return None
    refused = name in {"", ".", ".."} or length > _LONGEST_NAME or _UNSAFE.search(name)
    return None if refused else name


@lru_cache(maxsize=16)
def _encoded(pattern: str) -> str:
    """A pattern as part of a URL, whether it was written so or as plain text."""
    return quote(unquote(pattern), safe="/!$&'()*+,;=:@")


@lru_cache(maxsize=4096)
def _segment(text: str, bare: str = "") -> str:
    """Any text as one encoded path segment that ``output_path`` accepts."""
    plain = _UNSAFE.sub("-", text)
    return quote(plain if plain.strip(".") else "-" * max(len(plain), 1), safe=bare, errors="replace")
