"""A progress bar for runs that last."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """Appears ``after`` seconds from its making, so that quick runs show none. Made anew for each run."""

    def __init__(self, after: float) -> None:
        self._start = time.monotonic() + after
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
        self._progress.refresh() if done == of else None

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
