"""The founding schema: digests and arrivals, people and consent, issues and the ledger."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Integer,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table. There is no way back: a backup is."""
    _digests()
    _people()
    _issues()
    _ledger()


def _digests() -> None:
    """Digests and what arrived at them."""
    op.create_table(
        "identity",
        Column("id", Text(), nullable=False),
        Column("created", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id", name="pk_identity"),
    )
    op.create_table(
        "digest",
        Column("name", Text(), nullable=False),
        Column("filter", Text(), nullable=False),
        Column("begun", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("name", name="pk_digest"),
    )
    op.create_table(
        "arrival",
        Column("digest", Text(), nullable=False),
        Column("entry", Text(), nullable=False),
        Column("seq", Integer(), nullable=False),
        Column("url", Text(), nullable=False),
        Column("aliases", Text(), nullable=False),
        Column("title", Text(), nullable=False),
        Column("published", DateTime(timezone=True), nullable=False),
        Column("given", Boolean(), nullable=False),
        Column("withdrawn", Boolean(), nullable=False),
        Column("arrived", DateTime(timezone=True), nullable=False),
        ForeignKeyConstraint(["digest"], ["digest.name"], name="fk_arrival_digest"),
        PrimaryKeyConstraint("digest", "entry", name="pk_arrival"),
        UniqueConstraint("digest", "seq", name="uq_arrival_digest_seq"),
    )


def _people() -> None:
    """People, what they said, and whom never to mail."""
    op.create_table(
        "subscriber",
        Column("id", Integer(), nullable=False),
        Column("address", Text(), nullable=False),
        Column("wire", Text(), nullable=False),
        Column("key", Text(), nullable=False),
        Column("created", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("id", name="pk_subscriber"),
        UniqueConstraint("key", name="uq_subscriber_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "subscription",
        Column("subscriber", Integer(), nullable=False),
        Column("digest", Text(), nullable=False),
        Column("state", Text(), nullable=False),
        Column("cadence", Text(), nullable=False),
        Column("cursor", Integer(), nullable=False),
        Column("since", Integer(), nullable=False),
        Column("unsubscribe_token", Text(), nullable=False),
        ForeignKeyConstraint(["digest"], ["digest.name"], name="fk_subscription_digest"),
        ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_subscription_subscriber"),
        PrimaryKeyConstraint("subscriber", "digest", name="pk_subscription"),
        UniqueConstraint("unsubscribe_token", name="uq_subscription_unsubscribe_token"),
    )
    op.create_index(
        "ix_subscription_digest_cadence_state", "subscription", ["digest", "cadence", "state"], unique=False
    )
    op.create_table(
        "consent_event",
        Column("id", Integer(), nullable=False),
        Column("subscriber", Integer(), nullable=False),
        Column("digest", Text(), nullable=False),
        Column("kind", Text(), nullable=False),
        Column("wording", Text(), nullable=False),
        Column("evidence", Text(), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        ForeignKeyConstraint(["digest"], ["digest.name"], name="fk_consent_event_digest"),
        ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_consent_event_subscriber"),
        PrimaryKeyConstraint("id", name="pk_consent_event"),
    )
    op.create_index("ix_consent_event_subscriber_digest", "consent_event", ["subscriber", "digest"], unique=False)
    op.create_table(
        "suppression",
        Column("key", Text(), nullable=False),
        Column("reason", Text(), nullable=False),
        Column("detail", Text(), nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
        PrimaryKeyConstraint("key", name="pk_suppression"),
    )


def _issues() -> None:
    """Issues, frozen: their slots, variants and entries."""
    op.create_table(
        "issue",
        Column("id", Integer(), nullable=False),
        Column("digest", Text(), nullable=False),
        Column("cadence", Text(), nullable=False),
        Column("number", Integer(), nullable=False),
        Column("state", Text(), nullable=False),
        Column("title", Text(), nullable=False),
        Column("drafted", DateTime(timezone=True), nullable=False),
        Column("sender", Text(), nullable=False),
        Column("reply_to", Text(), nullable=False),
        Column("list_id", Text(), nullable=False),
        Column("unsubscribe_mail", Text(), nullable=False),
        Column("public_url", Text(), nullable=False),
        ForeignKeyConstraint(["digest"], ["digest.name"], name="fk_issue_digest"),
        PrimaryKeyConstraint("id", name="pk_issue"),
        UniqueConstraint("digest", "number", name="uq_issue_digest_number"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "slot",
        Column("digest", Text(), nullable=False),
        Column("cadence", Text(), nullable=False),
        Column("slot", DateTime(timezone=True), nullable=False),
        Column("upto_seq", Integer(), nullable=False),
        Column("issue", Integer(), nullable=True),
        ForeignKeyConstraint(["digest"], ["digest.name"], name="fk_slot_digest"),
        ForeignKeyConstraint(["issue"], ["issue.id"], name="fk_slot_issue"),
        PrimaryKeyConstraint("digest", "cadence", "slot", name="pk_slot"),
    )
    op.create_table(
        "variant",
        Column("issue", Integer(), nullable=False),
        Column("variant", Integer(), nullable=False),
        Column("subject", Text(), nullable=False),
        Column("html", Text(), nullable=False),
        Column("text", Text(), nullable=False),
        ForeignKeyConstraint(["issue"], ["issue.id"], name="fk_variant_issue"),
        PrimaryKeyConstraint("issue", "variant", name="pk_variant"),
    )
    op.create_table(
        "variant_entry",
        Column("issue", Integer(), nullable=False),
        Column("variant", Integer(), nullable=False),
        Column("entry", Text(), nullable=False),
        ForeignKeyConstraint(
            ["issue", "variant"], ["variant.issue", "variant.variant"], name="fk_variant_entry_issue_variant"
        ),
        PrimaryKeyConstraint("issue", "variant", "entry", name="pk_variant_entry"),
    )
    op.create_index("ix_variant_entry_entry", "variant_entry", ["entry"], unique=False)


def _ledger() -> None:
    """One row for each message."""
    op.create_table(
        "delivery",
        Column("issue", Integer(), nullable=False),
        Column("subscriber", Integer(), nullable=False),
        Column("variant", Integer(), nullable=False),
        Column("domain", Text(), nullable=False),
        Column("state", Text(), nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("attempt", Integer(), nullable=False),
        Column("engine", Text(), nullable=False),
        Column("detail", Text(), nullable=False),
        Column("changed", DateTime(timezone=True), nullable=False),
        ForeignKeyConstraint(
            ["issue", "variant"], ["variant.issue", "variant.variant"], name="fk_delivery_issue_variant"
        ),
        ForeignKeyConstraint(["issue"], ["issue.id"], name="fk_delivery_issue"),
        ForeignKeyConstraint(["subscriber"], ["subscriber.id"], name="fk_delivery_subscriber"),
        PrimaryKeyConstraint("issue", "subscriber", name="pk_delivery"),
    )
    op.create_index("ix_delivery_state_issue_subscriber", "delivery", ["state", "issue", "subscriber"], unique=False)
    op.create_index("ix_delivery_subscriber", "delivery", ["subscriber"], unique=False)
