"""Where Alembic enters: run the pending steps on the connection that `db.session` (or a developer's command line) hands over."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from db.table import Table


def run_steps(connection: Connection) -> None:
    """Run the steps inside the transaction that the connection is already in; SQLite tables are altered by copying."""
    context.configure(
        connection=connection, target_metadata=Table.metadata, render_as_batch=True, transactional_ddl=True
    )
    with context.begin_transaction():
        context.run_migrations()


run_steps(context.config.attributes["connection"])
