"""Wishes of visitors, readers of feeds, and issues that stand in no archive."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, Integer, PrimaryKeyConstraint, Text, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables, and a column with a default."""
    op.add_column("issue", Column("private", Boolean(), nullable=False, server_default=text("false")))
    op.create_table(
        "wish",
        Column("id", Integer(), nullable=False),
        Column("kind", Text(), nullable=False),
        Column("address", Text(), nullable=False),
        Column("digest", Text(), nullable=False),
        Column("cadence", Text(), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id", name="pk_wish"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "feed_reader",
        Column("feed", Text(), nullable=False),
        Column("aggregator", Text(), nullable=False),
        Column("day", Text(), nullable=False),
        Column("readers", Integer(), nullable=False),
        PrimaryKeyConstraint("feed", "aggregator", "day", name="pk_feed_reader"),
    )
