"""The store as a real SQLite file: its schema, its refusals."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from publisher.errors import StoreError
from publisher.store import schema
from publisher.store.database import open_store, open_to_read
from publisher.store.lock import engine_lock
from publisher.store.tables import metadata

if TYPE_CHECKING:
    from pathlib import Path

    from publisher.store.database import Store

URL = "sqlite:///mailing.sqlite3"


def test_migrations_build_what_the_models_say(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store, store.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrations_and_models_write_the_same_tables(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)):
        pass
    made = create_engine(f"sqlite:///{tmp_path / 'models.sqlite3'}")
    metadata.create_all(made)
    made.dispose()
    assert tables(tmp_path / "mailing.sqlite3") == tables(tmp_path / "models.sqlite3")


def test_the_head_that_the_program_knows_is_the_last_migration(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store, store.reading() as connection:
        script = ScriptDirectory.from_config(schema.alembic_config(connection))
        assert script.get_heads() == [schema.HEAD]


def test_a_store_keeps_its_id_and_its_settings_for_safety(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        first = store.id
    with closing(open_store(URL, tmp_path)) as store, store.reading() as connection:
        assert store.id == first
        found = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        with pytest.raises(ZeroDivisionError):
            half_done(store)
        with store.reading() as connection:
            assert connection.execute(text("SELECT name FROM sqlite_master WHERE name = 'half'")).all() == []


def test_a_corrupt_file_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "mailing.sqlite3").write_bytes(b"this is no database at all, not even a small one" * 50)
    with pytest.raises(StoreError, match="not a database") as caught:
        open_store(URL, tmp_path)
    assert "backup" in caught.value.remedy


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "mailing.sqlite3")) as other:
        other.execute("CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(StoreError, match="some other program"):
        open_store(URL, tmp_path)
    with pytest.raises(StoreError, match="some other program"):
        open_to_read(URL, tmp_path)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store, store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreError, match="newer"):
        open_store(URL, tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open") as caught:
        open_store("sqlite:///missing/mailing.sqlite3", tmp_path)
    assert "folder" in caught.value.remedy


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/db", "mysql://host/db", "nonsense", "sqlite://"])
def test_a_url_of_another_kind_is_refused_without_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="not a store") as caught:
        open_store(url, tmp_path)
    assert "secret" not in str(caught.value)


def test_a_pipe_in_the_place_of_the_store_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mailing.sqlite3")
    for opened in (open_store, open_to_read):
        with pytest.raises(StoreError, match="is no file"):
            opened(URL, tmp_path)


def test_reading_makes_no_store(tmp_path: Path) -> None:
    assert open_to_read(URL, tmp_path) is None
    assert list(tmp_path.iterdir()) == []


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


def half_done(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(text("CREATE TABLE half (id INTEGER)"))
        raise ZeroDivisionError


def tables(database: Path) -> dict[str, list[str]]:
    """Every table and index as SQLite remembers it, in any order of its lines, without Alembic's own."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'").fetchall()
    return {
        name: sorted(line.strip(" \t,)") for line in (sql or "").split("\n"))
        for name, sql in rows
        if "alembic" not in name
    }
