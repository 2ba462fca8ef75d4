"""The way to PostgreSQL: a pool of connections as the role `perdure_app`, which sees nothing without a tenant."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from dag.errors import PerdureError
from store.sealing import Keyring


class StoreUnavailable(PerdureError):
    """The database does not answer; try again in a moment."""

    code = "store.unavailable"


@dataclass(frozen=True)
class Database:
    """What sessions are made of."""

    engine: AsyncEngine
    keyring: Keyring


@asynccontextmanager
async def database(url: str, keyring: Keyring, *, connections: int = 10) -> AsyncGenerator[Database]:
    """Open a pool for as long as the block lasts. Nothing is connected before it is needed."""
    engine = create_async_engine(
        dialect_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, "application_name": "perdure"},
    )
    try:
        yield Database(engine, keyring)
    finally:
        await engine.dispose()


def dialect_url(url: str) -> str:
    """Name the driver that is used here, whatever the URL says."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
