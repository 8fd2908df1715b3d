"""The embedded database: SQLite in WAL mode, every commit on the disk before it returns."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import QueuePool, create_engine, event

from publisher.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 30  # drafting for many readers holds the writer for seconds
BEGIN = "publisher_begin"


def engine(path: Path, mode: str) -> Engine:
    """``mode`` is SQLite's: rwc makes the file when it is missing, ro never writes."""
    # Said, because a URL without a path would get one connection a thread, shared by transactions within each other.
    made = create_engine(
        "sqlite://", creator=lambda: _connect(path, mode), poolclass=QueuePool, pool_size=5, max_overflow=-1
    )
    event.listen(made, "begin", _begin)
    return made


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # isolation_level=None: the driver must not begin or commit by itself, or a failed
    # migration would leave half of its tables behind.
    connection = sqlite3.connect(
        f"file:{quote(os.fspath(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )
    try:
        if mode != "ro":
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA secure_delete=ON")  # who was erased leaves no bytes behind
    except BaseException:
        connection.close()
        raise
    return connection


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get(BEGIN, "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {kind}")


def back_up(path: Path, target: Path) -> None:
    """Copy a store as it stands into a file of its own, whole and consistent, whoever writes meanwhile.

    Raises StoreError where the file cannot be made.
    """
    partial = target.with_name(target.name + ".part")
    try:
        partial.unlink(missing_ok=True)
        partial.touch(0o600)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        partial.replace(target)
    except OSError as fault:
        raise StoreError(
            f"the backup {target} cannot be written: {fault.strerror}", "Make its folder writable and its name free."
        ) from fault
