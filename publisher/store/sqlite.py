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
    """``mode`` is SQLite's: rwc makes the file when it is missing, rw does not, ro never writes."""
    place = _Place(path)

    def connect() -> sqlite3.Connection:
        place.check()
        made = _connect(path, mode)
        place.keep()
        return made

    # Said, because a URL without a path would get one connection a thread, shared by transactions within each other.
    made = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=5, max_overflow=-1)
    event.listen(made, "begin", _begin)
    event.listen(made, "checkout", place.check)
    return made


class _Place:
    """The file that an engine's first connection opened; a process that stays must not write into one that is gone."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._inode: int | None = None

    def keep(self) -> None:
        """Know the file from now on."""
        if self._inode is None:
            self._inode = self._now()

    def check(self, *_: object) -> None:
        """Raise StoreError if the file is not the one that was opened."""
        if self._inode is not None and self._now() != self._inode:
            raise StoreError(
                f"the mailing store {self._path} was taken away, or another file put in its place, while it was open",
                "Stop every `publisher` that uses it, put the right file there, and start again.",
            )

    def _now(self) -> int | None:
        try:
            return os.stat(self._path).st_ino  # noqa: PTH116 - asked for each transaction
        except OSError:
            return None


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
