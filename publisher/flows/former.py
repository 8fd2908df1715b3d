"""Former addresses: what the aliases of a post mean in each dialect, and which files answer there.

| dialect | ``old`` | ``/old``, ``/old/`` | ``./old``, ``../old`` |
|---|---|---|---|
| publisher, Eleventy, Pelican | a note's other name (Obsidian) | from base_url | from the page's address |
| Hugo | beside the page | from base_url | from the folder that holds the page |
| Jekyll (redirect_from), Zola | from base_url | from base_url | from base_url |

Encoded (``/a%20b``) or plain (``/a b``) are one. A static host answers for /old/ with old/index.html, and for /old
either with old.html or by leading on to /old/; since which of the two is not known, both files stand there.
"""

from __future__ import annotations

from posixpath import dirname, normpath
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE_FILES = (".html", ".htm")
_FROM_THE_ROOT = frozenset({"jekyll", "zola"})


def alias_url(alias: str, permalink: str, base: str, spelling: str = "publisher") -> str:
    """The URL of a former address; empty where an alias is no address on this site (a note's other name)."""
    if spelling == "hugo":
        return _hugo_alias(alias, permalink, base)
    if spelling in _FROM_THE_ROOT:
        return base + alias.lstrip("/")
    if "/" not in alias and not alias.lower().endswith(_PAGE_FILES):
        return ""
    # Jekyll and Zola mean the site's root, with a slash or without; a way from the page itself begins with a dot.
    return urljoin(permalink, alias) if alias.startswith(("./", "../")) else base + alias.lstrip("/")


def _hugo_alias(alias: str, permalink: str, base: str) -> str:
    """Hugo cleans the path, and writes a page's file in a section of such files."""
    page = permalink.removeprefix(base).rstrip("/")
    path = normpath(f"/{alias}" if alias.startswith("/") else f"/{dirname(page)}/{alias}").strip("/")
    if not path:
        return ""
    if path.lower().endswith(_PAGE_FILES):
        return base + path
    return f"{base}{path}.html" if page.lower().endswith(_PAGE_FILES) else f"{base}{path}/"


def files_at(url: str, base: str) -> Iterator[tuple[str, str]]:
    """The addresses below ``base`` that are to answer for a former URL, each with its file in the output."""
    named = url.endswith("/") or url.lower().endswith(_PAGE_FILES)
    for one in (url,) if named else (url, f"{url}/"):
        if path := paths.output_path(one, base):
            yield one[len(base) :], path
