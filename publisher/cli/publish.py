"""`publish`: what was done is said in one line for each thing that matters."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from publisher.cli.common import answer, counted, json_option, quiet_option, site_option, tell
from publisher.cli.progress import progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.flows.report import Options, Report

_GARBAGE = 200_000  # objects: a run keeps nearly all it makes, and looking for what it does not costs a tenth of it
_NAMED = 5  # files or posts that are named before the rest are counted


@click.command(help="Turn posts into feeds and pages. Only what differs is written.")
@click.option("--dry-run", is_flag=True, help="Say what would change and why; write nothing.")
@click.option(
    "--full", is_flag=True, help="Trust no cache: read and render everything anew (the bytes come out the same)."
)
@click.option("--strict", is_flag=True, help="End with exit code 1 on warnings too.")
@click.option("--watch", is_flag=True, help="Go on publishing whenever a file changes, until Ctrl-C.")
@json_option
@quiet_option
@site_option
def publish(folder: Path, quiet: bool, dry_run: bool, full: bool, strict: bool, watch: bool, as_json: bool) -> int:
    """One run, or with --watch one after each change."""
    from publisher.flows.report import Options  # noqa: PLC0415 - `--help` does without

    options = Options(full=full, dry_run=dry_run)
    if watch:
        return _watch(folder.absolute(), options, quiet=quiet, as_json=as_json, strict=strict)
    return _once(folder.absolute(), options, quiet=quiet, as_json=as_json, strict=strict)


def _once(site: Path, options: Options, *, quiet: bool, as_json: bool, strict: bool) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415 - `--help` does without

    from publisher.config import load  # noqa: PLC0415 - as above
    from publisher.flows.publish import publish as story  # noqa: PLC0415 - as above
    from publisher.flows.report import Listener  # noqa: PLC0415 - as above

    gc.set_threshold(_GARBAGE)
    settings = load(site)
    with progress_bar(shown=not quiet and not as_json) as progress:
        listener = Listener(progress, lambda problem: tell(() if as_json else (problem,)))
        report = story(site, settings, datetime.now(UTC), options, listener)
    if as_json:
        answer(_as_json(report))
    else:
        tell(report.problems)
        if not quiet:
            for line in _lines(report):
                click.echo(line)
    return 1 if report.refused or (strict and report.warned) else 0


def _watch(site: Path, options: Options, *, quiet: bool, as_json: bool, strict: bool) -> int:
    from publisher.errors import PublisherError  # noqa: PLC0415 - `--help` does without
    from publisher.flows.watch import changes  # noqa: PLC0415 - as above

    code = 0
    with suppress(KeyboardInterrupt):  # the one way to end it, and so no failure
        for _ in changes(site):
            try:
                code = _once(site, options, quiet=quiet, as_json=as_json, strict=strict)
            except PublisherError as fault:  # the author mends it and saves again
                click.echo(str(fault), err=True)
                code = fault.exit_code
    return code


def _lines(report: Report) -> Iterator[str]:
    would = "would be " if report.dry_run else ""
    yield from report.reasons[:_NAMED]
    if len(report.reasons) > _NAMED:
        yield f"… and {len(report.reasons) - _NAMED} more posts"
    for what, names in (("written", report.new), ("changed", report.changed), ("removed", report.removed)):
        if names:
            yield f"{counted(len(names), 'file')} {would}{what}: {_some(names)}"
    if report.pinged:
        yield f"hubs told of {counted(len(report.pinged), 'feed')}"
    state = "would be in" if report.dry_run else "in"
    yield (
        f"{counted(report.posts, 'post')} and {counted(report.feeds, 'feed')} {state} {report.output}/"
        + (f", {report.unchanged} files unchanged" if report.unchanged else "")
    )


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _as_json(report: Report) -> dict[str, object]:
    return {
        "posts": report.posts,
        "standing_pages": report.standing,
        "feeds": report.feeds,
        "new": report.new,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "reasons": report.reasons,
        "skipped": dict(report.skipped),
        "unpublished": report.unpublished,
        "problems": [one.as_dict() for one in report.problems],
        "pinged": report.pinged,
        "output": report.output,
        "dry_run": report.dry_run,
    }


@click.command(help="Tell the hubs of feeds that stand at their public addresses, after a deploy.")
@quiet_option
@site_option
def ping(folder: Path, quiet: bool) -> int:
    """For output that is deployed after publish, which then cannot know when readers get it."""
    from publisher.config import load  # noqa: PLC0415 - `--help` does without
    from publisher.flows.ping import ping as story  # noqa: PLC0415 - as above

    site = folder.absolute()
    told = story(site, load(site))
    tell(told.problems)
    if not quiet:
        click.echo(f"hubs told of {counted(len(told.topics), 'feed')}")
    return 1 if told.problems else 0
