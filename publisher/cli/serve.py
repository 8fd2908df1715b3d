"""``publisher serve``: the clock and the delivery in one process that stays."""

from __future__ import annotations

import os
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from publisher.cli.common import quiet_option, site_option, stoppable, tell

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.flows.schedule import Passed


@click.command(help="Send digests when they are due, until it is stopped (Ctrl-C, SIGTERM).")
@site_option
@quiet_option
def serve(folder: Path, quiet: bool) -> None:
    """Wake whenever something is due; config, posts and templates are read anew each time."""
    from publisher.config import load  # noqa: PLC0415 - help must not wait for it
    from publisher.engine.clock import Clock  # noqa: PLC0415 - as above
    from publisher.errors import PublisherError  # noqa: PLC0415 - as above
    from publisher.flows.schedule import next_moment  # noqa: PLC0415 - brings SQLAlchemy along
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    site = folder.absolute()
    load(site)  # what is wrong with it is said at once

    def wake() -> datetime | None:
        try:
            settings = load(site)
            with closing(open_store(settings.store_url, site)) as store:
                _say(*_pass(site), quiet=quiet)
                return next_moment(store, settings, datetime.now(UTC))
        except PublisherError as fault:  # told, and tried again: what is wrong may be mended meanwhile
            click.echo(f"error: {fault}", err=True)
            return None

    clock = Clock(wake)

    if not quiet:
        click.echo("Waiting for what is due. Ctrl-C ends it.")
    with stoppable():
        clock.start()
        try:
            clock.wait()
        except KeyboardInterrupt:
            if not quiet:
                click.echo("Finishing what is under way …")
        finally:
            clock.stop()


def _pass(site: Path) -> tuple[Passed, str]:
    from publisher.cli.digest import engine_name  # noqa: PLC0415 - help must not wait for it
    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.flows.reading import read_items  # noqa: PLC0415 - as above
    from publisher.flows.schedule import Site, run_due  # noqa: PLC0415 - as above
    from publisher.mail.transports import transport  # noqa: PLC0415 - as above
    from publisher.store.database import open_store  # noqa: PLC0415 - as above

    settings = load(site)
    outbox = transport(settings.mail.transport, site, os.environ.get("PUBLISHER_SMTP_PASSWORD", ""))
    with closing(open_store(settings.store_url, site)) as store:
        work = Site(site, settings, lambda now: read_items(site, settings, now))
        return run_due(store, work, outbox, engine_name(), lambda: datetime.now(UTC)), outbox.where


def _say(passed: Passed, where: str, *, quiet: bool) -> None:
    from publisher.cli.digest_words import passed_lines  # noqa: PLC0415 - as above

    tell(passed.said)
    if not quiet and not passed.elsewhere:
        for line in passed_lines(passed, where):
            click.echo(line)
