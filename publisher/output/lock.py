"""One run at a time for a site: a lock that goes with the process that holds it.

A run holds it alone; whoever only looks at the output shares it, for a moment, and no run begins meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from publisher.errors import AlreadyRunning, OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_WORK = "another run of publish is at work here"  # what the error says, to whoever sees only its words
PATIENCE = 10.0  # seconds that a run waits for those who look; they take a tenth of one
_STEP = 0.005


@contextmanager
def held(path: Path, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock file at ``path`` alone. Raises AlreadyRunning at once if another run holds it."""
    try:
        os.makedirs(path.parent, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
    except OSError as fault:
        raise OutputError(
            f"{path} cannot be written: {fault.strerror}", "make the site's folder writable for you"
        ) from None
    try:
        if not _gets_alone(descriptor, patience):
            raise AlreadyRunning(
                f"{AT_WORK} (process {_holder(descriptor)})", "wait for it to end, then run this again"
            ) from None
        with suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)


@contextmanager
def still(path: Path) -> Iterator[bool]:
    """Keep runs from beginning while the block looks; False if one is at work. Never waits, never writes.

    Where there is no lock file no run has been yet: then nothing is held, and a run may begin.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        yield True
        return
    try:
        yield _gets(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _gets_alone(descriptor: int, patience: float) -> bool:
    """Whether the lock is ours now. One that can be shared is held by nobody but those who look."""
    deadline = time.monotonic() + patience
    while not _gets(descriptor, fcntl.LOCK_EX):
        if not _gets(descriptor, fcntl.LOCK_SH) or time.monotonic() > deadline:
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        time.sleep(_STEP)
    return True


def _gets(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _holder(descriptor: int) -> str:
    return os.read(descriptor, 20).decode("ascii", "replace") or "unknown"
