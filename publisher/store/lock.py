"""One engine a store: a lock on a file beside the database, given back by the kernel when a process dies."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from publisher.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def engine_lock(database: Path) -> Iterator[bool]:
    """Hold the lock for the block; yields False, at once, when another process holds it."""
    path = database.with_name(database.name + "-engine")
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
