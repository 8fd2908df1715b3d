"""Feeds that digests follow, and what is known of their entries."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Boolean, Column, DateTime, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two tables."""
    op.create_table(
        "followed",
        Column("url", Text(), nullable=False),
        Column("address", Text(), nullable=False),
        Column("due", DateTime(timezone=True), nullable=False),
        Column("etag", Text(), nullable=False),
        Column("modified", Text(), nullable=False),
        Column("fetched", DateTime(timezone=True), nullable=True),
        Column("failures", Integer(), nullable=False),
        Column("failing", DateTime(timezone=True), nullable=True),
        Column("fault", Text(), nullable=False),
        PrimaryKeyConstraint("url", name="pk_followed"),
    )
    op.create_table(
        "followed_entry",
        Column("feed", Text(), nullable=False),
        Column("entry", Text(), nullable=False),
        Column("seen", DateTime(timezone=True), nullable=False),
        Column("gone", Boolean(), nullable=False),
        Column("ids", Text(), nullable=False),
        Column("item", Text(), nullable=False),
        PrimaryKeyConstraint("feed", "entry", name="pk_followed_entry"),
        ForeignKeyConstraint(["feed"], ["followed.url"], name="fk_followed_entry_feed"),
    )
