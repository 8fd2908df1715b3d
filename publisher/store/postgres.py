"""The same store on PostgreSQL, for those who run one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from publisher.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Engine

# Taken by a transaction that is to be alone among its kind; the number is ours alone, by chance.
ALONE = "SELECT pg_advisory_xact_lock(7305808869)"


def engine(url: URL) -> Engine:
    """Make the engine of a postgresql URL. Raises StoreError where the driver is not installed."""
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": 10, "application_name": "publisher"},
            pool_pre_ping=True,  # a server that was restarted is no fault
        )
    except ModuleNotFoundError as fault:
        raise StoreError(
            "the driver for PostgreSQL is not installed", "Install it: pip install 'publisher-feeds[postgresql]'"
        ) from fault
