"""The archive: issues that went out, as pages that everybody may read, and as a feed.

Shown are issues of digests whose ``archive`` is true that are going out or went out, unless they are private. Of
an issue's variants the fullest stands for all, without what is personal.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from typing import TYPE_CHECKING

from publisher.content.characters import without_forbidden
from publisher.errors import UsageError
from publisher.feeds.document import document
from publisher.flows.feed_plan import EMPTY
from publisher.mail import impersonal
from publisher.mail.view import day
from publisher.model.entry import Body, Entry, Item
from publisher.model.feed import Feed, Format
from publisher.rules.selection import part_updates
from publisher.store import issues

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from publisher.model.issue import Issue
    from publisher.model.settings import DigestSettings, Settings
    from publisher.store.database import Store

IN_FEED = 20  # issues
PATHS = {Format.RSS: "feed.xml", Format.ATOM: "atom.xml", Format.JSON: "feed.json"}


@dataclass(frozen=True, slots=True)
class PastIssue:
    """An issue as the archive lists it. ``at`` is its slot (aware UTC), ``entries`` counts those of the page."""

    digest: str
    title: str
    number: int
    at: datetime
    subject: str
    entries: int


@dataclass(frozen=True, slots=True)
class Page:
    """An issue that everybody may read. ``parts`` are its HTML's; ``contents`` are its entries' titles and addresses.

    Not all entries need stand in the page: of a large issue some are only counted.
    """

    issue: PastIssue
    parts: impersonal.Parts
    text: str
    contents: tuple[tuple[str, str], ...]

    @property
    def html(self) -> str:
        """The whole document."""
        return self.parts.whole


def archived(settings: Settings) -> tuple[DigestSettings, ...]:
    """The digests that have an archive, in the order of config.toml."""
    return tuple(one for one in settings.digests if one.archive)


def find_archived(settings: Settings, digest: str) -> DigestSettings | None:
    """The digest of that name, if it has an archive."""
    return next((one for one in archived(settings) if one.name == digest), None)


def past_issues(store: Store, settings: Settings, digest: str = "") -> tuple[PastIssue, ...]:
    """List what the archive of a digest, or of all, shows; newest first."""
    with store.reading() as connection:
        return tuple(map(_past_issue, issues.fullest(connection, _names(settings, digest))))


def page(store: Store, settings: Settings, digest: str, number: int) -> Page | None:
    """Give an issue as a page; None where the archive shows none of that number."""
    if number <= 0:
        return None
    with store.reading() as connection:
        shown = issues.fullest(connection, _names(settings, digest) if digest else (), number)
        if not shown:
            return None
        found = shown[0]
        place = (found.issue.id, found.variant)
        contents = issues.titles(connection, [place]).get(place, ())
        content = issues.read_content(connection, *place)
    root = found.issue.public_url.rstrip("/")
    url = f"{root}/issues/{digest}/{number}" if root else ""  # as it stood in the mail
    addresses = frozenset(address for _, address in contents)
    return Page(
        _past_issue(found),
        impersonal.page(content.html, url, addresses),
        impersonal.text(content.text, url, addresses),
        contents,
    )


def neighbours(among: Sequence[PastIssue], number: int) -> tuple[PastIssue | None, PastIssue | None]:
    """Give the issues before and after one of a digest, of which ``among`` are all, newest first."""
    at = next((place for place, one in enumerate(among) if one.number == number), None)
    if at is None:
        return None, None
    return among[at + 1] if at + 1 < len(among) else None, among[at - 1] if at else None


def set_private(store: Store, digest: str, number: int, private: bool) -> Issue:
    """Keep an issue out of the archive, or let it in; returns it. Raises UsageError when there is none."""
    with store.writing() as connection:
        found = issues.find(connection, digest, number)
        if found is None:
            raise UsageError(
                f"the digest {digest} has no issue {number}", f"See which there are: publisher digest list {digest}"
            )
        issues.set_private(connection, found.id, private=private)
    return replace(found, private=private)


def shown_date(settings: Settings, one: PastIssue) -> str:
    """Write the day of an issue as its mail does: in the zone of its digest and the language of the site."""
    digest = find_archived(settings, one.digest)
    return day(one.at, digest.timezone if digest else settings.site.timezone, settings.site.language)


def page_url(settings: Settings, digest: str, number: int | None = None) -> str:
    """Give the public address of an issue, or of the list of a digest's; "" where there is no web server."""
    root = settings.web_public_url.rstrip("/")
    if not root:
        return ""
    return f"{root}/issues/{digest}/" if number is None else f"{root}/issues/{digest}/{number}"


def feed(store: Store, settings: Settings, digest: str, wanted: Format) -> bytes | None:
    """Write the feed of a digest's issues. None where it has no archive, or where no public_url makes addresses."""
    found = find_archived(settings, digest)
    if found is None or not settings.web_public_url:
        return None
    with store.reading() as connection:
        shown = issues.fullest(connection, (digest,))
        newest = shown[:IN_FEED]
        titles = issues.titles(connection, [(one.issue.id, one.variant) for one in newest]) if newest else {}
    ids = [_id(store, f"{digest}/{one.issue.number}") for one in shown]
    updates = part_updates([(id_, _past_issue(one).at, False) for id_, one in zip(ids, shown, strict=True)])
    items = tuple(
        _item(settings, id_, one, updated, titles.get((one.issue.id, one.variant), ()))
        for id_, one, updated in zip(ids, newest, updates, strict=False)
    )
    return _document(_feed(settings, found, _id(store, digest), items), wanted, items)


@lru_cache(maxsize=64)
def _document(described: Feed, wanted: Format, items: tuple[Item, ...]) -> bytes:
    return document(described, wanted, items)


def _feed(settings: Settings, digest: DigestSettings, id_: str, items: Sequence[Item]) -> Feed:
    home = page_url(settings, digest.name)
    title = without_forbidden(digest.title)
    return Feed(
        key=f"issues:{digest.name}",
        id=id_,
        title=title,
        description=f"The issues of {title} by {settings.site.title}, as they were mailed.",
        home=home,
        language=settings.site.language,
        updated=max((item.entry.atom_updated for item in items), default=EMPTY),
        authors=settings.site.authors,
        documents=tuple((wanted, name, home + name) for wanted, name in PATHS.items()),
    )


def _item(
    settings: Settings, id_: str, one: issues.Fullest, updated: datetime, contents: Sequence[tuple[str, str]]
) -> Item:
    shown = _past_issue(one)
    entry = Entry(
        id=id_,
        path="",
        url=page_url(settings, shown.digest, shown.number),
        title=without_forbidden(shown.subject),
        published=shown.at,
        updated=shown.at,
        atom_updated=updated,
        date_only=False,
    )
    named = [(without_forbidden(title), address) for title, address in contents]
    listed = "".join(f'<li><a href="{escape(address)}">{escape(title)}</a></li>' for title, address in named)
    html = f"<ul>{listed}</ul>" if listed else ""
    return Item(entry, Body(html=html, feed_html=html, summary=" · ".join(title for title, _ in named)))


def _id(store: Store, name: str) -> str:
    """A name for ever (RFC 9562 5.5): the store has one, which outlives any address and every title."""
    return uuid.uuid5(uuid.UUID(store.id), f"issues/{name}").urn


def _names(settings: Settings, digest: str) -> tuple[str, ...]:
    return tuple(one.name for one in archived(settings) if not digest or one.name == digest)


def _past_issue(found: issues.Fullest) -> PastIssue:
    issue = found.issue
    return PastIssue(issue.digest, issue.title, issue.number, issue.slot or issue.drafted, found.subject, found.entries)
