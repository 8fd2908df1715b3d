"""The sitemap: every page's address, for search engines (sitemaps.org protocol 0.9)."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, TypeAlias

from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    Place: TypeAlias = tuple[str, datetime | None]  # absolute URL, aware moment of its last change

# What the protocol allows one file to hold; the frame around the addresses is left room for.
MOST_URLS = 50_000
MOST_BYTES = 50 * 1024 * 1024 - 1024

_OPENING = '<?xml version="1.0" encoding="UTF-8"?>\n<{} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'


def sitemap(
    urls: Sequence[Place], base_url: str, most_urls: int = MOST_URLS, most_bytes: int = MOST_BYTES
) -> list[tuple[str, bytes]]:
    """Return the sitemap's files as output path and bytes, ``urls`` in the order given.

    One sitemap.xml as long as everything fits; else sitemap-1.xml, sitemap-2.xml and so on, with
    sitemap.xml as the index that names them.
    """
    parts = list(_parts(urls, most_urls, most_bytes))
    if len(parts) == 1:
        return [(paths.SITEMAP, _document("urlset", "url", parts[0]))]
    names = [f"sitemap-{number}.xml" for number in range(1, len(parts) + 1)]
    index = [(base_url + name, _latest(part)) for name, part in zip(names, parts, strict=True)]
    files = [(name, _document("urlset", "url", part)) for name, part in zip(names, parts, strict=True)]
    return [(paths.SITEMAP, _document("sitemapindex", "sitemap", index)), *files]


def _parts(urls: Sequence[Place], most_urls: int, most_bytes: int) -> Iterator[list[Place]]:
    """Cut the list where the next address would be too much for one file; yields at least one part."""
    part: list[Place] = []
    size = 0
    for place in urls:
        length = len(_line("url", place).encode())
        if part and (len(part) == most_urls or size + length > most_bytes):
            yield part
            part, size = [], 0
        part.append(place)
        size += length
    yield part


def _document(root: str, element: str, places: Iterable[Place]) -> bytes:
    lines = "".join(_line(element, place) for place in places)
    return f"{_OPENING.format(root)}{lines}</{root}>\n".encode()


def _line(element: str, place: Place) -> str:
    url, changed = place
    lastmod = f"<lastmod>{changed.isoformat(timespec='seconds')}</lastmod>" if changed else ""
    return f"<{element}><loc>{escape(url)}</loc>{lastmod}</{element}>\n"


def _latest(part: Sequence[Place]) -> datetime | None:
    return max((changed for _, changed in part if changed is not None), default=None)
