"""Letters written into the store: a question, a welcome, a goodbye, the link to somebody's own page, a preview."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from publisher.errors import UsageError
from publisher.flows.identities import is_placeholder
from publisher.mail import letters as mail
from publisher.mail.addresses import parse_sender
from publisher.model.letter import Letter, LetterKind
from publisher.rules import calendar
from publisher.store import issues, letters
from publisher.templating import search_path
from publisher.tokens import Purpose

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from publisher.flows.digest import Drafted, Occasion
    from publisher.mail.rendering import Templates
    from publisher.model.issue import Content, Issue
    from publisher.model.settings import DigestSettings, Settings
    from publisher.model.subscriber import Subscription
    from publisher.tokens import Keys

VALID = timedelta(days=7)
PAGE_VALID = timedelta(days=30)  # the link to a person's own page


@dataclass(slots=True)
class Desk:
    """What letters are written with, for one piece of work. ``folder`` is config.toml's: its templates come first."""

    settings: Settings
    folder: Path
    keys: Keys
    _templates: Templates | None = field(default=None, init=False, repr=False)

    def templates(self) -> Templates:
        """The templates of letters, read once. Raises TemplateError."""
        if self._templates is None:
            self._templates = mail.letter_templates(search_path(self.folder))
        return self._templates


class Addressee(NamedTuple):
    """Whom a letter goes to, about which digest ("" for none).

    ``token`` and ``list_id`` are empty where it does not offer to leave.
    """

    recipient: str
    digest: str
    subscriber: int = 0  # the editor
    token: str = ""
    list_id: str = ""


def confirmation_letter(
    connection: Connection, desk: Desk, asked: Subscription, digest: DigestSettings, cadence: str, now: datetime
) -> Letter:
    """The question whether someone wants a digest at a cadence; the link in it ends when they leave."""
    token = desk.keys.sign(Purpose.CONFIRM, (asked.subscriber, digest.name, asked.generation, cadence), now)
    link = confirm_link(desk.settings, token)
    content = mail.confirmation(
        desk.templates(),
        desk.settings.site,
        digest,
        confirm_url=link,
        hours_valid=VALID // timedelta(hours=1),
        postal_address=desk.settings.mail.postal_address,
    )
    return _to_reader(connection, desk.settings, LetterKind.CONFIRMATION, asked, content, now)


def welcome_letter(
    connection: Connection, desk: Desk, reader: Subscription, digest: DigestSettings, cadence: str, now: datetime
) -> Letter:
    """What a new reader may expect, and how to leave."""
    content = mail.welcome(
        desk.templates(),
        desk.settings.site,
        digest,
        cadence=calendar.words(calendar.parse(dict(digest.cadences)[cadence])),
        settings_url=settings_link(desk.settings, desk.keys, reader.subscriber, now),
        hours_valid=PAGE_VALID // timedelta(hours=1),
        postal_address=desk.settings.mail.postal_address,
    )
    return _to_reader(connection, desk.settings, LetterKind.WELCOME, reader, content, now, leaves=True)


def goodbye_letter(
    connection: Connection, desk: Desk, reader: Subscription, digest: DigestSettings, now: datetime
) -> Letter:
    """The proof that someone left, who may not have meant to."""
    content = mail.goodbye(
        desk.templates(), desk.settings.site, digest, postal_address=desk.settings.mail.postal_address
    )
    return _to_reader(connection, desk.settings, LetterKind.GOODBYE, reader, content, now)


def settings_letter(connection: Connection, desk: Desk, person: int, wire: str, now: datetime) -> Letter:
    """The link to a person's own page, at the address ``wire``. Raises UsageError where there is no web server."""
    link = settings_link(desk.settings, desk.keys, person, now)
    if not link:
        raise UsageError("there is no page to lead anybody to", "Set [web] public_url in config.toml.")
    content = mail.own_page(
        desk.templates(),
        desk.settings.site,
        settings_url=link,
        hours_valid=PAGE_VALID // timedelta(hours=1),
        postal_address=desk.settings.mail.postal_address,
    )
    generation = letters.newest(connection, LetterKind.SETTINGS, person, "") + 1
    return _letter(desk.settings, LetterKind.SETTINGS, Addressee(wire, "", person), generation, content, now)


def preview_letter(
    connection: Connection, occasion: Occasion, issue: Issue, drafted: Drafted, content: Content
) -> None:
    """Write what the editor gets of an issue that is held; where [mail] names none, who reads replies is the editor."""
    settings = occasion.settings
    written = settings.mail.editor or settings.mail.reply_to or settings.mail.sender
    editor = parse_sender(written, "[mail] editor")
    shown = mail.preview(
        mail.letter_templates(search_path(occasion.folder)),
        settings.site,
        occasion.digest,
        content,
        number=drafted.number,
        entries=drafted.entries,
        readers=drafted.readers,
        release_at=issue.release_at,
        reason=drafted.reason,
    )
    letters.write(
        connection,
        _letter(
            settings,
            LetterKind.PREVIEW,
            Addressee(editor.addr_spec, issue.digest),
            letters.newest(connection, LetterKind.PREVIEW, 0, issue.digest) + 1,
            shown,
            occasion.now,
        ),
    )


def confirm_link(settings: Settings, token: str) -> str:
    """Give the link that says yes: https where there is a web server, else a mail with the token in its subject."""
    if settings.web_public_url:
        return f"{settings.web_public_url.rstrip('/')}/confirm/{quote(token, safe='')}"
    sender = parse_sender(settings.mail.sender, "[mail] from")
    return f"mailto:{quote(sender.addr_spec, safe='@')}?subject=confirm%20{quote(token, safe='')}"


def settings_link(settings: Settings, keys: Keys, person: int, now: datetime) -> str:
    """Give the link to a person's own page, for PAGE_VALID; empty where there is no web server."""
    if not settings.web_public_url:
        return ""
    token = keys.sign(Purpose.PREFERENCES, (person,), now)
    return f"{settings.web_public_url.rstrip('/')}/preferences/{quote(token, safe='')}"


def list_id(connection: Connection, settings: Settings, digest: str) -> str:
    """Name a digest as a list (RFC 2919): as its issues were named until now, so that readers' filters know the next.

    A first issue is named after the sender's domain, and so is one after those that were tried out under a placeholder.
    """
    known = issues.list_id(connection, digest)
    return known if known and not is_placeholder(f"https://{known}/") else new_list_id(settings, digest)


def new_list_id(settings: Settings, digest: str) -> str:
    """Name a digest as a list that nobody has had mail of."""
    return f"{re.sub('[^A-Za-z0-9-]+', '-', digest)}.{parse_sender(settings.mail.sender, '[mail] from').domain}"


def _to_reader(
    connection: Connection,
    settings: Settings,
    kind: LetterKind,
    reader: Subscription,
    content: Content,
    now: datetime,
    *,
    leaves: bool = False,
) -> Letter:
    """The next letter of a kind to a person about a digest. ``leaves``: it offers to leave, as mail of a list does."""
    generation = letters.newest(connection, kind, reader.subscriber, reader.digest) + 1
    to = Addressee(reader.wire, reader.digest, reader.subscriber)
    if leaves:
        to = to._replace(token=reader.token, list_id=list_id(connection, settings, reader.digest))
    return _letter(settings, kind, to, generation, content, now)


def _letter(
    settings: Settings, kind: LetterKind, to: Addressee, generation: int, content: Content, now: datetime
) -> Letter:
    sender = parse_sender(settings.mail.sender, "[mail] from")
    return Letter(
        id=0,
        kind=kind,
        subscriber=to.subscriber,
        digest=to.digest,
        generation=generation,
        recipient=to.recipient,
        subject=content.subject,
        html=content.html,
        text=content.text,
        sender=settings.mail.sender,
        reply_to=settings.mail.reply_to,
        list_id=to.list_id,
        unsubscribe_mail=sender.addr_spec,
        public_url=settings.web_public_url,
        token=to.token,
        written=now.replace(microsecond=0),
    )
