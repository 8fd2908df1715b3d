"""The sitemap: every page's address, for search engines (sitemaps.org protocol 0.9)."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from publisher.pages import paths

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    lines = [_line("url", url, changed) for url, changed in urls]
    ends = _ends(lines, most_urls, most_bytes)
    if len(ends) <= 1:
        return [(paths.SITEMAP, _document("urlset", lines))]
    files, index = [], []
    for number, (start, end) in enumerate(pairwise((0, *ends)), 1):
        name = f"sitemap-{number}.xml"
        files.append((name, _document("urlset", lines[start:end])))
        index.append(_line("sitemap", base_url + name, _latest(urls[start:end])))
    return [(paths.SITEMAP, _document("sitemapindex", index)), *files]


def _ends(lines: Sequence[str], most_urls: int, most_bytes: int) -> list[int]:
    """Where each file ends: before the line that would be too much for it."""
    ends: list[int] = []
    start = size = 0
    for at, line in enumerate(lines):
        length = len(line) if line.isascii() else len(line.encode())
        if at > start and (at - start == most_urls or size + length > most_bytes):
            ends.append(at)
            start, size = at, 0
        size += length
    return [*ends, len(lines)]


def _document(root: str, lines: Sequence[str]) -> bytes:
    return f"{_OPENING.format(root)}{''.join(lines)}</{root}>\n".encode()


def _line(element: str, url: str, changed: datetime | None) -> str:
    lastmod = f"<lastmod>{changed.isoformat(timespec='seconds')}</lastmod>" if changed else ""
    return f"<{element}><loc>{escape(url)}</loc>{lastmod}</{element}>\n"


def _latest(part: Sequence[Place]) -> datetime | None:
    return max((changed for _, changed in part if changed is not None), default=None)
