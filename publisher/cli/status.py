"""``publisher status``: how the mailing stands."""

from __future__ import annotations

from contextlib import closing, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from publisher.cli.common import answer, counted, json_option, site_option

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.flows.status import Status
    from publisher.model.followed import Followed


@click.command(help="Tell what is due, under way, deferred, doubtful and held. Changes nothing.")
@site_option
@json_option
def status(folder: Path, as_json: bool) -> int:
    """Everything that waits, and for whom."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.flows.status import status as look  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_to_read  # noqa: PLC0415 - as above

    settings = load(folder)
    store = open_to_read(settings.store_url, folder)
    with closing(store) if store else nullcontext():
        found = look(store, settings, datetime.now(UTC))
    if as_json:
        answer(_as_json(found))
    else:
        for line in _lines(found):
            click.echo(line)
    return 0 if found.home else 3


def _lines(found: Status) -> list[str]:
    from publisher.cli.digest_words import standing_line  # noqa: PLC0415 - only where words are wanted

    lines = []
    for due in found.due:
        when = f", next {due.next_slot:%Y-%m-%d %H:%M} UTC" if due.next_slot else ""
        lines.append(f"{due.digest} ({due.cadence}): {due.words}{when}, {counted(due.readers, 'reader')}")
    for (digest, cadence), count in found.stranded.items():
        said = f"{digest} ({cadence}): not in config.toml any more, nothing goes to {counted(count, 'reader')}"
        remedy = f'Give it a schedule in [digests.{digest}], cadences = {{ {cadence} = "…" }}, or move each reader:'
        lines += [said, f"  {remedy}", f"  publisher subscribers add ADDRESS --digest {digest} --cadence NAME"]
    lines += [_feed_line(one) for one in found.feeds]
    lines += [standing_line(one) for one in found.alive]
    waiting = {state.value: count for state, count in found.letters.items() if state.value != "sent"}
    if waiting:
        lines.append("letters: " + ", ".join(f"{count} {state}" for state, count in sorted(waiting.items())))
    if found.next_due:
        lines.append(f"The next message is due {found.next_due:%Y-%m-%d %H:%M:%S} UTC.")
    if not found.home:
        lines.append("This store is a copy, or was moved: it sends nothing until publisher store adopt.")
    return lines or ["No digest in config.toml, and nothing to send."]


def _feed_line(one: Followed) -> str:
    seen = f"last seen {one.fetched:%Y-%m-%d %H:%M} UTC" if one.fetched else "never seen"
    failing = f", failing since {one.failing:%Y-%m-%d %H:%M} UTC: {one.fault}" if one.failing else ""
    moved = f", now at {one.address}" if one.address != one.url else ""
    return f"{one.url}: {seen}{moved}{failing}, next look {one.due:%Y-%m-%d %H:%M} UTC"


def _as_json(found: Status) -> dict[str, Any]:
    return {
        "due": [
            {
                "digest": due.digest,
                "cadence": due.cadence,
                "schedule": due.words,
                "next_slot": due.next_slot.isoformat() if due.next_slot else None,
                "readers": due.readers,
            }
            for due in found.due
        ],
        "stranded": [
            {"digest": digest, "cadence": cadence, "readers": count}
            for (digest, cadence), count in found.stranded.items()
        ],
        "issues": [
            {
                "digest": one.issue.digest,
                "issue": one.issue.number,
                "state": one.issue.state.value,
                "reason": one.issue.reason,
                "deliveries": {state.value: count for state, count in one.counts.items()},
            }
            for one in found.alive
        ],
        "feeds": [
            {
                "url": one.url,
                "address": one.address,
                "fetched": one.fetched.isoformat() if one.fetched else None,
                "failing": one.failing.isoformat() if one.failing else None,
                "fault": one.fault,
                "due": one.due.isoformat(),
            }
            for one in found.feeds
        ],
        "letters": {state.value: count for state, count in found.letters.items()},
        "next_due": found.next_due.isoformat() if found.next_due else None,
        "home": found.home,
    }
