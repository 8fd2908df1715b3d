"""Builders for tests of the digest: items, settings, moments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from publisher.model.entry import Author, Body, Entry, Image, Item
from publisher.model.settings import (
    DigestSettings,
    FeedsSettings,
    Filter,
    MailSettings,
    OutputSettings,
    PagesSettings,
    PostsSettings,
    Settings,
    SiteSettings,
    WebSettings,
)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CONFERENCES = DigestSettings(
    name="conferences",
    title="Conference writeups",
    filter=Filter(tags=("conference",)),
    cadences=(("weekly", "mon 09:00"),),
    timezone=ZoneInfo("America/Los_Angeles"),
    start="all",
)
MAIL = MailSettings(
    sender="Field Notebook <digest@example.com>",
    postal_address="Field Notebook, 1 Example Street, Exampletown",
)


def item(number: int, title: str = "", *, tags: tuple[str, ...] = ("conference",), html: str = "") -> Item:
    """Build the item of day ``number`` of 2026; its id, address and title follow from the number."""
    published = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
    url = f"https://example.com/posts/{number}/"
    entry = Entry(
        id=url,
        path=f"{number}.md",
        url=url,
        title=title or f"Post {number}",
        published=published,
        updated=published,
        atom_updated=published,
        date_only=True,
        authors=(Author("Robin Example"),),
        tags=tags,
    )
    page = html or f"<p>The whole of number {number}.</p>"
    return Item(entry, Body(html=page, feed_html=page, summary=f"What number {number} is about."))


def pictured(plain: Item, url: str, alt: str) -> Item:
    """Give an item a picture."""
    return replace(plain, body=replace(plain.body, image=Image(url, alt)))


def settings(
    *digests: DigestSettings, mail: MailSettings = MAIL, public_url: str = "", language: str = "en"
) -> Settings:
    """Build the settings of a site with these digests (by default the conferences)."""
    return Settings(
        site=SiteSettings("Field Notebook", "https://example.com/", language, ZoneInfo("America/Los_Angeles")),
        posts=PostsSettings(),
        pages=PagesSettings(),
        output=OutputSettings(),
        feeds=FeedsSettings((), ()),
        digests=digests or (CONFERENCES,),
        mail=mail,
        web=WebSettings(public_url=public_url),
    )
