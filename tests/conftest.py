"""What tests of every floor may ask for: a place for a store, and an opened store, on each database."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from publisher.store.database import open_store
from tests.databases import Place, drop_database, fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from publisher.store.database import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place where no store is yet."""
    if request.param == "sqlite":
        yield Place("sqlite:///mailing.sqlite3", tmp_path)
        return
    url = fresh_database()
    yield Place(url, tmp_path)
    drop_database(url)


@pytest.fixture
def store(store_url: Place) -> Iterator[Store]:
    """A new store, closed after the test."""
    with closing(open_store(*store_url)) as opened:
        yield opened
