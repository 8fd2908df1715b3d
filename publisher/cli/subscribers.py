"""``publisher subscribers``: who gets which digest."""

from __future__ import annotations

import os
import sys
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell
from publisher.errors import UsageError
from publisher.rules.platforms import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from publisher.flows.consent import Confirmation
    from publisher.flows.importing import Imported
    from publisher.flows.letters import Desk
    from publisher.flows.subscribe import Enrolment, Page
    from publisher.model.entry import Item
    from publisher.model.problem import Problem
    from publisher.model.settings import Settings
    from publisher.model.subscriber import Subscription
    from publisher.tokens import Keys

PER_PAGE = 50
NOTES = 20  # lines of an import that are told though nothing is wrong with them
MOST_HEARD = 10_000  # lines of an import that a program hears of
MOST_SHOWN = 80  # characters of an address

digest_option = click.option("--digest", "digest", default="", metavar="NAME", help="Only this digest.")
matching_option = click.option("--matching", default="", metavar="TEXT", help="Only addresses that hold TEXT.")


@click.group()
def subscribers() -> None:
    """Add, list, import, export and remove the people who get a digest."""


@subscribers.command()
@click.argument("address")
@click.option("--digest", "digest", required=True, metavar="NAME", help="The digest they asked for.")
@click.option("--cadence", default="", metavar="NAME", help="Its pace, where the digest has several.")
@click.option("--ask", is_flag=True, help="Ask them by letter; they get nothing else before they have agreed.")
@site_option
@quiet_option
@json_option
def add(address: str, digest: str, cadence: str, folder: Path, *, ask: bool, quiet: bool, as_json: bool) -> int:
    """Add ADDRESS to a digest. By adding it you vouch that its owner asked for it, unless you --ask."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows import subscribe  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings, now = load(folder), datetime.now(UTC)
    wish = subscribe.Wish(address, digest, cadence)

    def items() -> Sequence[Item]:
        return _items(folder, settings, now)

    with closing(open_store(settings.store_url, folder)) as store:
        if ask:
            done = subscribe.ask(store, _desk(folder, settings), wish, items, now)
        else:
            done = subscribe.add(store, settings, wish, items, now, lambda: _keys(folder))
    if as_json:
        answer({"address": done.address, "digest": digest, "cadence": done.cadence, "change": done.change.value})
    elif not quiet:
        tell(done.said)
        click.echo(_sentence(done))
    return int(done.change is subscribe.Change.REFUSED)


@subscribers.command()
@click.argument("token")
@site_option
@quiet_option
@json_option
def confirm(token: str, folder: Path, *, quiet: bool, as_json: bool) -> int:
    """Confirm a subscription with the TOKEN of a letter that asked, as its owner sent it back by mail."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows import consent  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings, now = load(folder), datetime.now(UTC)
    with closing(open_store(settings.store_url, folder)) as store:
        done = consent.confirm(
            store,
            _desk(folder, settings),
            token.strip(),
            lambda: _items(folder, settings, now),
            now,
            evidence=consent.REPLIED,
        )
    if as_json:
        name = done.digest.name if done.digest else ""
        answer({"answer": done.answer.value, "address": done.address, "digest": name, "cadence": done.cadence})
    elif not quiet:
        tell(done.said)
        click.echo(_confirmed(done))
    return int(done.digest is None)


@subscribers.command(name="list")
@digest_option
@click.option("--state", type=click.Choice(["pending", "confirmed", "unsubscribed"]), help="Only this state.")
@click.option("--cadence", default="", metavar="NAME", help="Only this pace.")
@matching_option
@click.option("--page", type=click.IntRange(1), help="Which page.  [default: 1]")
@click.option("--per-page", type=click.IntRange(1), help=f"Lines on a page.  [default: {PER_PAGE}; JSON: all]")
@site_option
@json_option
def listing(
    digest: str,
    state: str | None,
    cadence: str,
    matching: str,
    page: int | None,
    per_page: int | None,
    folder: Path,
    *,
    as_json: bool,
) -> None:
    """List who gets what."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows import subscribe  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.model.subscriber import Choice, SubscriptionState  # noqa: PLC0415 - as above
    from publisher.store.database import open_to_read  # noqa: PLC0415 - as above

    settings = load(folder)
    _require_digest(settings, digest)
    whole = as_json and page is None and per_page is None
    size, number = 0 if whole else per_page or PER_PAGE, page or 1
    choice = Choice(digest, SubscriptionState(state) if state else None, cadence, matching)
    store = open_to_read(settings.store_url, folder)
    found = subscribe.Page((), 0)
    if store is not None:
        with closing(store):
            found = subscribe.page(store, choice, number, size)
    if as_json:
        answer([_as_dict(each) for each in found.subscriptions])
    else:
        _show(found, number, size)


@subscribers.command(name="import")
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--digest", "digest", default="", metavar="NAME", help="The digest they asked for, unless a column says it."
)
@click.option("--cadence", default="", metavar="NAME", help="Its pace, where the digest has several.")
@click.option(
    "--platform",
    default="",
    metavar="NAME",
    help=f"Whose lists they are: {', '.join(NAMES)}.  [default: told by their columns]",
)
@click.option("--ask", is_flag=True, help="Ask each of them by letter first.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@site_option
@quiet_option
@json_option
def import_(
    files: tuple[Path, ...],
    digest: str,
    cadence: str,
    platform: str,
    folder: Path,
    *,
    ask: bool,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Take in the people of lists: CSV, the JSON of an export, or the ZIP of a service; - is standard input.

    Lists of Mailchimp, Substack, Buttondown, listmonk and Ghost are known by their columns, with what they say of who
    left, never confirmed or cannot be mailed. By importing readers you vouch that they asked for it, unless you --ask.
    Who left here, was erased or is never to be mailed stays away. Doing it again changes nothing.
    """
    from publisher.cli.progress import progress_bar  # noqa: PLC0415 - help must not wait for it
    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.flows import importing  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_store, open_to_read  # noqa: PLC0415 - as above

    _require_platform(platform)
    settings, now = load(folder), datetime.now(UTC)
    teller = _Teller(quiet=quiet, collecting=as_json)
    opening = open_to_read if dry_run else open_store
    store = opening(settings.store_url, folder)
    with closing(store) if store is not None else nullcontext(), progress_bar(shown=not quiet) as progress:
        done = importing.import_people(
            store,
            _desk(folder, settings),
            files,
            importing.Terms(digest, cadence, ask=ask, dry_run=dry_run, platform=platform),
            lambda: _items(folder, settings, now),
            now,
            tell=teller.hear,
            progress=progress,
            stdin=sys.stdin.buffer if sys.stdin else None,
        )
    if as_json:
        answer(_import_answer(done, teller, dry_run=dry_run))
    elif not quiet:
        teller.end()
        tell(done.said)
        click.echo("\n".join(_import_told(done, dry_run=dry_run)))
    return int(done.refused > 0)


@subscribers.command()
@click.argument("file", default="-")
@digest_option
@matching_option
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@site_option
@quiet_option
def export(file: str, digest: str, matching: str, form: str, folder: Path, *, quiet: bool) -> None:
    """Write who gets what, and how they agreed, to FILE or to standard output. An import takes both formats again.

    What it cannot take along: the hashes of those who were erased, and how far each reader has read.
    """
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows import exporting  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.model.subscriber import Choice  # noqa: PLC0415 - as above
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings = load(folder)
    _require_digest(settings, digest)
    target = nullcontext(sys.stdout) if file == "-" else exporting.private_file(Path(file))
    with closing(open_store(settings.store_url, folder)) as store, target as text:
        count = exporting.export(store, Choice(digest, matching=matching), text, form)
    if file != "-" and not quiet:
        click.echo(f"{counted(count, 'line')} written to {file}, which its owner alone may read.")


@subscribers.command()
@click.argument("address")
@click.option("--digest", "digest", default="", metavar="NAME", help="Only from this digest, not from all.")
@site_option
@quiet_option
def remove(address: str, digest: str, folder: Path, *, quiet: bool) -> None:
    """Take ADDRESS off; what is not yet on its way is not sent."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.subscribe import remove as unsubscribe  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings = load(folder)
    _require_digest(settings, digest)
    with closing(open_store(settings.store_url, folder)) as store:
        ended = unsubscribe(store, address, digest, datetime.now(UTC))
    if not quiet:
        names = ", ".join(each.digest for each in ended)
        click.echo(f"{address} no longer gets {names}." if ended else f"{address} was on no list.")


@subscribers.command()
@click.argument("address")
@click.option("--yes", is_flag=True, help="Erase without asking.")
@site_option
@quiet_option
@json_option
def forget(address: str, folder: Path, *, yes: bool, quiet: bool, as_json: bool) -> None:
    """Erase everything that is known of ADDRESS. A hash stays, so that no import brings them back."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows import subscribe  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings = load(folder)
    if sys.stdin.isatty() and not yes:
        click.echo(f"What is known of them: publisher subscribers export --matching {address}", err=True)
        if not click.confirm(f"Erase {address}, for good?", err=True):
            return
    with closing(open_store(settings.store_url, folder)) as store:
        done = subscribe.forget(store, _keys(folder), address, datetime.now(UTC))
    if as_json:
        answer({"known": done.known, "digests": list(done.digests), "released": done.released})
    elif not quiet:
        click.echo(f"{address} is erased." if done.known else f"Nothing is known of {address}.")


def _desk(folder: Path, settings: Settings) -> Desk:
    from publisher.flows.letters import Desk  # noqa: PLC0415 - brings SQLAlchemy along

    return Desk(settings, folder, _keys(folder))  # which makes them where there are none


def _keys(folder: Path) -> Keys:
    from publisher.tokens import load_keys  # noqa: PLC0415 - most commands need none

    return load_keys(folder, os.environ, make=True)


def _items(folder: Path, settings: Settings, now: datetime) -> Sequence[Item]:
    from publisher.flows.reading import read_items  # noqa: PLC0415 - only a digest's first reader needs it

    return read_items(folder, settings, now)


def _require_digest(settings: Settings, name: str) -> None:
    from publisher.flows.newness import find_digest  # noqa: PLC0415 - brings SQLAlchemy along

    if name:
        find_digest(settings, name)


def _sentence(done: Enrolment) -> str:
    digest = f"{done.digest.title} ({done.cadence})"
    return {
        "added": f"{done.address} now gets {digest}, on your word that they asked for it.",
        "came back": f"{done.address} gets {digest} again, on your word that they asked for it.",
        "changed pace": f"{done.address} now gets {digest}.",
        "asked": f"A letter asks {done.address} whether they want {digest}; it leaves with the next delivery.",
        "asked a short while ago": f"{done.address} was asked a short while ago; no second letter is written.",
        "never to be mailed again": f"{done.address} is never to be mailed again; only they themselves can change it.",
    }.get(done.change.value, f"{done.address} gets {done.digest.title} already; nothing was changed.")


def _confirmed(done: Confirmation) -> str:
    if done.digest is None:
        return f"Nobody was confirmed: the token is {done.answer.value}."
    already = "already " if done.answer.value != "confirmed" else ""
    return f"{done.address} {already}gets {done.digest.title} ({done.cadence}), by their own word."


def _as_dict(each: Subscription) -> dict[str, Any]:
    return {"address": each.address, "digest": each.digest, "cadence": each.cadence, "state": each.state.value}


def _show(found: Page, number: int, size: int) -> None:
    width = max((len(each.address) for each in found.subscriptions), default=0)
    for each in found.subscriptions:
        click.echo(f"{each.address:<{width}}  {each.digest}  {each.cadence}  {each.state.value}")
    pages = -(-found.total // size)
    where = f", page {number} of {pages}" if pages > 1 else ""
    click.echo(f"{counted(found.total, 'subscription')}{where}.")


class _Teller:
    """Tells what is wrong with lines as they are read; of what is merely known already, a few."""

    def __init__(self, *, quiet: bool, collecting: bool) -> None:
        self._quiet, self._collecting = quiet, collecting
        self._notes = 0
        self.heard: list[Problem] = []
        self.more = 0

    def hear(self, problem: Problem) -> None:
        """Tell one, or keep it for a program."""
        if self._collecting:
            self._keep(problem)
            return
        if problem.level.value == "note":
            self._notes += 1
            if self._notes > NOTES or self._quiet:
                return
        tell((problem,))

    def _keep(self, problem: Problem) -> None:
        if len(self.heard) < MOST_HEARD:
            self.heard.append(problem)
        else:
            self.more += 1

    def end(self) -> None:
        """Say how many were kept back."""
        if self._notes > NOTES:
            click.echo(f"… and {self._notes - NOTES} more that are known already.", err=True)


def _require_platform(name: str) -> None:
    if name and name not in NAMES:
        raise UsageError(f"there is no platform named {name}", f"These are: {', '.join(NAMES)}.")


def _import_answer(done: Imported, teller: _Teller, *, dry_run: bool) -> dict[str, Any]:
    kinds = [
        {
            "fate": kind.fate.value,
            "reason": kind.reason,
            "count": kind.count,
            "first": [{"path": name, "line": line, "address": address} for name, line, address in kind.first],
        }
        for kind in done.kinds
    ]
    return {
        "counts": {fate.value: number for fate, number in done.counts.items()},
        "kinds": kinds,
        "lists": [{"path": name, "platform": platform} for name, platform in done.lists],
        "dry_run": dry_run,
        "lines": [each.as_dict() for each in teller.heard],
        "more_lines": teller.more,
        "said": [each.as_dict() for each in done.said],
    }


def _import_told(done: Imported, *, dry_run: bool) -> list[str]:
    """The answer to a person: whose lists these are, the sums, and for a dry run the first lines of each kind."""
    parts = [f"{number} {fate.value}" for fate, number in sorted(done.counts.items(), key=lambda each: each[0].name)]
    told = ", ".join(parts) or "no lines"
    lists = [f"{name} is {platform}'s." for name, platform in done.lists if platform]
    if not dry_run:
        return [*lists, f"Done: {told}."]
    return [*lists, f"Nothing was done; it would be: {told}.", *_examples(done)]


def _examples(done: Imported) -> list[str]:
    told = []
    for kind in sorted(done.kinds, key=lambda each: (each.fate.name, each.reason)):
        reason = f" ({kind.reason})" if kind.reason else ""
        told.append(f"  {kind.count} {kind.fate.value}{reason}, first:")
        told += [f"    {name}:{line}  {_shown(address)}" for name, line, address in kind.first]
    return told


def _shown(address: str) -> str:
    """What a list has for an address may be anything, a terminal's commands too."""
    text = "".join(sign if sign.isprintable() else "�" for sign in address)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
