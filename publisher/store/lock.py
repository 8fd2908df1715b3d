"""Locks on files beside the store, given back by the kernel when a process dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from publisher.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


def engine_lock(database: Path) -> AbstractContextManager[bool]:
    """Be the one engine of an SQLite store; False, at once, when another process is."""
    return _lock(database.with_name(database.name + "-engine"))


def clock_lock(folder: Path, store: str) -> AbstractContextManager[bool]:
    """Be the one clock of a store on this machine; False, at once, when another process is."""
    return _lock(folder / f"mailing-clock-{store[:12]}")


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise StoreError(
            f"the lock {path} cannot be opened: {fault.strerror}",
            "Make the folder of the mailing store writable for this user.",
        ) from fault
    try:
        yield _take(descriptor)
    finally:
        os.close(descriptor)  # which gives the lock back


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
