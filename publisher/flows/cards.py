"""A post's card: its metadata in the shape that the build state keeps and every run sorts through.

Ten thousand cards are read, sorted and grouped in each run that has anything to do, so a card is a
plain tuple of JSON values; entries are made only of those that some output shows.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from publisher.model.entry import Author, Entry
from publisher.model.post import Kind

if TYPE_CHECKING:
    from publisher.model.post import Post
    from publisher.model.settings import SiteSettings

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Card(NamedTuple):
    """One post's metadata.

    Moments are whole microseconds since 1970 (UTC); ``day`` is in the site's zone. ``page`` is the
    path of its page in the output, empty if it can have none. ``digest`` tells the file's bytes,
    ``facts`` everything on the card but the digest.
    """

    path: str
    kind: str
    title: str
    permalink: str
    published: int
    updated: int
    due: int
    expires: int | None
    date_only: bool
    updated_date_only: bool
    draft: bool
    declared_id: str
    authors: list[list[str]]
    tags: list[str]
    categories: list[str]
    section: str
    language: str
    aliases: list[str]
    in_feeds: bool
    content: str
    slug: str
    day: str
    page: str
    digest: str
    facts: str


def instant(moment: datetime) -> int:
    """An aware moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(instant_: int) -> datetime:
    """The aware UTC moment of an instant."""
    return _EPOCH + timedelta(microseconds=instant_)


def card_of(post: Post, digest: str, site: SiteSettings, page: str) -> tuple[Card, str]:
    """The card of a post whose file has this digest, and the card as JSON.

    A post that names no author is by the site's.
    """
    values = (
        post.path,
        post.kind.value,
        post.title,
        post.permalink,
        instant(post.published),
        instant(post.updated),
        instant(post.due),
        instant(post.expires) if post.expires else None,
        post.date_only,
        post.updated_date_only,
        post.draft,
        post.declared_id,
        [[author.name, author.email, author.uri] for author in post.authors or site.authors],
        list(post.tags),
        list(post.categories),
        post.section,
        post.language,
        list(post.aliases),
        post.in_feeds,
        post.content,
        post.slug,
        post.published.astimezone(site.timezone).date().isoformat(),
        page,
    )
    text = json.dumps(values)
    facts = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    return Card(*values, digest, facts), f'{text[:-1]}, "{digest}", "{facts}"]'


def is_out(card: Card, now: int) -> bool:
    """Whether the post is published at ``now`` (see rules.selection.is_published)."""
    return not card.draft and card.due <= now and (card.expires is None or now < card.expires)


def entry_of(card: Card, identifier: str, atom_updated: int) -> Entry:
    """The entry that the card's post is under its id."""
    return Entry(
        id=identifier,
        path=card.path,
        url=card.permalink,
        title=card.title,
        published=moment(card.published),
        updated=moment(card.updated),
        atom_updated=moment(atom_updated),
        date_only=card.date_only,
        authors=tuple(Author(*author) for author in card.authors),
        tags=tuple(card.tags),
        categories=tuple(card.categories),
        section=card.section,
        language=card.language,
        in_feeds=card.in_feeds,
        content=card.content,
        standing=card.kind == Kind.PAGE.value,
        aliases=tuple(card.aliases),
    )
