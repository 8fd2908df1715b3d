"""The commands by name. Each is imported when it is called; a listing imports none of them."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import click

from publisher import __version__
from publisher.errors import ConfigError, PublisherError

COMMANDS = {
    "publish": ("publisher.cli.publish:publish", "Turn posts into feeds and pages; writes only what differs."),
    "init": ("publisher.cli.site:init", "Make a new site that publishes at once."),
    "new": ("publisher.cli.site:new", "Begin a new post."),
    "check": ("publisher.cli.check:check", "Look for faults in config, posts, links and feeds; changes nothing."),
    "ping": ("publisher.cli.publish:ping", "Tell the hubs of feeds that a deploy has put in place."),
    "digest": ("publisher.cli.digest:digest", "Preview, draft and send the email digest of what is new."),
    "subscribers": ("publisher.cli.subscribers:subscribers", "Add, list and move the people who get a digest."),
    "serve": ("publisher.cli.serve:serve", "Serve feeds, pages and subscribers; publish and send what is due."),
    "status": ("publisher.cli.status:status", "Tell what is due, under way, deferred, doubtful and held."),
    "store": ("publisher.cli.store:store", "Upgrade, back up and adopt the mailing store."),
}


class Commands(click.Group):
    """A group that knows its commands by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Every name, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """List the commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say which one was meant."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in COMMANDS:
            from difflib import get_close_matches  # noqa: PLC0415 - only a slip needs it

            close = get_close_matches(name, COMMANDS, 1)
            hint = f" Did you mean {close[0]}?" if close else " Known: " + ", ".join(COMMANDS) + "."
            ctx.fail(f"there is no command {name!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Markdown posts become RSS, Atom and JSON feeds, plain pages and an email digest.",
)
@click.version_option(__version__, prog_name="publisher")
def root() -> None:
    """Everything else is a subcommand."""


def invoke(arguments: list[str]) -> int:
    """Run a command. What a user can cause ends in a message and an exit code, never in a traceback."""
    name = "publisher"
    if arguments[:1] == ["publish"] and os.path.basename(sys.argv[0]) == "publish":
        name = "publish"
    try:
        result = (
            _command("publish").main(arguments[1:], name, standalone_mode=False)
            if name == "publish"
            else root.main(arguments, name, standalone_mode=False)
        )
    except click.ClickException as fault:
        fault.show()
        return fault.exit_code
    except click.Abort:
        click.echo("Stopped; nothing further was done.", err=True)
        return 130
    except ConfigError as fault:
        for problem in fault.problems:
            click.echo(str(problem), err=True)
        return fault.exit_code
    except PublisherError as fault:
        click.echo(f"error: {fault}", err=True)
        return fault.exit_code
    except KeyboardInterrupt:
        click.echo("Stopped. What was published before is still in place.", err=True)
        return 130
    return result if isinstance(result, int) else 0


def _command(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command
