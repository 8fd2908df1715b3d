"""A store of an older version comes to this one with everything in it, or stays as it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from publisher.errors import StoreError
from publisher.store import postgres, schema, sqlite, wishes
from publisher.store.database import open_store, open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.databases import Place

# One statement a table, as the founding schema had them; AT is a moment.
FOUNDED = {
    "identity": "INSERT INTO identity VALUES ('5eed5eed5eed5eed5eed5eed5eed5eed', AT)",
    "digest": "INSERT INTO digest VALUES ('conferences', '{\"tags\": [\"conference\"]}', AT)",
    "arrival": "INSERT INTO arrival VALUES"
    " ('conferences', 'https://example.com/1/', 1, 'https://example.com/1/', '[]', 'One', AT, true, false, AT),"
    " ('conferences', 'https://example.com/2/', 2, 'https://example.com/2/', '[\"/two/\"]', 'Zwei ✓',"
    " AT, false, true, AT)",
    "subscriber": "INSERT INTO subscriber (address, wire, key, created) VALUES"
    " ('Ann@bücher.example', 'Ann@xn--bcher-kva.example', 'ann@xn--bcher-kva.example', AT),"
    " ('ben@example.org', 'ben@example.org', 'ben@example.org', AT)",
    "subscription": "INSERT INTO subscription VALUES (1, 'conferences', 'confirmed', 'weekly', 2, 1, 'token-of-ann'),"
    " (2, 'conferences', 'unsubscribed', 'weekly', 0, 0, 'token-of-ben')",
    "consent_event": "INSERT INTO consent_event (subscriber, digest, kind, wording, evidence, at)"
    " VALUES (1, 'conferences', 'vouched', 'author-1', 'added by hand', AT)",
    "suppression": "INSERT INTO suppression VALUES ('cyd@example.org', 'request', 'by post', AT)",
    "issue": "INSERT INTO issue (digest, cadence, number, state, title, drafted, sender, reply_to, list_id,"
    " unsubscribe_mail, public_url) VALUES ('conferences', 'weekly', 1, 'open', 'Conferences', AT, 'a@example.com', '',"
    " 'conferences.example.com', 'leave@example.com', '')",
    "slot": "INSERT INTO slot VALUES ('conferences', 'weekly', AT, 2, 1), ('conferences', 'daily', AT, 0, NULL)",
    "variant": "INSERT INTO variant VALUES (1, 1, 'One', '<p>One</p>', 'One')",
    "variant_entry": "INSERT INTO variant_entry VALUES (1, 1, 'https://example.com/1/')",
    "delivery": "INSERT INTO delivery VALUES (1, 1, 1, 'xn--bcher-kva.example', 'sending', AT, 1, 'host:7', '', AT),"
    " (1, 2, 1, 'example.org', 'released', AT, 0, '', 'left', AT)",
}
AT = "2026-11-16 09:00:00.000000"


@pytest.fixture
def founded(store_url: Place) -> Place:
    """A store as the first version left it, with a row or two in each table."""
    with beneath(store_url) as connection:
        command.upgrade(schema.alembic_config(connection), "0001")
        moment = f"'{AT}'" if connection.dialect.name == "sqlite" else f"'{AT}+00'"
        for statement in FOUNDED.values():
            connection.exec_driver_sql(statement.replace(" AT", f" {moment}"))
    return store_url


def test_there_is_a_row_for_every_table_of_the_first_version(founded: Place) -> None:
    with beneath(founded) as connection:
        assert {name for name, found in everything(connection).items() if found} == {*FOUNDED, "alembic_version"}


def test_every_row_comes_along(founded: Place) -> None:
    with beneath(founded) as connection:
        before = everything(connection)
    with closing(open_store(*founded)) as store:
        assert store.id == "5eed5eed5eed5eed5eed5eed5eed5eed"
    with beneath(founded) as connection:
        after = everything(connection)
        assert schema.revision(connection, "") == schema.HEAD
    for name in FOUNDED:
        known = before[name][0].keys()
        assert [{key: row[key] for key in known} for row in after[name]] == before[name]


def test_new_columns_say_what_was_true_of_old_rows(founded: Place) -> None:
    with closing(open_store(*founded)):
        pass
    with beneath(founded) as connection:
        after = everything(connection)
    issue = after["issue"][0]
    assert (issue["slot"], issue["touched"]) == (issue["drafted"], issue["drafted"])
    assert (issue["release_at"], issue["reason"]) == (None, "")
    assert {row["cadence"]: row["outcome"] for row in after["slot"]} == {"weekly": "issued", "daily": "empty"}
    assert [row["generation"] for row in after["subscription"]] == [0, 0]
    assert [row["begun"] for row in after["delivery"]] == [None, None]
    assert after["identity"][0]["place"] == ""
    assert after["letter"] == after["engine"] == after["erasure"] == after["wish"] == after["feed_reader"] == []


def test_a_store_of_the_version_before_the_web_comes_along(founded: Place) -> None:
    with beneath(founded) as connection:
        command.upgrade(schema.alembic_config(connection), "0002")
        before = everything(connection)
    with closing(open_store(*founded)) as store, store.writing() as connection:
        wishes.add(connection, [("subscribe", "ann@example.org", "conferences", "weekly")], datetime.now(UTC))
    with beneath(founded) as connection:
        after = everything(connection)
    assert [row.pop("private") for row in after["issue"]] in ([False], [0])
    assert len(after.pop("wish")) == 1
    assert after.pop("feed_reader") == after.pop("followed_entry") == after.pop("followed") == []
    assert before.pop("alembic_version") != after.pop("alembic_version")
    assert after == before


def test_people_who_only_look_at_an_older_store_change_nothing(founded: Place) -> None:
    assert open_to_read(*founded) is None
    with beneath(founded) as connection:
        assert schema.revision(connection, "") == "0001"


def test_a_copy_of_the_file_is_made_first(founded: Place) -> None:
    with closing(open_store(*founded)):
        pass
    copies = [path for path in founded.folder.iterdir() if "before" in path.name]
    if not founded.url.startswith("sqlite"):  # whoever runs a server backs it up
        assert copies == []
        return
    assert [path.name for path in copies] == [f"mailing.sqlite3.before-{schema.HEAD}"]
    assert copies[0].stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copies[0])) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
        assert copy.execute("SELECT count(*) FROM delivery").fetchall() == [(2,)]
        assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_a_store_that_is_up_to_date_is_not_copied(store_url: Place) -> None:
    for _ in range(2):
        with closing(open_store(*store_url)):
            pass
    assert not [path for path in store_url.folder.iterdir() if "before" in path.name]


def test_a_copy_that_cannot_be_made_stops_the_rest(founded: Place) -> None:
    (founded.folder / f"mailing.sqlite3.before-{schema.HEAD}").mkdir()
    if founded.url.startswith("sqlite"):
        with pytest.raises(StoreError, match="cannot be written"):
            open_store(*founded)
    with beneath(founded) as connection:
        assert schema.revision(connection, "") == "0001"


def test_a_migration_that_fails_midway_leaves_the_store_as_it_was(founded: Place) -> None:
    with beneath(founded) as connection:
        connection.execute(text("CREATE TABLE letter (id INTEGER)"))
        before = shape(connection), everything(connection)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"letter.* already exists"):
            open_store(*founded)
        with beneath(founded) as connection:
            assert (shape(connection), everything(connection)) == before
    with beneath(founded) as connection:
        connection.execute(text("DROP TABLE letter"))
    with closing(open_store(*founded)):
        pass


@contextmanager
def beneath(place: Place) -> Iterator[Connection]:
    """One transaction on the database itself, whatever its schema."""
    if place.url.startswith("sqlite"):
        engine = sqlite.engine(place.folder / "mailing.sqlite3", "rwc")
    else:
        engine = postgres.engine(make_url(place.url))
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def everything(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    found = {}
    for name in inspect(connection).get_table_names():
        rows = [dict(row) for row in connection.execute(text(f"SELECT * FROM {name}")).mappings()]
        found[name] = sorted(rows, key=repr)
    return found


def shape(connection: Connection) -> dict[str, object]:
    """Every column and index of every table."""
    seen = inspect(connection)
    names = seen.get_table_names()
    return {name: ([repr(each) for each in seen.get_columns(name)], seen.get_indexes(name)) for name in names}
