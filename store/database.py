"""The way to PostgreSQL: a pool of connections as the role `perdure_app`, which sees nothing without a tenant."""

import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from dag.errors import PerdureError
from store.sealing import Keyring

IDLE = 1.0
"""Seconds after which a connection may have been lost."""


class StoreUnavailable(PerdureError):
    """The database does not answer; try again in a moment."""

    code = "store.unavailable"


class Connections:
    """Asks connections that have lain idle whether they are still there. Others have shown it a moment ago."""

    def __init__(self, engine: AsyncEngine):
        self._dialect = engine.sync_engine.dialect
        self._trusted_since = 0.0
        event.listen(engine.sync_engine, "checkin", self._comes_back)
        event.listen(engine.sync_engine, "checkout", self._goes_out)

    def doubt(self) -> None:
        """One of them was lost: ask all others too."""
        self._trusted_since = time.monotonic()

    def _comes_back(self, connection: object, record: ConnectionPoolEntry) -> None:
        record.info["idle_since"] = time.monotonic()

    def _goes_out(self, connection: Any, record: ConnectionPoolEntry, _: object) -> None:
        idle_since = record.info.get("idle_since")
        if idle_since is None or idle_since > max(self._trusted_since, time.monotonic() - IDLE):
            return
        try:
            self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error:
            raise DisconnectionError from None  # then the pool takes another one


@dataclass(frozen=True)
class Database:
    """What sessions are made of."""

    engine: AsyncEngine
    keyring: Keyring
    connections: Connections


@asynccontextmanager
async def database(url: str, keyring: Keyring, *, connections: int = 10) -> AsyncGenerator[Database]:
    """Open a pool for as long as the block lasts. Nothing is connected before it is needed."""
    engine = create_async_engine(
        dialect_url(url),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=10,
        # Whoever opens a transaction says so, together with its tenant: one round trip instead of two.
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 5, "application_name": "perdure"},
    )
    try:
        yield Database(engine, keyring, Connections(engine))
    finally:
        await engine.dispose()


def pool(database: Database) -> Mapping[str, int]:
    """How many connections are used, idle, and may be at most."""
    connections = cast(QueuePool, database.engine.sync_engine.pool)
    return {"used": connections.checkedout(), "idle": connections.checkedin(), "most": connections.size()}


def dialect_url(url: str) -> str:
    """Name the driver that is used here, whatever the URL says."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
