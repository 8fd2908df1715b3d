"""An issue: looked at before it exists, drafted in one transaction, drafted anew, previewed without a store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from publisher.errors import MailError, OutputError, UsageError
from publisher.flows.letters import list_id, new_list_id, preview_letter
from publisher.flows.newness import first_look, look, plan, take_in
from publisher.mail.addresses import parse_sender
from publisher.mail.impersonal import inert
from publisher.mail.rendering import Templates
from publisher.mail.view import issue_view
from publisher.model.delivery import ReleaseReason
from publisher.model.issue import Issue, IssueState, SlotOutcome
from publisher.model.problem import warning
from publisher.rules.audience import deliverable
from publisher.rules.selection import matches
from publisher.store import arrivals, audience, issues, slots
from publisher.store.database import open_to_read
from publisher.store.release import release_issue
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
WAITS = "it waits for approval"


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
class Slot:
    """What a drafting is for: the moment it was due, and the last arrival it may hold (None: all there are)."""

    at: datetime
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What sending would do now, and what the author should hear of."""

    plan: Plan
    said: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Drafted:
    """An issue that now stands in the store, by its id. ``said`` names what had to be left out of its mail.

    ``reason`` says why it is held (empty: it is going out).
    """

    id: int
    number: int
    entries: int
    readers: int
    reason: str
    said: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a new reader would get, in no store. ``fresh`` is False when nothing is new and older entries stand in.

    ``url`` is where the issue would stand in the archive, empty where there is no web server.
    """

    number: int
    rendered: Rendered
    url: str
    entries: int
    fresh: bool

    @property
    def page(self) -> str:
        """The HTML to be looked at: links that would be a reader's own lead nowhere yet."""
        return inert(self.rendered.content.html, self.url)


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
    for key, written in (("reply_to", settings.mail.reply_to), ("editor", settings.mail.editor)):
        if written:
            parse_sender(written, f"[mail] {key}")
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


def draft(store: Store, occasion: Occasion, slot: Slot | None = None, *, held: bool = False) -> Drafted | None:
    """Freeze an issue: entries, rendering, audience and cursors in one transaction.

    Without a ``slot`` its author asked for it now, and it goes out unless it is to be ``held`` for approval; with
    one it is held as the digest says, or when something about it is odd. A slot with nothing new to anybody, or
    one that was dealt with already, gives None. Raises TemplateError and MailError, and then nothing is kept.
    """
    check_mail(occasion.settings)
    templates = Templates(search_path(occasion.folder))
    with store.writing() as connection:
        take_in(connection, occasion.digest, occasion.items, occasion.now)
        if slot is not None and slots.is_known(connection, occasion.digest.name, occasion.cadence, slot.at):
            return None
        planned = plan(
            connection, occasion.digest, occasion.cadence, occasion.items, upto=slot.upto if slot is not None else None
        )
        if not planned.variants:
            if slot is not None:
                _skip(connection, occasion, slot, planned)
            return None
        hold = _hold(occasion, planned) if slot is not None else (WAITS if held else "", None)
        return _freeze(connection, occasion, planned, templates, slot.at if slot is not None else occasion.now, hold)


def draft_anew(store: Store, occasion: Occasion, number: int) -> Drafted | None:
    """Draft a held issue again after an edit, under its number and for its slot; nobody was mailed anything of it.

    None when nothing in it is new any more; it is then gone. Raises as ``draft`` does, and UsageError when the
    issue is not held.
    """
    check_mail(occasion.settings)
    templates = Templates(search_path(occasion.folder))
    with store.writing() as connection:
        before = issues.find(connection, occasion.digest.name, number)
        if before is None or before.state is not IssueState.HELD or before.slot is None:
            raise UsageError(
                f"{occasion.digest.name} has no held issue {number}",
                f"See which there are: publisher digest list {occasion.digest.name}",
            )
        release_issue(connection, before.id, ReleaseReason.CANCELLED, occasion.now)
        issues.discard(connection, before.id)
        take_in(connection, occasion.digest, occasion.items, occasion.now)
        planned = plan(connection, occasion.digest, occasion.cadence, occasion.items)
        if not planned.variants:
            return None
        hold = (before.reason, before.release_at)
        return _freeze(
            connection, occasion, planned, templates, before.slot, hold, number=number, private=before.private
        )


def _hold(occasion: Occasion, planned: Plan) -> tuple[str, datetime | None]:
    """Why a scheduled issue is held, and until when (None: until it is approved)."""
    if planned.suspicion:
        return planned.suspicion, None
    if occasion.digest.approve:
        return WAITS, None
    if occasion.digest.hold:
        return "its editor may look at it first", occasion.now + occasion.digest.hold
    return "", None


def _skip(connection: Connection, occasion: Occasion, slot: Slot, planned: Plan) -> None:
    name, cadence = occasion.digest.name, occasion.cadence
    arrivals.mark_withdrawn(connection, name, planned.dropped)
    slots.record(connection, name, cadence, slot.at, SlotOutcome.EMPTY, upto=planned.upto)


def _freeze(
    connection: Connection,
    occasion: Occasion,
    planned: Plan,
    templates: Templates,
    at: datetime,
    hold: tuple[str, datetime | None],
    *,
    number: int = 0,
    private: bool = False,
) -> Drafted:
    digest, now = occasion.digest, occasion.now
    name = list_id(connection, occasion.settings, digest.name)
    drafted = replace(_issue(occasion, number or planned.number, at, hold, name), private=private)
    made = issues.insert_issue(connection, drafted)
    said: list[Problem] = []
    first: Rendered | None = None
    for variant in planned.variants:
        chosen = _chosen(occasion, variant.entries)
        rendered = _render(templates, occasion, chosen, drafted.number)
        issues.insert_variant(connection, made, variant, rendered.content)
        audience.insert_deliveries(connection, made, variant, planned.audience, now)
        said += _warnings(digest, rendered)
        first = first or rendered
    arrivals.mark_withdrawn(connection, digest.name, planned.dropped)
    slots.record(connection, digest.name, occasion.cadence, at, SlotOutcome.ISSUED, upto=planned.upto, issue=made)
    audience.move_cursors(connection, digest.name, occasion.cadence, planned.upto)
    done = Drafted(made, drafted.number, planned.entries, planned.readers, hold[0], tuple(dict.fromkeys(said)))
    if hold[0] and first is not None:
        preview_letter(connection, occasion, drafted, done, first.content)
    return done


def preview(occasion: Occasion) -> Preview:
    """Write what a new reader would get to preview/NAME.html and .txt; the store is read at most."""
    digest = occasion.digest
    made = sample(occasion)
    html, text = _write(occasion.folder / "preview", digest.name, made)
    said = tuple(_warnings(digest, made.rendered))
    return Preview(html, text, made.rendered.content.subject, made.entries, made.fresh, said)


def sample(occasion: Occasion) -> Sample:
    """Render what a new reader would get; the store is read at most. Raises OutputError if no entry passes."""
    number, chosen, fresh = _newcomers_issue(occasion)
    rendered = _render(Templates(search_path(occasion.folder)), occasion, chosen, number)
    return Sample(number, rendered, _browser_url(occasion, number), len(chosen), fresh)


def sample_to_mail(occasion: Occasion) -> tuple[Issue, Sample]:
    """The same with what all messages of an issue share. Raises MailError where the settings fit no mail."""
    check_mail(occasion.settings)
    made = sample(occasion)
    return _issue(occasion, made.number, occasion.now, ("", None), _list_id(occasion)), made


def _list_id(occasion: Occasion) -> str:
    store = open_to_read(occasion.settings.store_url, occasion.folder)
    if store is None:
        return new_list_id(occasion.settings, occasion.digest.name)
    try:
        with store.reading() as connection:
            return list_id(connection, occasion.settings, occasion.digest.name)
    finally:
        store.close()


def _newcomers_issue(occasion: Occasion) -> tuple[int, tuple[Item, ...], bool]:
    """Tell the next issue's number, what it would hold for someone who subscribes now, and whether that is new.

    Where nothing is, the newest entries stand in. Raises OutputError where no entry passes the filter.
    """
    number, fresh = _new_to_a_newcomer(occasion)
    chosen = fresh or _matching(occasion)[:SHOWN]
    if not chosen:
        name = occasion.digest.name
        raise OutputError(
            f"no entry passes the filter of the digest {name}",
            f"Give a post one of its tags, or change [digests.{name}] in config.toml.",
        )
    return number, chosen, bool(fresh)


def _new_to_a_newcomer(occasion: Occasion) -> tuple[int, tuple[Item, ...]]:
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
            covered = slots.covered(connection, digest.name, occasion.cadence)
            number = issues.next_number(connection, digest.name)
    finally:
        store.close()
    return number, _pending((*known, *seen), covered, occasion)


def _pending(known: Iterable[Arrival], covered: int, occasion: Occasion) -> tuple[Item, ...]:
    present = {item.entry.id for item in _matching(occasion)}
    return _chosen(occasion, (a.entry for a in deliverable(known, present) if a.seq > covered))


def _matching(occasion: Occasion) -> tuple[Item, ...]:
    return tuple(item for item in occasion.items if matches(occasion.digest.filter, item.entry))


def _chosen(occasion: Occasion, wanted: Iterable[str]) -> tuple[Item, ...]:
    """Pick items by id, newest first as they come. A post and an entry of a feed may have one id: the digest's."""
    ids = frozenset(wanted)
    return tuple(item for item in _matching(occasion) if item.entry.id in ids)


def _render(templates: Templates, occasion: Occasion, chosen: Sequence[Item], number: int) -> Rendered:
    settings = occasion.settings
    view = issue_view(
        settings.site,
        occasion.digest,
        chosen,
        number=number,
        drafted=occasion.now,
        postal_address=settings.mail.postal_address,
        browser_url=_browser_url(occasion, number),
    )
    return templates.render(view)


def _browser_url(occasion: Occasion, number: int) -> str:
    web = occasion.settings.web_public_url.rstrip("/")
    return f"{web}/issues/{occasion.digest.name}/{number}" if web and occasion.digest.archive else ""


def _warnings(digest: DigestSettings, rendered: Rendered) -> list[Problem]:
    remedy = f"Set limit or content under [digests.{digest.name}] in config.toml."
    return [warning("", 0, f"{digest.title}: {rendered.warning}", remedy)] if rendered.warning else []


def _issue(occasion: Occasion, number: int, at: datetime, hold: tuple[str, datetime | None], name: str) -> Issue:
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
        list_id=name,
        unsubscribe_mail=sender.addr_spec,
        public_url=settings.web_public_url,
        state=IssueState.HELD if hold[0] else IssueState.OPEN,
        reason=hold[0],
        slot=at,
        release_at=hold[1],
    )


def _write(folder: Path, name: str, made: Sample) -> tuple[Path, Path]:
    html, text = folder / f"{name}.html", folder / f"{name}.txt"
    try:
        folder.mkdir(exist_ok=True)
        content = made.rendered.content
        html.write_text(made.page, encoding="utf-8")
        text.write_text(f"Subject: {content.subject}\n\n{content.text}", encoding="utf-8")
    except OSError as fault:
        raise OutputError(
            f"the preview cannot be written to {folder}: {fault.strerror}",
            "Make the folder writable for this user.",
        ) from fault
    return html, text
