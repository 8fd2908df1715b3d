"""The store on real databases: its schema, its refusals."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, insert, inspect, text

from publisher.errors import StoreError
from publisher.store import schema, sqlite
from publisher.store.database import open_store, open_to_read
from publisher.store.lock import engine_lock
from publisher.store.tables import digest, metadata
from tests.databases import LOCKED, PASSWORD, Place, drop_database, fresh_database, url_of
from tests.mailing import NOON

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

    from publisher.store.database import Store

URL = "sqlite:///mailing.sqlite3"


# The schema


def test_migrations_build_what_the_models_say(store: Store) -> None:
    with store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_and_models_make_the_same_tables_in_sqlite(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)):
        pass
    made = create_engine(f"sqlite:///{tmp_path / 'models.sqlite3'}")
    metadata.create_all(made)
    made.dispose()
    assert sqlite_tables(tmp_path / "mailing.sqlite3") == sqlite_tables(tmp_path / "models.sqlite3")


def test_migrations_and_models_make_the_same_tables_in_postgresql(tmp_path: Path) -> None:
    with a_database() as migrated, a_database() as modelled:
        with closing(open_store(migrated, tmp_path)):
            pass
        made = create_engine(modelled.replace("postgresql:", "postgresql+psycopg:"))
        metadata.create_all(made)
        made.dispose()
        assert postgresql_tables(migrated) == postgresql_tables(modelled)


def test_the_head_that_the_program_knows_is_the_last_migration(store: Store) -> None:
    with store.reading() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection))
        assert script.get_heads() == [schema.HEAD]
        assert [step.revision for step in reversed(list(script.walk_revisions()))] == list(schema.REVISIONS)


def test_a_store_keeps_its_id(store_url: Place) -> None:
    with closing(open_store(*store_url)) as store:
        first = store.id
    with closing(open_store(*store_url)) as store:
        assert store.id == first
    again = open_to_read(*store_url)
    assert again is not None
    with closing(again):
        assert again.id == first


def test_an_embedded_store_has_its_settings_for_safety(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store, store.reading() as connection:
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_two_processes_that_open_a_new_store_make_one(store_url: Place) -> None:
    ids: list[str] = []

    def opened() -> None:
        with closing(open_store(*store_url)) as store:
            ids.append(store.id)

    threads = [threading.Thread(target=opened) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1


# Transactions


def test_a_failed_transaction_leaves_nothing(store: Store) -> None:
    for transaction in (store.writing, store.turning):
        with pytest.raises(ZeroDivisionError):
            half_done(transaction())
    with store.reading() as connection:
        assert "half" not in inspect(connection).get_table_names()


def test_who_reads_sees_one_state_throughout(store: Store) -> None:
    with store.reading() as connection:
        assert digests(connection) == []
        with store.writing() as other:
            begin(other, "conferences")
        assert digests(connection) == []
    with store.reading() as connection:
        assert digests(connection) == ["conferences"]


def test_who_reads_changes_nothing_in_postgresql(tmp_path: Path) -> None:
    with (
        a_database() as url,
        closing(open_store(url, tmp_path)) as store,
        pytest.raises(StoreError, match="read-only"),
        store.reading() as connection,
    ):
        begin(connection, "conferences")


def test_one_writes_at_a_time(store: Store) -> None:
    order: list[str] = []

    def later() -> None:
        with store.writing() as connection:
            order.append("second")
            assert digests(connection) == ["conferences"]

    second = threading.Thread(target=later)
    with store.writing() as connection:
        second.start()
        second.join(0.2)  # it cannot end before this block does, however long one waits
        begin(connection, "conferences")
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_turns_run_beside_a_drafting_in_postgresql(tmp_path: Path) -> None:
    with a_database() as url, closing(open_store(url, tmp_path)) as store, store.writing() as drafting:
        begin(drafting, "conferences")
        with store.turning() as connection:
            assert digests(connection) == []


# Refusals


def test_a_corrupt_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "mailing.sqlite3").write_bytes(b"this is no database at all, not even a small one" * 50)
    with pytest.raises(StoreError, match="not a database") as caught:
        open_store(URL, tmp_path)
    assert "backup" in caught.value.remedy


def test_another_programs_database_is_left_alone(store_url: Place) -> None:
    with raw(store_url) as other:
        other.execute(text("CREATE TABLE theirs (id INTEGER)"))
    for opened in (open_store, open_to_read):
        with pytest.raises(StoreError, match="some other program") as caught:
            opened(*store_url)
        assert "of its own" in caught.value.remedy
    with raw(store_url) as other:
        assert inspect(other).get_table_names() == ["theirs"]


def test_a_newer_schema_is_refused(store_url: Place) -> None:
    with closing(open_store(*store_url)) as store, store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for opened in (open_store, open_to_read):
        with pytest.raises(StoreError, match="newer"):
            opened(*store_url)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open") as caught:
        open_store("sqlite:///missing/mailing.sqlite3", tmp_path)
    assert "folder" in caught.value.remedy


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:secret@host/db",
        "mysql://me@host/db?password=secret",
        "postgresql://me:secret@host:port/db",
        "nonsense",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite://me:secret@host/file",
    ],
)
def test_a_url_of_another_kind_is_refused_without_its_password(url: str, tmp_path: Path) -> None:
    for opened in (open_store, open_to_read):
        with pytest.raises(StoreError, match="not a store that this version can open") as caught:
            opened(url, tmp_path)
        assert "secret" not in str(caught.value)
        assert "postgresql://" in caught.value.remedy


def test_half_a_password_is_not_taken_for_a_host(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="an @ too many") as caught:
        open_store("postgresql://me:top@secret@host/db", tmp_path)
    assert "secret" not in str(caught.value)
    assert "%40" in caught.value.remedy


def test_a_server_that_refuses_is_named_without_the_password(tmp_path: Path) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))  # bound and not listening: whoever comes is refused
        url = f"postgresql://me:secret@127.0.0.1:{silent.getsockname()[1]}/db"
        for opened in (open_store, open_to_read):
            with pytest.raises(StoreError, match="refused") as caught:
                opened(url, tmp_path)
            assert "secret" not in str(caught.value)
            assert "PostgreSQL runs" in caught.value.remedy


@pytest.mark.parametrize(
    ("database", "user", "password", "words", "remedy"),
    [
        ("nowhere", "publisher", "", 'database "nowhere" does not exist', "createdb"),
        ("postgres", "nobody", "", 'role "nobody" does not exist', "createuser"),
        ("postgres", LOCKED, "secret", "password authentication failed", "PUBLISHER_STORE_URL"),
        ("postgres", LOCKED, "", "no password supplied", "PUBLISHER_STORE_URL"),
    ],
)
def test_a_server_that_knows_better_is_quoted_without_the_password(
    tmp_path: Path, locked_role: str, database: str, user: str, password: str, words: str, remedy: str
) -> None:
    del locked_role
    with pytest.raises(StoreError, match=words) as caught:
        open_store(url_of(database, user, password), tmp_path)
    assert "secret" not in str(caught.value)
    assert remedy in caught.value.remedy


def test_a_role_that_may_make_no_tables_is_told(tmp_path: Path, locked_role: str) -> None:
    with pytest.raises(StoreError, match="permission denied") as caught:
        open_store(locked_role, tmp_path)
    assert "right to make tables" in caught.value.remedy
    assert PASSWORD not in str(caught.value)


def test_a_password_is_in_no_name_and_no_repr(tmp_path: Path, locked_role: str) -> None:
    with raw(Place(locked_role.replace(f"{LOCKED}:{PASSWORD}", "publisher"), tmp_path)) as connection:
        connection.execute(text(f"GRANT ALL ON SCHEMA public TO {LOCKED}"))
    as_option = locked_role.replace(f":{PASSWORD}", "") + f"&password={PASSWORD}"
    for url in (locked_role, as_option):
        with closing(open_store(url, tmp_path)) as store:
            assert PASSWORD not in store.name
            assert PASSWORD not in repr(store) or url == as_option
            assert store.name.startswith(f"postgresql://{LOCKED}")


def test_a_pipe_in_the_place_of_the_store_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mailing.sqlite3")
    for opened in (open_store, open_to_read):
        with pytest.raises(StoreError, match="is no file"):
            opened(URL, tmp_path)


def test_reading_makes_no_store(store_url: Place) -> None:
    assert open_to_read(*store_url) is None
    assert list(store_url.folder.iterdir()) == []
    if store_url.url != URL:
        with raw(store_url) as connection:
            assert inspect(connection).get_table_names() == []


def test_a_new_store_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)):
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}


def test_one_engine_holds_the_lock(tmp_path: Path) -> None:
    database = tmp_path / "mailing.sqlite3"
    with engine_lock(database) as first, engine_lock(database) as second:
        assert (first, second) == (True, False)
    with engine_lock(database) as again:
        assert again


# A copy


def test_a_backup_is_one_whole_file_while_somebody_writes(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        with store.writing() as connection:
            begin(connection, "conferences")
        with store.writing() as connection:
            begin(connection, "talks")
            sqlite.back_up(tmp_path / "mailing.sqlite3", tmp_path / "copy.sqlite3")
    assert sorted(path.name for path in tmp_path.glob("copy*")) == ["copy.sqlite3"]
    assert (tmp_path / "copy.sqlite3").stat().st_mode & 0o777 == 0o600
    with closing(open_store("sqlite:///copy.sqlite3", tmp_path)) as copy, copy.reading() as connection:
        assert digests(connection) == ["conferences"]


def test_a_backup_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)):
        pass
    (tmp_path / "copy.sqlite3").mkdir()
    with pytest.raises(StoreError, match=r"copy\.sqlite3 cannot be written"):
        sqlite.back_up(tmp_path / "mailing.sqlite3", tmp_path / "copy.sqlite3")


@pytest.fixture
def locked_role() -> Iterator[str]:
    """A database that a role with a password may enter, and no more; the URL with that password."""
    with a_database() as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(f"CREATE ROLE {LOCKED} LOGIN PASSWORD '{PASSWORD}'")
        yield url.replace("publisher@", f"{LOCKED}:{PASSWORD}@")
        connection.execute(f"DROP OWNED BY {LOCKED} CASCADE")
        connection.execute(f"DROP ROLE {LOCKED}")


def half_done(transaction: AbstractContextManager[Connection]) -> None:
    with transaction as connection:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise ZeroDivisionError


@contextmanager
def a_database() -> Iterator[str]:
    url = fresh_database()
    yield url
    drop_database(url)


@contextmanager
def raw(place: Place) -> Iterator[Connection]:
    """One transaction of some other program."""
    url = place.url.replace("postgresql:", "postgresql+psycopg:").replace("///mailing", f"///{place.folder}/mailing")
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def begin(connection: Connection, name: str) -> None:
    connection.execute(insert(digest).values(name=name, filter="{}", begun=NOON))


def digests(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT name FROM digest ORDER BY name")).scalars())


def sqlite_tables(database: Path) -> dict[str, object]:
    """Columns, keys and indexes of every table but Alembic's, as SQLite understands them."""
    with closing(sqlite3.connect(database)) as connection:
        named = "SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE type = 'table'"
        tables = [row for row in connection.execute(named) if row[0] != "alembic_version"]
        return {
            name: {
                "numbered": numbered,
                "columns": rows(connection, "table_xinfo", name),
                "foreign keys": sorted(row[2:] for row in rows(connection, "foreign_key_list", name)),
                "indexes": {
                    index: (row, rows(connection, "index_xinfo", index))
                    for _, index, *row in rows(connection, "index_list", name)
                },
            }
            for name, numbered in tables
        }


def rows(connection: sqlite3.Connection, pragma: str, name: str) -> list[tuple]:
    return connection.execute(f"PRAGMA {pragma}('{name}')").fetchall()


def postgresql_tables(url: str) -> dict[str, list[tuple]]:
    """Columns, constraints and indexes of every table but Alembic's, as PostgreSQL writes them."""
    asked = {
        "columns": "SELECT table_name, ordinal_position, column_name, data_type, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_schema = 'public'",
        "constraints": "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace",
        "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    }
    with closing(psycopg.connect(url)) as connection:
        return {
            kind: sorted(row for row in connection.execute(query) if row[0] != "alembic_version")
            for kind, query in asked.items()
        }


@pytest.mark.parametrize("in_its_place", [b"", None])
def test_a_file_that_is_taken_away_is_not_written_into(tmp_path: Path, in_its_place: bytes | None) -> None:
    with closing(open_store("sqlite:///mailing.sqlite3", tmp_path)) as store:
        assert store.answers()
        place = tmp_path / "mailing.sqlite3"
        kept = place.rename(tmp_path / "elsewhere.sqlite3")
        if in_its_place is not None:
            place.write_bytes(in_its_place)
        with pytest.raises(StoreError, match="taken away"), store.writing() as connection:
            connection.execute(text("DELETE FROM store"))
        with pytest.raises(StoreError, match="taken away"):
            store.answers()
        place.unlink(missing_ok=True)
        kept.rename(place)
        assert store.answers()
