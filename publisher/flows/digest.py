"""An issue: looked at before it exists, drafted in one transaction, previewed without a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from publisher.errors import MailError, OutputError
from publisher.flows.newness import first_look, look, plan, take_in
from publisher.mail.addresses import parse_sender
from publisher.mail.rendering import Templates
from publisher.mail.view import issue_view
from publisher.model.issue import Issue
from publisher.model.problem import warning
from publisher.rules.audience import deliverable
from publisher.rules.selection import matches
from publisher.store import arrivals, issues
from publisher.store.database import open_to_read
from publisher.templating import search_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection

    from publisher.flows.newness import Plan
    from publisher.mail.rendering import Rendered
    from publisher.model.entry import Item
    from publisher.model.issue import Arrival
    from publisher.model.problem import Problem
    from publisher.model.settings import DigestSettings, Settings
    from publisher.store.database import Store

SHOWN = 5  # entries of a preview that has nothing new to show


@dataclass(frozen=True, slots=True)
class Occasion:
    """What an issue is made from: a digest at a cadence, the site, and the moment (aware UTC).

    ``folder`` is config.toml's, ``items`` are all published entries, newest first.
    """

    settings: Settings
    digest: DigestSettings
    cadence: str
    folder: Path
    items: Sequence[Item]
    now: datetime


@dataclass(frozen=True, slots=True)
class Outlook:
    """What sending would do now, and what the author should hear of."""

    plan: Plan
    said: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """An issue that now stands in the store, by its id, with what had to be left out of its mail."""

    id: int
    number: int
    entries: int
    readers: int
    said: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """The files of a preview. ``fresh`` is False when nothing is new and older entries stand in."""

    html: Path
    text: Path
    subject: str
    entries: int
    fresh: bool
    said: tuple[Problem, ...]


def check_mail(settings: Settings) -> None:
    """Refuse to draft what could not be mailed. Raises MailError, which names the key."""
    parse_sender(settings.mail.sender, "[mail] from")
    if settings.mail.reply_to:
        parse_sender(settings.mail.reply_to, "[mail] reply_to")
    if not settings.mail.postal_address.strip():
        raise MailError(
            "[mail] postal_address is missing in config.toml",
            'Bulk mail must carry one by law: write postal_address = "Name, Street, Town".',
        )


def outlook(store: Store, occasion: Occasion) -> Outlook:
    """Take in what is new and tell what an issue drafted now would hold. No issue is made."""
    with store.writing() as connection:
        said = take_in(connection, occasion.digest, occasion.items, occasion.now)
        return Outlook(plan(connection, occasion.digest, occasion.cadence, occasion.items), said)


def draft(store: Store, occasion: Occasion) -> Drafted | None:
    """Freeze an issue: entries, rendering, audience and cursors in one transaction.

    None when nothing is new to anybody. Raises TemplateError and MailError, and then nothing is kept.
    """
    check_mail(occasion.settings)
    templates = Templates(search_path(occasion.folder))
    with store.writing() as connection:
        take_in(connection, occasion.digest, occasion.items, occasion.now)
        planned = plan(connection, occasion.digest, occasion.cadence, occasion.items)
        if not planned.variants:
            return None
        return _freeze(connection, occasion, planned, templates)


def _freeze(connection: Connection, occasion: Occasion, planned: Plan, templates: Templates) -> Drafted:
    digest, now = occasion.digest, occasion.now
    made = issues.insert_issue(connection, _issue(occasion, planned.number))
    said: list[Problem] = []
    for variant in planned.variants:
        chosen = _chosen(occasion.items, variant.entries)
        rendered = _render(templates, occasion, chosen, planned.number)
        issues.insert_variant(connection, made, variant, rendered.content, now)
        said += _warnings(digest, rendered)
    arrivals.mark_withdrawn(connection, digest.name, planned.dropped)
    issues.cover(connection, digest.name, occasion.cadence, now, upto=planned.upto, number=made)
    return Drafted(made, planned.number, planned.entries, planned.readers, tuple(dict.fromkeys(said)))


def preview(occasion: Occasion) -> Preview:
    """Write what a new reader would get to preview/NAME.html and .txt; the store is read at most."""
    digest = occasion.digest
    number, fresh = _new_to_a_newcomer(occasion)
    chosen = fresh or _matching(occasion)[:SHOWN]
    if not chosen:
        raise OutputError(
            f"no entry passes the filter of the digest {digest.name}",
            f"Give a post one of its tags, or change [digests.{digest.name}] in config.toml.",
        )
    rendered = _render(Templates(search_path(occasion.folder)), occasion, chosen, number)
    html, text = _write(occasion.folder / "preview", digest.name, rendered)
    said = tuple(_warnings(digest, rendered))
    return Preview(html, text, rendered.content.subject, len(chosen), bool(fresh), said)


def _new_to_a_newcomer(occasion: Occasion) -> tuple[int, tuple[Item, ...]]:
    """Tell the next issue's number and what it would hold for someone who subscribes now."""
    digest = occasion.digest
    entries = [item.entry for item in occasion.items]
    store = open_to_read(occasion.settings.store_url, occasion.folder)
    if store is None:
        return 1, _pending(first_look(digest, entries).arrivals, 0, occasion)
    try:
        with store.reading() as connection:
            seen = look(connection, digest, entries).arrivals
            again = {arrival.entry for arrival in seen}
            known = [a for a in arrivals.load(connection, digest.name) if a.entry not in again]
            covered = arrivals.covered(connection, digest.name, occasion.cadence)
            number = issues.next_number(connection, digest.name)
    finally:
        store.close()
    return number, _pending((*known, *seen), covered, occasion)


def _pending(known: Iterable[Arrival], covered: int, occasion: Occasion) -> tuple[Item, ...]:
    present = {item.entry.id for item in _matching(occasion)}
    return _chosen(occasion.items, (a.entry for a in deliverable(known, present) if a.seq > covered))


def _matching(occasion: Occasion) -> tuple[Item, ...]:
    return tuple(item for item in occasion.items if matches(occasion.digest.filter, item.entry))


def _chosen(items: Sequence[Item], wanted: Iterable[str]) -> tuple[Item, ...]:
    """Pick items by id, newest first as they come."""
    ids = frozenset(wanted)
    return tuple(item for item in items if item.entry.id in ids)


def _render(templates: Templates, occasion: Occasion, chosen: Sequence[Item], number: int) -> Rendered:
    view = issue_view(
        occasion.settings.site,
        occasion.digest,
        chosen,
        number=number,
        drafted=occasion.now,
        postal_address=occasion.settings.mail.postal_address,
    )
    return templates.render(view)


def _warnings(digest: DigestSettings, rendered: Rendered) -> list[Problem]:
    remedy = f"Set limit or content under [digests.{digest.name}] in config.toml."
    return [warning("", 0, f"{digest.title}: {rendered.warning}", remedy)] if rendered.warning else []


def _issue(occasion: Occasion, number: int) -> Issue:
    settings, digest = occasion.settings, occasion.digest
    sender = parse_sender(settings.mail.sender, "[mail] from")
    return Issue(
        id=0,
        digest=digest.name,
        cadence=occasion.cadence,
        number=number,
        title=digest.title,
        drafted=occasion.now.replace(microsecond=0),
        sender=settings.mail.sender,
        reply_to=settings.mail.reply_to,
        list_id=f"{re.sub('[^A-Za-z0-9-]+', '-', digest.name)}.{sender.domain}",
        unsubscribe_mail=sender.addr_spec,
        public_url=settings.web_public_url,
    )


def _write(folder: Path, name: str, rendered: Rendered) -> tuple[Path, Path]:
    html, text = folder / f"{name}.html", folder / f"{name}.txt"
    try:
        folder.mkdir(exist_ok=True)
        html.write_text(rendered.content.html, encoding="utf-8")
        text.write_text(f"Subject: {rendered.content.subject}\n\n{rendered.content.text}", encoding="utf-8")
    except OSError as fault:
        raise OutputError(
            f"the preview cannot be written to {folder}: {fault.strerror}",
            "Make the folder writable for this user.",
        ) from fault
    return html, text
