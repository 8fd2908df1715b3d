"""Opening the mailing store: one database, its settings for safety, and its faults in plain words."""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from publisher.errors import StoreError
from publisher.store import schema
from publisher.store.tables import identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 30  # drafting for many readers holds the writer for seconds
BEGIN = "publisher_begin"


@dataclass(frozen=True, slots=True)
class Store:
    """An open mailing store. ``id`` names it for ever; ``path`` is the SQLite file."""

    engine: Engine
    path: Path
    id: str

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that holds the writer from its start; commits unless something is raised."""
        with _plain_faults(str(self.path)), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees one state throughout."""
        reader = self.engine.execution_options(**{BEGIN: "DEFERRED"})
        with _plain_faults(str(self.path)), reader.begin() as connection:
            yield connection

    def close(self) -> None:
        """Give the file back."""
        self.engine.dispose()


def open_store(url: str, folder: Path) -> Store:
    """Open the store, making it when it is not there and bringing an older schema up to date.

    ``url`` is ``sqlite:///`` and a path, relative to ``folder``. Raises StoreError.
    """
    path = store_file(url, folder)
    with suppress(OSError):  # SQLite says better what is wrong with the place
        path.touch(0o600)  # people's addresses are nobody else's business
    engine = _engine(path, "rwc")
    try:
        with _plain_faults(str(path)):
            return Store(engine, path, _ready(engine, str(path)))
    except BaseException:
        engine.dispose()
        raise


def open_to_read(url: str, folder: Path) -> Store | None:
    """Open an existing store of this version without changing a byte of it; None when there is none."""
    path = store_file(url, folder)
    if not path.exists():
        return None
    engine = _engine(path, "ro")
    try:
        with _plain_faults(str(path)), engine.execution_options(**{BEGIN: "DEFERRED"}).begin() as connection:
            if schema.revision(connection, str(path)) == schema.HEAD:
                return Store(engine, path, connection.execute(select(identity.c.id)).scalar_one())
    except BaseException:
        engine.dispose()
        raise
    engine.dispose()
    return None


def store_file(url: str, folder: Path) -> Path:
    """Find the SQLite file that a store's URL names. Raises StoreError for any other URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as fault:
        raise _bad_url(url) from fault
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise _bad_url(parsed.render_as_string(hide_password=True))
    path = folder / parsed.database
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise StoreError(
            f"{path} is no file, and so no mailing store", "Move it away, or give [store] url another path."
        )
    return path


def _bad_url(url: str) -> StoreError:
    return StoreError(
        f"[store] url {url} is not a store that this version can open",
        'Write it as "sqlite:///mailing.sqlite3": three slashes and a path beside config.toml.',
    )


def _engine(path: Path, mode: str) -> Engine:
    """``mode`` is SQLite's: rwc makes the file when it is missing, ro never writes."""

    def connect() -> sqlite3.Connection:
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
            _settings(connection, mode)
        except BaseException:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite://", creator=connect)
    event.listen(engine, "begin", _begin)
    return engine


def _settings(connection: sqlite3.Connection, mode: str) -> None:
    if mode != "ro":
        connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get(BEGIN, "IMMEDIATE")
    connection.exec_driver_sql(f"BEGIN {kind}")


def _ready(engine: Engine, name: str) -> str:
    """Bring the schema up to date and return the store's id."""
    with engine.execution_options(**{BEGIN: "DEFERRED"}).begin() as connection:
        if schema.revision(connection, name) == schema.HEAD:
            return str(connection.execute(select(identity.c.id)).scalar_one())
    with engine.begin() as connection:
        if schema.revision(connection, name) != schema.HEAD:  # another process may have been quicker
            schema.upgrade(connection)
        return _identity(connection)


def _identity(connection: Connection) -> str:
    found = connection.execute(select(identity.c.id)).scalar_one_or_none()
    if found is not None:
        return str(found)
    made = uuid.uuid4().hex
    connection.execute(insert(identity).values(id=made, created=datetime.now(UTC)))
    return made


# What SQLite says, and what an author can do about it; the first that fits is told.
REMEDIES = (
    ("unable to open", "The folder must exist and be writable: SQLite keeps two more files beside it."),
    ("readonly", "Make the file and its folder writable for this user."),
    ("not a database", "Restore it from a backup, or move it away to begin with an empty store."),
    ("malformed", "Restore it from a backup; `sqlite3 FILE .recover` may save what is left."),
    ("locked", f"Another program has held it for {BUSY_SECONDS} seconds. Try again when it is done."),
    ("full", "Free some disk space and run the command again: nothing half-done was kept."),
    ("disk i/o", "The disk refused. Look at its health and free space, then run the command again."),
)


@contextmanager
def _plain_faults(name: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, sqlite3.Error) as fault:
        words = str(getattr(fault, "orig", None) or fault)
        remedy = next((told for sign, told in REMEDIES if sign in words.lower()), "")
        raise StoreError(f"the mailing store {name} could not be used: {words}", remedy) from fault
