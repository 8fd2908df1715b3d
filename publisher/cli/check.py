"""`check`: what is wrong, where, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell
from publisher.cli.progress import progress_bar

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.flows.against import Against


@click.command(help="Look for faults in config, posts, links and feeds, and for secrets in git. Changes nothing.")
@click.option("--strict", is_flag=True, help="End with exit code 1 on warnings too.")
@click.option(
    "--against",
    "places",
    multiple=True,
    metavar="FILE|URL",
    help="Compare with a feed that readers hold today: what would they notice? May be given several times.",
)
@json_option
@quiet_option
@site_option
def check(folder: Path, strict: bool, places: tuple[str, ...], as_json: bool, quiet: bool) -> int:
    """Everything `publish` would say of the whole site, and each feed against its specification."""
    if places:
        return _against(folder, places, strict=strict, as_json=as_json, quiet=quiet)
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` does without

    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.flows.check import check as story  # noqa: PLC0415 - as above
    from publisher.model.problem import Level  # noqa: PLC0415 - as above

    settings = load(folder)
    with progress_bar(shown=not quiet and not as_json) as progress:
        found = story(folder.absolute(), settings, datetime.now(UTC), progress)
    errors, warnings = found.count(Level.ERROR), found.count(Level.WARNING)
    if as_json:
        answer({"posts": found.posts, "feeds": found.feeds, "problems": [one.as_dict() for one in found.problems]})
    else:
        tell(found.problems)
        if not quiet:
            looked_at = f"{counted(found.posts, 'post')} and {counted(found.feeds, 'feed')}"
            click.echo(f"{looked_at} checked: {counted(errors, 'error')}, {counted(warnings, 'warning')}")
    return 1 if errors or (strict and warnings) else 0


SHOWN = 10  # entries of a kind that are named; --json names all


def _against(folder: Path, places: tuple[str, ...], *, strict: bool, as_json: bool, quiet: bool) -> int:
    """What readers would notice; 1 when it is something they should not, with ``strict`` also an update."""
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` does without

    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.flows.against import against as story  # noqa: PLC0415 - as above

    settings = load(folder)
    with progress_bar(shown=not quiet and not as_json) as progress:
        found = story(folder.absolute(), settings, datetime.now(UTC), places, progress)
    if as_json:
        answer([_as_table(one) for one in found])
    elif not quiet or any(one.is_noticed for one in found):
        for one in found:
            _say(one)
    updates = strict and any(one.findings for one in found)
    return 1 if updates or any(one.is_noticed for one in found) else 0


def _as_table(one: Against) -> dict[str, Any]:
    return {
        "place": one.place,
        "format": one.format,
        "path": one.path,
        "entries": {"today": one.theirs, "ours": one.ours},
        "noticed": one.is_noticed,
        "findings": [
            {
                "what": finding.what,
                "harm": finding.is_harm,
                "remedy": finding.remedy,
                "entries": [
                    {"title": named.title, "url": named.url, "detail": named.detail} for named in finding.entries
                ],
            }
            for finding in one.findings
        ],
        "problems": [problem.as_dict() for problem in one.problems],
    }


def _say(one: Against) -> None:
    click.echo(
        f"{one.place} ({one.format}, {counted(one.theirs, 'entry', 'entries')}) and our {one.path} ({one.ours}):"
    )
    tell(one.problems)
    for finding in one.findings:
        click.echo(f"  {len(finding.entries)}: {finding.what}")
        for named in finding.entries[:SHOWN]:
            click.echo("      " + " | ".join(filter(None, (named.title, named.url, named.detail))))
        if len(finding.entries) > SHOWN:
            click.echo(f"      and {len(finding.entries) - SHOWN} more")
        if finding.remedy:
            click.echo(f"    {finding.remedy}")
    if not one.is_noticed:
        click.echo("  readers would notice nothing that they should not")
