"""Wait for a file of the site to change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from publisher.config import load
from publisher.errors import PublisherError
from publisher.flows import unchanged
from publisher.flows.publish import BUILD

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path


def changes(folder: Path, stop_event: threading.Event | None = None) -> Iterator[None]:
    """Yield at once, and then after each change of a post, static file, template or config.toml.

    Ends when ``stop_event`` is set, or with KeyboardInterrupt. Raises PublisherError where the folder cannot be
    watched.
    """
    from watchfiles import watch  # noqa: PLC0415 - only --watch needs it

    yield
    # The first second tells of nothing that changed while the first run was at work: that is looked up once.
    looked = False
    answered: float | None = None
    try:
        for batch in watch(
            folder, watch_filter=None, debounce=300, stop_event=stop_event, rust_timeout=250, yield_on_timeout=True
        ):
            output = _output(folder)
            missed = not looked and unchanged.check(os.fspath(folder / BUILD)) is None
            looked = True
            due = unchanged.fell_due(os.fspath(folder / BUILD))
            if missed or due not in {None, answered} or any(_matters(folder, path, output) for _, path in batch):
                answered = due  # once: a run that fails on it waits for the next change
                yield
    except (OSError, RuntimeError) as fault:
        raise PublisherError(
            f"{folder} cannot be watched: {fault}", "run publish by hand after each change, or allow more watches"
        ) from None


def _output(folder: Path) -> str:
    try:
        return load(folder).output.dir
    except PublisherError:  # the config is broken just now; mending it is a change that matters
        return "public"


def _matters(folder: Path, path: str, output: str) -> bool:
    relative = os.path.relpath(path, folder)
    first = relative.split(os.sep, 1)[0]
    ours = os.path.abspath(folder / output)
    return not (
        first.startswith((".", "mailing.sqlite3"))
        or first in {"outbox", "preview"}
        or relative == "ids.toml"
        or path == ours
        or path.startswith(ours + os.sep)
    )
