"""Wait for a file of the site to change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from publisher.config import load
from publisher.errors import PublisherError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def changes(folder: Path) -> Iterator[None]:
    """Yield at once, and then after each change of a post, static file, template, config.toml or ids.toml."""
    from watchfiles import watch  # noqa: PLC0415 - only --watch needs it

    yield
    for batch in watch(folder, watch_filter=None, debounce=300, raise_interrupt=True):
        output = _output(folder)
        if any(_matters(folder, path, output) for _, path in batch):
            yield


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
