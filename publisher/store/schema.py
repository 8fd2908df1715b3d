"""Which schema a database has, and bringing it to the one this program knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from publisher.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

# Every revision, oldest first. Kept here so that an ordinary command need not import Alembic.
REVISIONS = ("0001", "0002", "0003", "0004")
HEAD = REVISIONS[-1]
NEW = ""  # a database without any table


def revision(connection: Connection, name: str) -> str:
    """Tell the database's revision, or NEW.

    Raises StoreError for a database that is not ours, and for one that a newer Publisher made.
    ``name`` is what messages call the database.
    """
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return NEW
    if not {"alembic_version", "identity", "delivery"} <= tables:
        raise StoreError(
            f"{name} is a database of some other program",
            "Give [store] url in config.toml a file or a database of its own: Publisher makes its tables in it.",
        )
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    if found not in REVISIONS:
        raise StoreError(
            f"{name} has schema {found}, which is newer than this version of Publisher knows ({HEAD})",
            "Use the version of Publisher that wrote it, or a newer one.",
        )
    return str(found)


def upgrade(connection: Connection) -> None:
    """Run every pending revision inside the open transaction."""
    from alembic import command  # noqa: PLC0415 - Alembic is heavy and seldom needed

    command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration, made here instead of in a file, working on an open connection."""
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
