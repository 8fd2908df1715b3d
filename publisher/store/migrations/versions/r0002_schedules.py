"""Slots, holds, letters, engines and erasure."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, Integer, PrimaryKeyConstraint, Text, UniqueConstraint, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns with defaults: no table is copied, however many deliveries it holds."""
    _columns()
    _letters()
    op.create_table(
        "engine",
        Column("id", Text(), nullable=False),
        Column("host", Text(), nullable=False),
        Column("started", DateTime(timezone=True), nullable=False),
        Column("beat", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id", name="pk_engine"),
    )
    op.create_table(
        "erasure",
        Column("hash", Text(), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("hash", name="pk_erasure"),
    )
    op.create_index("ix_issue_state", "issue", ["state"], unique=False)
    op.drop_index("ix_delivery_state_issue_subscriber", table_name="delivery")
    op.create_index(
        "ix_delivery_issue_state_due_at_subscriber",
        "delivery",
        ["issue", "state", "due_at", "subscriber"],
        unique=False,
    )


def _columns() -> None:
    op.add_column("identity", Column("place", Text(), nullable=False, server_default=text("''")))
    op.add_column("subscription", Column("generation", Integer(), nullable=False, server_default=text("0")))
    op.add_column("issue", Column("slot", DateTime(timezone=True), nullable=True))
    op.add_column("issue", Column("release_at", DateTime(timezone=True), nullable=True))
    op.add_column("issue", Column("reason", Text(), nullable=False, server_default=text("''")))
    op.add_column("issue", Column("touched", DateTime(timezone=True), nullable=True))
    op.execute("UPDATE issue SET slot = drafted, touched = drafted")
    op.add_column("slot", Column("outcome", Text(), nullable=False, server_default=text("'issued'")))
    op.execute("UPDATE slot SET outcome = 'empty' WHERE issue IS NULL")
    op.add_column("delivery", Column("begun", DateTime(timezone=True), nullable=True))


def _letters() -> None:
    op.create_table(
        "letter",
        Column("id", Integer(), nullable=False),
        Column("kind", Text(), nullable=False),
        Column("subscriber", Integer(), nullable=False),
        Column("digest", Text(), nullable=False),
        Column("generation", Integer(), nullable=False),
        Column("recipient", Text(), nullable=False),
        Column("subject", Text(), nullable=False),
        Column("html", Text(), nullable=False),
        Column("text", Text(), nullable=False),
        Column("sender", Text(), nullable=False),
        Column("reply_to", Text(), nullable=False),
        Column("list_id", Text(), nullable=False),
        Column("unsubscribe_mail", Text(), nullable=False),
        Column("public_url", Text(), nullable=False),
        Column("token", Text(), nullable=False),
        Column("written", DateTime(timezone=True), nullable=False),
        Column("state", Text(), nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("attempt", Integer(), nullable=False),
        Column("engine", Text(), nullable=False),
        Column("detail", Text(), nullable=False),
        Column("changed", DateTime(timezone=True), nullable=False),
        Column("begun", DateTime(timezone=True), nullable=True),
        PrimaryKeyConstraint("id", name="pk_letter"),
        UniqueConstraint(
            "kind", "subscriber", "digest", "generation", name="uq_letter_kind_subscriber_digest_generation"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_letter_state_due_at", "letter", ["state", "due_at"], unique=False)
