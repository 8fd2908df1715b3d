"""The feeds that a web page names: `<link rel="alternate" type="application/rss+xml" href="…">`."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin

from publisher.feeds.reading_text import web_address

_TYPES = frozenset(
    {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/json", "application/rdf+xml"}
)
_MOST = 2_000_000  # bytes of a page in which links are looked for


def feeds_of(html: bytes, url: str) -> tuple[str, ...]:
    """The absolute addresses of the feeds that a page names, in its order, each once."""
    page = _Page(url)
    page.feed(html[:_MOST].decode("utf-8", "replace"))
    page.close()
    return tuple(dict.fromkeys(page.found))


class _Page(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._base = url

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "base" and given.get("href"):
            self._base = urljoin(self._base, given["href"])
        if tag != "link" or "alternate" not in given.get("rel", "").lower().split():
            return
        if given.get("type", "").partition(";")[0].strip().lower() in _TYPES:
            self.found += filter(None, [web_address(given.get("href"), self._base)])
