"""`init` and `new`."""

from __future__ import annotations

import os
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell
from publisher.cli.progress import progress_bar
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.flows.moving import Adopted


@click.command(help="Make a new site in DIR that publishes at once, or one that adopts a running site.")
@click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--from",
    "places",
    multiple=True,
    metavar="FEED|DIR",
    help="Adopt what readers of a running site hold: its feed (file or address), its generator's checkout, or both.",
)
@click.option("--dry-run", is_flag=True, help="With --from: say what would be adopted, and write nothing.")
@json_option
@quiet_option
def init(directory: Path, places: tuple[str, ...], dry_run: bool, as_json: bool, quiet: bool) -> int:
    """Nothing that stands in DIR is overwritten."""
    if places:
        return _adopt(directory, places, dry_run=dry_run, as_json=as_json, quiet=quiet)
    if dry_run:
        raise UsageError("--dry-run belongs to --from", "say where the running site is: --from FEED|DIR")
    from publisher.flows.init import init as story  # noqa: PLC0415 - `--help` does without

    done = story(directory.absolute())
    if as_json:
        answer({"made": list(done.made), "kept": list(done.kept)})
    elif not quiet:
        click.echo(f"A new site in {directory}: {counted(len(done.made), 'file')}, config.toml the first to read.")
        for name in done.kept:
            click.echo(f"{name} was there and is kept")
        click.echo(f"Next: cd {directory} && publish" if os.fspath(directory) != "." else "Next: publish")
    return 0


SHOWN = 10  # items that are named; --json names all
_WIDE = 100  # characters of a title or an address that are shown


def _adopt(directory: Path, places: tuple[str, ...], *, dry_run: bool, as_json: bool, quiet: bool) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` does without

    from publisher.flows.moving import adopt as story  # noqa: PLC0415 - as above

    with progress_bar(shown=not quiet and not as_json) as progress:
        done = story(directory.absolute(), places, datetime.now(UTC), progress, dry_run=dry_run)
    if as_json:
        answer(_as_table(done))
        return 0
    tell(done.problems, quiet=quiet)
    if not quiet:
        _say(done, directory, places, dry_run=dry_run)
    return 0


def _as_table(done: Adopted) -> dict[str, Any]:
    named = {"items": done.items, "posts": done.posts}
    return {
        "generator": done.generator,
        "feeds": [
            {"place": one.place, "path": one.path, "format": one.feed.format.value, "entries": len(one.feed.items)}
            for one in done.feeds
        ],
        "matched": {how.value: number for how, number in done.matched.items()},
        "unmatched": {
            what: [{"title": one.title, "where": one.where, "remedy": one.remedy} for one in found]
            for what, found in named.items()
        },
        "problems": [problem.as_dict() for problem in done.problems],
        "made": list(done.made),
        "kept": list(done.kept),
    }


def _say(done: Adopted, directory: Path, places: tuple[str, ...], *, dry_run: bool) -> None:
    for one in done.feeds:
        click.echo(f"{one.place}: {one.feed.format.label}, {counted(len(one.feed.items), 'entry', 'entries')}")
    if done.generator:
        click.echo(f"a checkout of {done.generator.capitalize()}: its posts are read where they lie")
    told = ", ".join(f"{number} {how.value}" for how, number in done.matched.items() if number) or "none"
    click.echo(f"entries that are posts: {told}")
    for what, found in (
        ("of the feed without a post; their ids are kept", done.items),
        ("that readers would see as new", done.posts),
    ):
        if found:
            click.echo(f"{counted(len(found), 'entry', 'entries')} {what}:")
        for each in found[:SHOWN]:
            click.echo(f"  {_short(each.title)} | {_short(each.where)}\n    {each.remedy}")
        if len(found) > SHOWN:
            click.echo(f"  and {len(found) - SHOWN} more")
    if dry_run:
        click.echo("nothing was written")
        return
    click.echo(f"made in {directory}: {', '.join(done.made)}")
    feed = next((one.place for one in done.feeds), places[0])
    click.echo(f"Next: publisher check --site {quote(os.fspath(directory))} --against {quote(feed)}")


def _short(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[:_WIDE]}…"


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
