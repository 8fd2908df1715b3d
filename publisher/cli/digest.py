"""``publisher digest``: look at the next issue, send it, and deal with those that stand."""

from __future__ import annotations

import secrets
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, stoppable, tell
from publisher.cli.digest_words import (
    delivery_lines,
    drafted_json,
    drafted_line,
    issue_line,
    passed_json,
    passed_lines,
    private_line,
    sent_json,
    sent_lines,
    standing_json,
    standing_line,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from publisher.flows.deliver import Delivery
    from publisher.flows.digest import Occasion
    from publisher.flows.newness import Plan
    from publisher.mail.transports import Transport
    from publisher.model.issue import Issue
    from publisher.model.settings import Settings
    from publisher.store.database import Store

Seen = TypeVar("Seen")

cadence_option = click.option(
    "--cadence", default="", metavar="NAME", help="The pace that is meant, where the digest has several."
)
number_argument = click.argument("number", type=click.IntRange(1))


@click.group()
def digest() -> None:
    """Preview and send email digests of what is new, and lead their issues."""


@digest.command(short_help="Write what a new reader would get to preview/.")
@click.argument("name")
@click.option("--open", "in_browser", is_flag=True, help="Open the page in the browser.")
@cadence_option
@site_option
@quiet_option
def preview(name: str, cadence: str, folder: Path, *, in_browser: bool, quiet: bool) -> None:
    """Write what a new reader of NAME would get to preview/, as HTML and text. Nothing is sent."""
    from publisher.flows.digest import preview as write_preview  # noqa: PLC0415 - brings SQLAlchemy along

    shown = write_preview(_occasion(folder, name, cadence, peek=True))
    if not quiet:
        tell(shown.said)
        what = counted(shown.entries, "entry", "entries")
        click.echo(f"Subject: {shown.subject}")
        click.echo(f"Holds {what}." if shown.fresh else f"Nothing is new; the newest {what} stand in.")
        click.echo(f"{shown.html}\n{shown.text}")
    if in_browser:
        click.launch(shown.html.absolute().as_uri())


@digest.command(short_help="Freeze the next issue and hold it for approval.")
@click.argument("name")
@cadence_option
@site_option
@quiet_option
@json_option
def draft(name: str, cadence: str, folder: Path, *, quiet: bool, as_json: bool) -> None:
    """Freeze what is new to the readers of NAME as an issue that waits for approval; its editor gets a preview.

    An issue that is held already is drafted anew, with the posts and readers of now, under its number.
    """
    from publisher.flows.digest import draft as freeze  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.digest import draft_anew  # noqa: PLC0415 - as above
    from publisher.flows.issuing import newest_held  # noqa: PLC0415 - as above

    _follow(folder, name)
    occasion = _occasion(folder, name, cadence)
    with closing(_store(folder, occasion.settings)) as store:
        held = newest_held(store, name, occasion.cadence)
        made = draft_anew(store, occasion, held.number) if held else freeze(store, occasion, held=True)
        _deliver(store, occasion.settings, folder)  # the editor's preview
    if as_json:
        answer(drafted_json(made))
    elif not quiet:
        tell(made.said if made else ())
        click.echo(drafted_line(occasion, made))
        if made:
            click.echo(f"  publisher digest approve {name} {made.number}")


@digest.command(short_help="Send what is new, or with --due everything that is due.")
@click.argument("name", required=False, default="")
@click.option("--due", is_flag=True, help="One whole pass of the clock: slots, ended holds, retries. For cron.")
@click.option(
    "--to", "address", default="", metavar="ADDRESS", help="Send one copy there to look at; nothing is recorded."
)
@click.option("--yes", is_flag=True, help="Send without asking.")
@cadence_option
@site_option
@quiet_option
@json_option
def send(
    name: str, cadence: str, folder: Path, address: str, *, due: bool, yes: bool, quiet: bool, as_json: bool
) -> int:
    """Send what is new to the readers of NAME. Run again, nobody gets anything twice.

    With --due NAME is left out: every digest's slots are dealt with, and everything that can be delivered is.
    """
    if due == bool(name) or (due and (address or cadence)):
        raise click.UsageError("name a digest, or say --due alone, which means all of them")
    if due:
        return _send_due(folder, quiet=quiet, as_json=as_json)
    if address:
        return _send_copy(_occasion(folder, name, cadence, peek=True), address, quiet=quiet)
    _follow(folder, name)
    return _send_now(
        _occasion(folder, name, cadence), asking=sys.stdin.isatty() and not yes, quiet=quiet, as_json=as_json
    )


def _send_now(occasion: Occasion, *, asking: bool, quiet: bool, as_json: bool) -> int:
    from publisher.flows.schedule import terms_of  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.send import send as mail_out  # noqa: PLC0415 - as above

    outbox = _transport(occasion.settings, occasion.folder)
    with closing(_store(occasion.folder, occasion.settings)) as store, stoppable():
        sent = mail_out(
            store,
            occasion,
            outbox,
            _now,
            engine=engine_name(),
            agree=lambda plan: not asking or _agrees(occasion, plan),
            terms=terms_of(occasion.settings),
        )
    if as_json:
        answer(sent_json(occasion, sent, outbox.where))
    elif not quiet:
        tell((*sent.outlook.said, *(sent.drafted.said if sent.drafted else ())))
        for line in sent_lines(occasion, sent, outbox.where):
            click.echo(line)
    return _code(sent.unfinished, sent.delivery)


def _send_due(folder: Path, *, quiet: bool, as_json: bool) -> int:
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.schedule import run_due  # noqa: PLC0415 - brings SQLAlchemy along

    settings = load(folder)
    outbox = _transport(settings, folder)
    with closing(_store(folder, settings)) as store, stoppable():
        passed = run_due(store, _site(folder, settings), outbox, engine_name(), _now)
    if as_json:
        answer(passed_json(passed, outbox.where))
    else:
        tell(passed.said, quiet=quiet)
        if not quiet:
            for line in passed_lines(passed, outbox.where):
                click.echo(line)
    return passed.fault.exit_code if passed.fault else _code(passed.delivery)


def _send_copy(occasion: Occasion, address: str, *, quiet: bool) -> int:
    from publisher.flows.send import send_sample  # noqa: PLC0415 - brings SQLAlchemy along

    outbox = _transport(occasion.settings, occasion.folder)
    said = send_sample(occasion, address, outbox, f"copy{secrets.token_hex(8)}")
    if not quiet:
        click.echo(f"One copy for {address} went to {outbox.where} ({said}). Nothing was recorded.")
    return 0


@digest.command(name="list", short_help="List the issues of a digest, or of all.")
@click.argument("name", required=False, default="")
@site_option
@json_option
def listing(name: str, folder: Path, *, as_json: bool) -> None:
    """List the issues of NAME, or of every digest, with how their messages stand."""
    from publisher.flows.issuing import listing as found_in  # noqa: PLC0415 - brings SQLAlchemy along

    found = _looked(folder, name, lambda store: found_in(store, name)) or ()
    if as_json:
        answer([standing_json(one) for one in found])
        return
    for one in found:
        click.echo(standing_line(one))
    click.echo(counted(len(found), "issue") + ".")


@digest.command(short_help="Tell everything about one issue.")
@click.argument("name")
@number_argument
@site_option
@json_option
def show(name: str, number: int, folder: Path, *, as_json: bool) -> int:
    """Show issue NUMBER of NAME: its entries, and what relays said."""
    from publisher.flows.issuing import show as look  # noqa: PLC0415 - brings SQLAlchemy along

    found = _looked(folder, name, lambda store: look(store, name, number))
    if found is None:
        click.echo(f"error: the digest {name} has no issue yet", err=True)
        return 2
    if as_json:
        answer(standing_json(found))
        return 0
    click.echo(standing_line(found))
    for entry in found.entries:
        click.echo(f"  {entry}")
    for state, words, rows in found.reasons:
        click.echo(f"  {rows} {state.value}: {words}")
    return 0


@digest.command(short_help="Let a held issue go out.")
@click.argument("name")
@number_argument
@site_option
@quiet_option
def approve(name: str, number: int, folder: Path, *, quiet: bool) -> int:
    """Let issue NUMBER of NAME, which is held, go out now."""
    from publisher.flows.issuing import approve as let_go  # noqa: PLC0415 - brings SQLAlchemy along

    return _led(folder, name, lambda store: (let_go(store, name, number, _now()), ""), "is approved", quiet=quiet)


@digest.command(short_help="Go on with a paused issue.")
@click.argument("name")
@number_argument
@click.option("--held", is_flag=True, help="Send again what nobody knows the fate of: some may get it twice.")
@site_option
@quiet_option
def resume(name: str, number: int, folder: Path, *, held: bool, quiet: bool) -> int:
    """Go on with issue NUMBER of NAME; what was deferred is tried again at once."""
    from publisher.flows.issuing import resume as go_on  # noqa: PLC0415 - brings SQLAlchemy along

    def led(store: Store) -> tuple[Issue, str]:
        found, again = go_on(store, name, number, _now(), held=held)
        return found, f"; {counted(again, 'doubtful message')} go again" if again else ""

    return _led(folder, name, led, "goes on", quiet=quiet)


@digest.command(short_help="Stop an issue.")
@click.argument("name")
@number_argument
@click.option("--drop", is_flag=True, help="Its entries are given up; else they come with the next issue.")
@site_option
@quiet_option
def cancel(name: str, number: int, folder: Path, *, drop: bool, quiet: bool) -> None:
    """Stop issue NUMBER of NAME: what has not left does not leave."""
    from publisher.flows.issuing import cancel as stop  # noqa: PLC0415 - brings SQLAlchemy along

    settings = _settings(folder, name)
    with closing(_store(folder, settings)) as store:
        found, stopped = stop(store, name, number, _now(), drop=drop)
    if not quiet:
        rest = "its entries are given up" if drop else "its entries come with the next issue"
        click.echo(f"{found.title}, issue {number} is cancelled: {counted(stopped, 'message')} stopped, {rest}.")


@digest.command(short_help="Keep an issue out of the archive.")
@click.argument("name")
@number_argument
@click.option("--off", is_flag=True, help="Let it into the archive again.")
@site_option
@quiet_option
def private(name: str, number: int, folder: Path, *, off: bool, quiet: bool) -> None:
    """Keep issue NUMBER of NAME out of the archive and its feed. Who got it by mail keeps it."""
    from publisher.flows.archive import find_archived, set_private  # noqa: PLC0415 - brings SQLAlchemy along

    settings = _settings(folder, name)
    with closing(_store(folder, settings)) as store:
        found = set_private(store, name, number, not off)
    if not quiet:
        click.echo(private_line(found, archived=find_archived(settings, name) is not None))


# What commands share


def engine_name() -> str:
    """Name this process in the ledger."""
    return secrets.token_hex(6)


def _now() -> datetime:
    return datetime.now(UTC)


def _settings(folder: Path, name: str = "") -> Settings:
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.newness import find_digest  # noqa: PLC0415 - brings SQLAlchemy along

    settings = load(folder)
    if name:
        find_digest(settings, name)
    return settings


def _follow(folder: Path, name: str) -> None:
    """Look at the feed that a digest follows, as its author asks for it now."""
    settings = _settings(folder, name)
    url = next(one.feed for one in settings.digests if one.name == name)
    if not url:
        return
    from datetime import timedelta  # noqa: PLC0415 - few digests follow a feed

    from publisher.flows.following import follow  # noqa: PLC0415 - as above

    with closing(_store(folder, settings)) as store:
        tell(follow(store, settings, url, _now(), fresh=timedelta(0)))


def _occasion(folder: Path, name: str, cadence: str, *, peek: bool = False) -> Occasion:
    from publisher.flows.digest import Occasion  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.newness import find_cadence, find_digest  # noqa: PLC0415 - as above
    from publisher.flows.reading import read_items  # noqa: PLC0415 - reads every post

    settings, now = _settings(folder, name), _now()
    found = find_digest(settings, name)
    pace = find_cadence(found, cadence)
    return Occasion(settings, found, pace, folder, read_items(folder, settings, now, peek=peek), now)


def _site(folder: Path, settings: Settings) -> Any:
    from publisher.flows.reading import read_items  # noqa: PLC0415 - reads every post
    from publisher.flows.schedule import Site  # noqa: PLC0415 - brings SQLAlchemy along

    return Site(folder, settings, lambda now: read_items(folder, settings, now))


def _store(folder: Path, settings: Settings) -> Store:
    from publisher.store.database import open_store  # noqa: PLC0415 - brings SQLAlchemy along

    return open_store(settings.store_url, folder)


def _transport(settings: Settings, folder: Path) -> Transport:
    import os  # noqa: PLC0415 - for the password alone

    from publisher.mail.transports import transport  # noqa: PLC0415 - only sending needs it

    return transport(settings.mail.transport, folder, os.environ.get("PUBLISHER_SMTP_PASSWORD", ""))


def _looked(folder: Path, name: str, look: Callable[[Store], Seen]) -> Seen | None:
    """What a store shows, if there is one; nothing is made."""
    from publisher.store.database import open_to_read  # noqa: PLC0415 - brings SQLAlchemy along

    store = open_to_read(_settings(folder, name).store_url, folder)
    if store is None:
        return None
    with closing(store):
        return look(store)


def _led(folder: Path, name: str, lead: Callable[[Store], tuple[Issue, str]], what: str, *, quiet: bool) -> int:
    """Lead an issue to a state and deliver what can be delivered then."""
    settings = _settings(folder, name)
    with closing(_store(folder, settings)) as store:
        found, more = lead(store)
        if not quiet:
            click.echo(f"{found.title}, issue {found.number} {what}{more}.")
        delivery, where = _deliver(store, settings, folder)
    if not quiet:
        for line in delivery_lines(delivery, where):
            click.echo(line)
    return _code(delivery)


def _deliver(store: Store, settings: Settings, folder: Path) -> tuple[Delivery, str]:
    from publisher.flows.deliver import deliver  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.schedule import terms_of  # noqa: PLC0415 - as above

    outbox = _transport(settings, folder)
    with stoppable():
        return deliver(store, outbox, engine_name(), _now, terms_of(settings)), outbox.where


def _code(*deliveries: Delivery) -> int:
    """4 where the relay could not be reached or an issue was stopped, else 0."""
    from publisher.model.issue import IssueState  # noqa: PLC0415 - known to whoever delivered

    stopped = any(each.issue.state is IssueState.PAUSED for one in deliveries for each in one.worked_on)
    return 4 if stopped or any(one.trouble for one in deliveries) else 0


def _agrees(occasion: Occasion, plan: Plan) -> bool:
    odd = f" Beware: {plan.suspicion}." if plan.suspicion else ""
    question = f"Send {issue_line(occasion.digest.title, plan.number, plan.entries, plan.readers)}?{odd}"
    return click.confirm(question, err=True)
