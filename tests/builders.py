"""Builders shared by tests: complete nouns of which a test names only what matters to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from publisher.model.entry import Body, Entry, Item
from publisher.model.feed import Feed, Format
from publisher.model.settings import (
    FeedsSettings,
    OutputSettings,
    PagesSettings,
    PostsSettings,
    Settings,
    SiteSettings,
)

BASE = "https://example.com/"
DAY = datetime(2018, 12, 3, 8, tzinfo=UTC)  # the start of 3 December 2018 in Los Angeles


def some_settings(**site: Any) -> Settings:
    """Settings of a site in Los Angeles; keywords are those of [site]."""
    given: dict[str, Any] = {
        "title": "Field Notebook",
        "base_url": BASE,
        "timezone": ZoneInfo("America/Los_Angeles"),
        "description": "Notes that last.",
    }
    return Settings(
        site=SiteSettings(**(given | site)),
        posts=PostsSettings(),
        pages=PagesSettings(),
        output=OutputSettings(),
        feeds=FeedsSettings(formats=tuple(Format), paths=()),
    )


def an_entry(slug: str = "hello", **fields: Any) -> Entry:
    """An entry of a date without a time; keywords are Entry's."""
    given: dict[str, Any] = {
        "id": f"{BASE}posts/{slug}/",
        "path": f"{slug}.md",
        "url": f"{BASE}posts/{slug}/",
        "title": slug.capitalize(),
        "published": DAY,
        "updated": fields.get("published", DAY),
        "atom_updated": fields.get("published", DAY),
        "date_only": True,
    }
    return Entry(**(given | fields))


def an_item(slug: str = "hello", html: str = "<p>Text.</p>", **fields: Any) -> Item:
    """An entry with a body; keywords are Entry's, or Body's summary, image and enclosure."""
    body: dict[str, Any] = {name: fields.pop(name) for name in ("summary", "image", "enclosure") if name in fields}
    return Item(an_entry(slug, **fields), Body(html, html, **({"summary": "A summary."} | body)))


def a_feed(key: str = "main", folder: str = "", **fields: Any) -> Feed:
    """A feed in all three formats below ``folder``; keywords are Feed's."""
    names = {Format.RSS: "feed.xml", Format.ATOM: "atom.xml", Format.JSON: "feed.json"}
    given: dict[str, Any] = {
        "key": key,
        "id": BASE + folder + "atom.xml",
        "title": "Field Notebook",
        "description": "Notes that last.",
        "home": BASE + folder,
        "language": "en",
        "updated": DAY,
        "authors": (),
        "documents": tuple((format_, folder + name, BASE + folder + name) for format_, name in names.items()),
    }
    return Feed(**(given | fields))
