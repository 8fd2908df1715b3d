"""``publisher store``: the people's database, kept."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from publisher.cli.common import quiet_option, site_option

if TYPE_CHECKING:
    from publisher.model.settings import Settings
    from publisher.store.database import Store


@click.group()
def store() -> None:
    """Upgrade, back up and adopt the mailing store."""


@store.command()
@site_option
@quiet_option
def upgrade(folder: Path, *, quiet: bool) -> None:
    """Bring the store's tables to this version. Other commands do so by themselves when they open it."""
    settings = _settings(folder)
    with closing(_opened(folder, settings)) as opened:
        if not quiet:
            click.echo(f"{opened.name} is up to date.")


@store.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE")
@site_option
@quiet_option
def backup(target: Path, folder: Path, *, quiet: bool) -> None:
    """Copy the store into FILE, whole, while it is in use. Keep keys.toml with it."""
    from publisher.flows.keeping import back_up  # noqa: PLC0415 - brings SQLAlchemy along

    with closing(_opened(folder, _settings(folder))) as opened:
        back_up(opened, target)
    if not quiet:
        click.echo(f"{target} holds the store. Keep keys.toml with it.")


@store.command()
@click.option(
    "--keep-pending", is_flag=True, help="What was new to readers stays new: the other copy has sent nothing."
)
@click.option("--yes", is_flag=True, help="Adopt without asking.")
@site_option
@quiet_option
def adopt(folder: Path, *, keep_pending: bool, yes: bool, quiet: bool) -> None:
    """Make this copy of the store the one that sends. The other copy must never send again."""
    from publisher.flows.keeping import adopt as take_over  # noqa: PLC0415 - brings SQLAlchemy along

    settings = _settings(folder)
    if not yes:
        click.confirm("Is this copy to send from now on, and no other?", abort=True, err=True)
    with closing(_opened(folder, settings)) as opened:
        done = take_over(opened, settings, datetime.now(UTC), keep_pending=keep_pending)
    if quiet:
        return
    click.echo("This store sends from here now.")
    for issue in done.held:
        click.echo(f"{issue.title}, issue {issue.number} is held: approve it, or cancel it if the other copy sent it.")
    if done.caught_up:
        click.echo("What was pending counts as given; readers get what is new from now on.")
    when = f"{done.last_consent:%Y-%m-%d %H:%M} UTC" if done.last_consent else "its beginning"
    click.echo(f"Who subscribed or left after {when} is not known here: look into the other copy, if you can.")


def _settings(folder: Path) -> Settings:
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it

    return load(folder)


def _opened(folder: Path, settings: Settings) -> Store:
    from publisher.store.database import open_store  # noqa: PLC0415 - brings SQLAlchemy along

    return open_store(settings.store_url, folder)
