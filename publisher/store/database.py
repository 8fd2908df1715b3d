"""Opening the mailing store: one database, SQLite or PostgreSQL, and its faults in plain words.

Every transaction is one of three kinds. ``writing`` is alone: drafting and whatever moves subscriptions, cursors
or arrivals. ``turning`` records and claims deliveries, and on PostgreSQL several engines do so at once.
``reading`` sees one state and changes nothing.
"""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from publisher.errors import StoreError
from publisher.store import postgres, schema, sqlite
from publisher.store.tables import identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import URL, Connection, Engine


@dataclass(frozen=True, slots=True)
class Store:
    """An open mailing store. ``id`` names it for ever; ``path`` is the SQLite file, None on PostgreSQL.

    ``name`` is what messages call it, without a password. ``folder`` is where files beside it go.
    """

    engine: Engine
    name: str
    path: Path | None
    folder: Path
    id: str

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction that is the only one of its kind; commits unless something is raised."""
        with plain_faults(self.name), self.engine.begin() as connection:
            if self.path is None:
                connection.execute(text(postgres.ALONE))
            yield connection

    @contextmanager
    def turning(self) -> Iterator[Connection]:
        """One transaction on the ledger alone, beside which others may run."""
        with plain_faults(self.name), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees one state throughout."""
        reader = self.engine.execution_options(**_READING["sqlite" if self.path else "postgresql"])
        with plain_faults(self.name), reader.begin() as connection:
            yield connection

    def answers(self) -> bool:
        """Whether it can be read. Raises StoreError if not."""
        with self.reading() as connection:
            return bool(connection.execute(select(identity.c.id)).scalar_one() == self.id)

    def close(self) -> None:
        """Give the database back."""
        self.engine.dispose()


_READING: dict[str, dict[str, object]] = {
    "sqlite": {sqlite.BEGIN: "DEFERRED"},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


def open_store(url: str, folder: Path) -> Store:
    """Open the store, making it when it is not there and bringing an older schema up to date.

    ``url`` is ``sqlite:///`` and a path, relative to ``folder``, or ``postgresql://…``. Raises StoreError.
    """
    parsed = _parsed(url)
    if parsed.get_backend_name() == "postgresql":
        return _opened(postgres.engine(parsed), _shown(parsed), None, folder)
    path = store_file(url, folder)
    with suppress(OSError):  # SQLite says better what is wrong with the place
        path.touch(0o600)  # people's addresses are nobody else's business
    return _opened(sqlite.engine(path, "rw"), str(path), path, path.parent)


def _opened(engine: Engine, name: str, path: Path | None, folder: Path) -> Store:
    try:
        with plain_faults(name):
            return Store(engine, name, path, folder, _ready(engine, name, path))
    except BaseException:
        engine.dispose()
        raise


def open_to_read(url: str, folder: Path) -> Store | None:
    """Open an existing store of this version without changing a byte of it; None when there is none."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "postgresql":
        path, engine, name = None, postgres.engine(parsed), _shown(parsed)
    else:
        path = store_file(url, folder)
        if not path.exists():
            return None
        engine, name, folder = sqlite.engine(path, "ro"), str(path), path.parent
    looking = _READING["sqlite" if path else "postgresql"]
    try:
        with plain_faults(name), engine.execution_options(**looking).begin() as connection:
            if schema.revision(connection, name) == schema.HEAD:
                return Store(engine, name, path, folder, connection.execute(select(identity.c.id)).scalar_one())
    except BaseException:
        engine.dispose()
        raise
    engine.dispose()
    return None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as fault:  # the latter for a port that is no number
        raise _bad_url("") from fault
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise _bad_url(_shown(parsed))
    if "@" in (parsed.host or ""):  # part of a password, and not to be shown as a host
        raise StoreError(
            "[store] url has an @ too many",
            "Write an @ that belongs to the password as %40 (and / as %2F, % as %25).",
        )
    return parsed


def _shown(url: URL) -> str:
    """A URL without what may be secret: the password, and options, of which one may be the password again."""
    return url.set(query={}).render_as_string(hide_password=True)


def store_file(url: str, folder: Path) -> Path:
    """Find the SQLite file that a store's URL names. Raises StoreError for any other URL."""
    parsed = _parsed(url)
    # two slashes: what was meant as a folder would be a host, and be passed over
    if parsed.get_backend_name() != "sqlite" or parsed.host or parsed.database in {None, "", ":memory:"}:
        raise _bad_url(_shown(parsed))
    path = folder / str(parsed.database)
    if path.exists() and not path.is_file():  # a pipe would be waited for without end
        raise StoreError(
            f"{path} is no file, and so no mailing store", "Move it away, or give [store] url another path."
        )
    return path


def _bad_url(url: str) -> StoreError:
    return StoreError(
        f"[store] url {url} is not a store that this version can open".replace("  ", " "),
        'Write it as "sqlite:///mailing.sqlite3" (three slashes and a path beside config.toml), or as '
        '"postgresql://user@host/database".',
    )


def _ready(engine: Engine, name: str, path: Path | None) -> str:
    """Bring the schema up to date and return the store's id."""
    with engine.execution_options(**_READING["sqlite" if path else "postgresql"]).begin() as connection:
        if schema.revision(connection, name) == schema.HEAD:
            return str(connection.execute(select(identity.c.id)).scalar_one())
    with engine.begin() as connection:
        if path is None:
            connection.execute(text(postgres.ALONE))
        found = schema.revision(connection, name)  # again: another process may have been quicker
        if found != schema.HEAD:
            if path is not None and found != schema.NEW:
                sqlite.back_up(path, path.with_name(f"{path.name}.before-{schema.HEAD}"))
            schema.upgrade(connection)
        return _identity(connection)


def _identity(connection: Connection) -> str:
    found = connection.execute(select(identity.c.id)).scalar_one_or_none()
    if found is not None:
        return str(found)
    made = uuid.uuid4().hex
    connection.execute(insert(identity).values(id=made, created=datetime.now(UTC)))
    return made


# What databases say, and what an author can do about it; the first that fits is told.
REMEDIES = (
    ("unable to open", "The folder must exist and be writable: SQLite keeps two more files beside it."),
    ("readonly", "Make the file and its folder writable for this user."),
    ("not a database", "Restore it from a backup, or move it away to begin with an empty store."),
    ("malformed", "Restore it from a backup; `sqlite3 FILE .recover` may save what is left."),
    (
        "database is locked",
        f"Another program has held it for {sqlite.BUSY_SECONDS} seconds. Try again when it is done.",
    ),
    ("full", "Free some disk space and run the command again: nothing half-done was kept."),
    ("disk i/o", "The disk refused. Look at its health and free space, then run the command again."),
    ("password", "Put the whole address with its password into the environment variable PUBLISHER_STORE_URL."),
    ("does not exist", "Make the database and its role first (createdb, createuser), or mend [store] url."),
    ("permission denied", "Give this role the right to make tables in the database's public schema."),
    ("queuepool", "Too much is asked of the store at one time. Try again in a moment."),
    (
        "resolve host",
        "See that [store] url, or PUBLISHER_STORE_URL, spells the host right, and that its name is known.",
    ),
    ("connection", "See that PostgreSQL runs and that [store] url, or PUBLISHER_STORE_URL, names its host and port."),
)


@contextmanager
def plain_faults(name: str) -> Iterator[None]:
    """Turn what a database raises into a StoreError about the store ``name``."""
    try:
        yield
    except (DBAPIError, sqlite3.Error, PoolTimeout) as fault:
        words = " ".join(str(getattr(fault, "orig", None) or fault).split())
        remedy = next((told for sign, told in REMEDIES if sign in words.lower()), "")
        raise StoreError(f"the mailing store {name} could not be used: {words}", remedy) from fault
