"""`init` and `new`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from publisher.cli.common import counted, quiet_option, site_option


@click.command(help="Make a new site in DIR that publishes at once.")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@quiet_option
def init(directory: Path, quiet: bool) -> int:
    """Nothing that stands in DIR is overwritten."""
    from publisher.flows.init import init as story  # noqa: PLC0415 - `--help` does without

    done = story(directory.absolute())
    if not quiet:
        click.echo(f"A new site in {directory}: {counted(len(done.made), 'file')}, config.toml the first to read.")
        for name in done.kept:
            click.echo(f"{name} was there and is kept")
        click.echo(f"Next: cd {directory} && publish" if os.fspath(directory) != "." else "Next: publish")
    return 0


@click.command(help="Begin a new post, in the dialect that the site's posts use.")
@click.argument("title", metavar="TITLE", nargs=-1, required=True)
@quiet_option
@site_option
def new(title: tuple[str, ...], folder: Path, quiet: bool) -> int:
    """The post is a draft until its author says otherwise."""
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` does without

    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.flows.new import new as story  # noqa: PLC0415 - as above

    path = story(folder.absolute(), load(folder), " ".join(title), datetime.now(UTC))
    click.echo(path if quiet else f"{path} is begun; take draft out of it when it is to be published.")
    return 0
