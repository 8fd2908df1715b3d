"""JSON Feed 1.0 and 1.1 read back (https://www.jsonfeed.org/version/1.1/), whole or cut off."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from publisher.feeds.reading_text import one_line, sound, web_address
from publisher.model.entry import Author, Enclosure
from publisher.model.feed import Format
from publisher.model.received import ReceivedFeed, ReceivedItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")


def read_json(data: bytes, url: str) -> ReceivedFeed | None:
    """Read a document that begins with a brace; None where it is no JSON Feed."""
    text = data.decode("utf-8", "replace")
    try:
        document, whole = json.loads(text), True
    except (ValueError, RecursionError):
        document, whole = _before_the_cut(text), False
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        return None
    if "jsonfeed.org" not in str(document.get("version", "")) and "title" not in document:
        return None
    base = web_address(document.get("feed_url"), url) or url
    return ReceivedFeed(
        format=Format.JSON,
        title=one_line(document.get("title")),
        items=tuple(_item(one, base) for one in document["items"] if isinstance(one, dict)),
        home=web_address(document.get("home_page_url"), base),
        url=web_address(document.get("feed_url"), url),
        description=one_line(document.get("description")),
        language=one_line(document.get("language")),
        authors=_authors(document),
        hubs=tuple(web_address(hub.get("url"), base) for hub in _tables(document.get("hubs"))),
        older=web_address(document.get("next_url"), base),
        whole=whole,
    )


def _before_the_cut(text: str) -> Any:
    """What stands before the place where a document stops making sense: its head, and each whole item."""
    start = _ITEMS.search(text)
    if start is None:
        return None
    try:
        document = json.loads(text[: start.start()].rstrip().rstrip(",") + "}")
    except (ValueError, RecursionError):
        return None
    items: list[Any] = []
    if isinstance(document, dict):
        document["items"] = items
    decoder, at = json.JSONDecoder(), start.end()
    while True:
        begun = _BETWEEN.match(text, at)
        at = begun.end() if begun else at
        try:
            one, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return document
        items.append(one)


def _item(one: dict[str, Any], base: str) -> ReceivedItem:
    url = web_address(one.get("url"), base) or web_address(one.get("external_url"), base)
    identifier = one.get("id")
    known = isinstance(identifier, str | int | float) and not isinstance(identifier, bool)
    html = one.get("content_html")
    text = one.get("content_text")
    summary = one.get("summary")
    return ReceivedItem(
        id=(one_line(identifier) if known else "") or url,
        url=url,
        title=one_line(one.get("title")),
        published=_moment(one.get("date_published")),
        updated=_moment(one.get("date_modified")),
        content=sound(html) if isinstance(html, str) and html else _escaped(text),
        summary=_escaped(summary),
        authors=_authors(one),
        tags=tuple(
            dict.fromkeys(filter(None, (one_line(tag) for tag in _list(one.get("tags")) if isinstance(tag, str))))
        ),
        image=web_address(one.get("image") or one.get("banner_image"), base),
        enclosure=_enclosure(one, base),
        language=one_line(one.get("language")),
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    return (one for one in _list(value) if isinstance(one, dict))


def _escaped(value: Any) -> str:
    return sound(escape(value, quote=False)) if isinstance(value, str) else ""


def _authors(part: dict[str, Any]) -> tuple[Author, ...]:
    lone = part.get("author")  # version 1.0
    tables: Iterable[dict[str, Any]] = [*_tables(part.get("authors")), *([lone] if isinstance(lone, dict) else [])]
    made = (_author(one_line(one.get("name")), one_line(one.get("url"))) for one in tables)
    return tuple(dict.fromkeys(one for one in made if one.name))


def _author(name: str, url: str) -> Author:
    if url.startswith("mailto:"):
        return Author(name or url.removeprefix("mailto:"), url.removeprefix("mailto:"))
    return Author(name, "", web_address(url, ""))


def _enclosure(one: dict[str, Any], base: str) -> Enclosure | None:
    for each in _tables(one.get("attachments")):
        url, size = web_address(each.get("url"), base), each.get("size_in_bytes")
        if url:
            return Enclosure(url, one_line(each.get("mime_type")), size if type(size) is int and size > 0 else 0)
    return None


def _moment(value: Any) -> datetime | None:
    """RFC 3339; a moment without a zone is taken for UTC, as feedparser does."""
    try:
        moment = datetime.fromisoformat(one_line(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
