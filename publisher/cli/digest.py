"""``publisher digest``: look at the next issue, and send it."""

from __future__ import annotations

import secrets
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.flows.deliver import Delivery, Progress
    from publisher.flows.digest import Occasion
    from publisher.flows.newness import Plan
    from publisher.flows.send import Sent

cadence_option = click.option(
    "--cadence", default="", metavar="NAME", help="The pace to send, where the digest has several."
)


@click.group()
def digest() -> None:
    """Preview and send email digests of what is new."""


@digest.command(short_help="Write what a new reader would get to preview/.")
@click.argument("name")
@click.option("--open", "in_browser", is_flag=True, help="Open the page in the browser.")
@cadence_option
@site_option
@quiet_option
def preview(name: str, cadence: str, folder: Path, *, in_browser: bool, quiet: bool) -> None:
    """Write what a new reader of NAME would get to preview/, as HTML and text. Nothing is sent."""
    from publisher.flows.digest import preview as write_preview  # noqa: PLC0415 - brings SQLAlchemy along

    shown = write_preview(_occasion(folder, name, cadence))
    if not quiet:
        tell(shown.said)
        what = counted(shown.entries, "entry", "entries")
        click.echo(f"Subject: {shown.subject}")
        click.echo(f"Holds {what}." if shown.fresh else f"Nothing is new; the newest {what} stand in.")
        click.echo(f"{shown.html}\n{shown.text}")
    if in_browser:
        click.launch(shown.html.absolute().as_uri())


@digest.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Send without asking.")
@cadence_option
@site_option
@quiet_option
@json_option
def send(name: str, cadence: str, folder: Path, *, yes: bool, quiet: bool, as_json: bool) -> None:
    """Send what is new to the readers of NAME. Run again, nobody gets anything twice."""
    from publisher.flows.send import send as mail_out  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.mail.transports import transport  # noqa: PLC0415 - as above
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    occasion = _occasion(folder, name, cadence)
    outbox = transport(occasion.settings.mail.transport, folder)
    asking = sys.stdin.isatty() and not yes
    with closing(open_store(occasion.settings.store_url, folder)) as store:
        sent = mail_out(
            store,
            occasion,
            outbox,
            lambda: datetime.now(UTC),
            engine=secrets.token_hex(6),
            agree=lambda plan: not asking or _agrees(occasion, plan),
        )
    if as_json:
        answer(_as_json(occasion, sent, outbox.where))
    elif not quiet:
        tell((*sent.outlook.said, *(sent.drafted.said if sent.drafted else ())))
        for line in _lines(occasion, sent, outbox.where):
            click.echo(line)


def _occasion(folder: Path, name: str, cadence: str) -> Occasion:
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.digest import Occasion  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.flows.newness import find_cadence, find_digest  # noqa: PLC0415 - as above
    from publisher.flows.reading import read_items  # noqa: PLC0415 - reads every post

    settings, now = load(folder), datetime.now(UTC)
    found = find_digest(settings, name)
    pace = find_cadence(found, cadence)
    return Occasion(settings, found, pace, folder, read_items(folder, settings, now), now)


def _agrees(occasion: Occasion, plan: Plan) -> bool:
    question = f"Send {_issue_line(occasion.digest.title, plan.number, plan.entries, plan.readers)}?"
    return click.confirm(question, err=True)


def _lines(occasion: Occasion, sent: Sent, where: str) -> list[str]:
    lines = [
        f"{each.issue.title}, issue {each.issue.number}, was unfinished: {_progress_line(each, where)}"
        for each in sent.unfinished.worked_on
    ]
    if sent.drafted is None:
        return [*lines, _nothing(occasion, sent)]
    made = sent.drafted
    lines.append(f"{_issue_line(occasion.digest.title, made.number, made.entries, made.readers)}.")
    if sent.progress is not None:
        lines.append(_progress_line(sent.progress, where))
    elif sent.delivery.elsewhere:
        lines.append("Another run is delivering from this store and takes these messages along.")
    return lines


def _nothing(occasion: Occasion, sent: Sent) -> str:
    title = occasion.digest.title
    if sent.outlook.plan.variants:
        return f"{title}: not sent."
    if not sent.outlook.plan.subscribed:
        return (
            f"{title}: nobody subscribes ({occasion.cadence}), nothing sent.\n"
            f"  publisher subscribers add ADDRESS --digest {occasion.digest.name}"
        )
    return f"{title}: nothing new, nothing sent."


def _issue_line(title: str, number: int, entries: int, readers: int) -> str:
    what, whom = counted(entries, "entry", "entries"), counted(readers, "reader")
    return f"{title}, issue {number}: {what} to {whom}"


def _progress_line(progress: Progress, where: str) -> str:
    counts = {state.value: count for state, count in progress.counts.items()}
    sent = counted(counts.pop("sent", 0), "message")
    rest = "".join(f", {count} {state}" for state, count in sorted(counts.items()))
    return f"{sent} sent to {where}{rest}."


def _as_json(occasion: Occasion, sent: Sent, where: str) -> dict[str, Any]:
    made = sent.drafted
    return {
        "digest": occasion.digest.name,
        "cadence": occasion.cadence,
        "issue": made.number if made else None,
        "entries": made.entries if made else 0,
        "readers": made.readers if made else 0,
        "transport": where,
        "delivered": _deliveries(sent.delivery),
        "finished": _deliveries(sent.unfinished),
        "elsewhere": sent.delivery.elsewhere or sent.unfinished.elsewhere,
        "said": [str(problem) for problem in (*sent.outlook.said, *(made.said if made else ()))],
    }


def _deliveries(delivery: Delivery) -> list[dict[str, Any]]:
    return [
        {
            "digest": each.issue.digest,
            "issue": each.issue.number,
            **{state.value: count for state, count in each.counts.items()},
        }
        for each in delivery.worked_on
    ]
