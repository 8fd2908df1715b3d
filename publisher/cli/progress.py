"""A progress bar for runs that last, on a terminal; silence elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress, TaskID


_AFTER = 0.5  # seconds before a bar appears: quick runs show none


@contextmanager
def progress_bar(*, shown: bool) -> Iterator[Callable[[str, int, int], None]]:
    """What to tell the progress of a run: (what, how many done, of how many)."""
    if not shown or not sys.stderr.isatty():
        yield _unwatched
        return
    bar = _Bar()
    try:
        yield bar.step
    finally:
        bar.close()


def _unwatched(_what: str, _done: int, _of: int) -> None:
    """Nobody watches."""


class _Bar:
    """The bar of one run."""

    def __init__(self) -> None:
        self._start = time.monotonic() + _AFTER
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def step(self, what: str, done: int, of: int) -> None:
        """Show how far ``what`` is."""
        if self._progress is None:
            if time.monotonic() < self._start:
                return
            self._progress = _started()
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=of)
        self._progress.update(self._tasks[what], completed=done, total=of)
        self._progress.refresh()

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()


def _started() -> Progress:
    from rich.console import Console  # noqa: PLC0415 - 80 ms, spent only when a run lasts
    from rich.progress import Progress  # noqa: PLC0415 - as above

    progress = Progress(console=Console(stderr=True), transient=True, auto_refresh=False)
    progress.start()
    return progress
