"""A store that was copied or restored stands elsewhere, one whose machine was started again does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url, text

from publisher.errors import StoreError
from publisher.store import postgres
from publisher.store.fence import NOWHERE, Place, here, moved, postgres_place
from tests.databases import drop_database, fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

HOME = Place(inode=812345, device=66306, machine="0123456789abcdef", boot="3a7e-11")


@pytest.mark.parametrize(
    ("now", "elsewhere"),
    [
        (HOME, False),
        (replace(HOME, boot="4b8f-22"), False),
        (replace(HOME, boot="4b8f-22", device=65025), False),  # numbers of devices are of one boot
        (replace(HOME, device=65025), True),
        (replace(HOME, inode=812346), True),
        (replace(HOME, machine="fedcba9876543210"), True),
        (replace(HOME, machine=""), True),
        (NOWHERE, True),
    ],
)
def test_moved_is_another_file_or_another_machine(now: Place, *, elsewhere: bool) -> None:
    assert moved(HOME, now) is elsewhere


def test_a_system_that_tells_no_boot_does_not_tell_devices_apart() -> None:
    assert not moved(replace(HOME, boot=""), replace(HOME, boot="", device=1))


WORDS = st.text("0123456789abcdef-", max_size=36).filter(lambda word: word != "-")


@given(st.builds(Place, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), WORDS, WORDS))
def test_a_place_is_read_back_as_it_was(place: Place) -> None:
    assert Place.read(place.text()) == place
    assert "\n" not in place.text()


@given(st.text() | st.text("0123456789 -a"))
def test_what_is_no_place_is_where_no_file_is(line: str) -> None:
    place = Place.read(line)
    assert place == NOWHERE or Place.read(place.text()) == place


def test_a_copy_is_elsewhere_and_a_file_that_is_written_or_renamed_is_not(tmp_path: Path) -> None:
    store = tmp_path / "mailing.sqlite3"
    store.write_bytes(b"people")
    home = here(store)
    store.write_bytes(b"more people")
    assert not moved(home, here(store))
    shutil.copy2(store, tmp_path / "copy.sqlite3")
    assert moved(home, here(tmp_path / "copy.sqlite3"))
    store.rename(tmp_path / "people.sqlite3")
    assert not moved(home, here(tmp_path / "people.sqlite3"))
    (tmp_path / "link").symlink_to("people.sqlite3")
    assert not moved(home, here(tmp_path / "link"))


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        here(tmp_path / "missing.sqlite3")


# PostgreSQL


@pytest.fixture
def engine() -> Iterator[Engine]:
    url = fresh_database()
    made = postgres.engine(make_url(url))
    yield made
    made.dispose()
    drop_database(url)


MAKE = text("CREATE TABLE identity (place text)")


def place(engine: Engine) -> str:
    with engine.connect() as connection:
        return postgres_place(connection)


def test_a_database_has_one_place_whoever_asks(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(MAKE)
        inside = postgres_place(connection)
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    system, database, table = inside.split(" ")
    assert len(system) > 15
    assert database.isdecimal()
    assert table.isdecimal()
    reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    assert place(reading) == place(engine) == inside


def test_another_database_is_another_place(engine: Engine) -> None:
    url = fresh_database()
    other = postgres.engine(make_url(url))
    try:
        assert place(other) != place(engine)
    finally:
        other.dispose()
        drop_database(url)


def test_tables_that_were_made_anew_are_another_place(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(MAKE)
    before = place(engine)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE identity"))
        connection.execute(MAKE)
    assert place(engine) != before


def test_who_may_not_ask_for_the_server_learns_the_rest(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(MAKE)
        whole = postgres_place(connection)
        connection.execute(text("CREATE ROLE plain"))
        connection.execute(text("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"))
        connection.execute(text("SET LOCAL ROLE plain"))
        assert postgres_place(connection) == "- " + whole.partition(" ")[2]
        connection.rollback()
