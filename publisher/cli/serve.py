"""``publisher serve``: feeds and pages, visitors, the clock and the delivery in one process that stays."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from publisher.cli.common import quiet_option, site_option, stoppable

if TYPE_CHECKING:
    from pathlib import Path


@click.command(help="Serve feeds, pages and subscribers, and publish and send what is due, until Ctrl-C or SIGTERM.")
@click.option("--no-clock", is_flag=True, help="Leave publishing, drafting and sending to cron or another machine.")
@click.option("--watch", is_flag=True, help="Publish whenever a post, template or config.toml is saved.")
@site_option
@quiet_option
def serve(folder: Path, quiet: bool, no_clock: bool, watch: bool) -> None:
    """Config, posts and templates are read anew whenever they are needed; host and port are not."""
    from publisher.app import Server  # noqa: PLC0415 - help must not wait for it
    from publisher.cli.digest_words import passed_lines  # noqa: PLC0415 - as above
    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.logs import Log  # noqa: PLC0415 - as above

    site = folder.absolute()
    log = Log(_write, load(site).web.logs, quiet=quiet)
    server = Server(site, os.environ, log, passed_lines, clock=not no_clock, watch=watch)
    with stoppable():  # until the server itself listens for signals, and after it
        try:
            server.run()
        except KeyboardInterrupt:
            log.say("stop", "Stopped.")


def _write(line: str) -> None:
    with suppress(OSError):  # whoever reads the log may go away, or its disk be full: visitors come all the same
        click.echo(line)
