"""`check`: what is wrong, where, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell
from publisher.cli.progress import progress_bar

if TYPE_CHECKING:
    from pathlib import Path


@click.command(help="Look for faults in config, posts, links and feeds, and for secrets in git. Changes nothing.")
@click.option("--strict", is_flag=True, help="End with exit code 1 on warnings too.")
@json_option
@quiet_option
@site_option
def check(folder: Path, strict: bool, as_json: bool, quiet: bool) -> int:
    """Everything `publish` would say of the whole site, and each feed against its specification."""
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
