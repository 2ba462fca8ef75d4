"""How Alembic runs the migrations: in one transaction, one process at a time."""

from alembic import context
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

import store.tables.every  # noqa: F401  # pyright: ignore[reportUnusedImport] fills the metadata

_LOCK = 5_072_013
"""Any number that nothing else in the database locks."""


def run() -> None:
    """Bring the database to where Alembic's command asks."""
    engine = create_engine(context.config.attributes["url"])
    with engine.connect() as connection:
        context.configure(connection=connection, target_metadata=SQLModel.metadata, compare_server_default=True)
        with context.begin_transaction():
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            context.run_migrations()
    engine.dispose()


run()
