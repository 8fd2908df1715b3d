"""What Alembic runs: the pending revisions, inside the transaction that the caller has open."""

from __future__ import annotations

from alembic import context

from publisher.store.tables import metadata


def run() -> None:
    """All revisions succeed or none does: SQLite can roll schema changes back when asked to."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
