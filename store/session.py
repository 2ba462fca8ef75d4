"""One transaction of one tenant: the only place where a tenant is named to the database."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from store.database import Database, StoreUnavailable
from store.ids import TenantId
from store.sealing import Seal

_TENANT = "the_tenant"
_BEGIN = f"begin; select set_config('perdure.tenant', %({_TENANT})s, true)"
"""Two statements in one round trip; a client cursor sends them so, and never prepares them."""

Row = Any
"""Its columns are attributes."""


@dataclass(frozen=True)
class Session:
    """What every function of the store takes first. No query names a tenant: the database filters and fills it in."""

    sql: AsyncSession
    tenant: TenantId
    seal: Seal


@asynccontextmanager
async def session(database: Database, tenant: TenantId) -> AsyncGenerator[Session]:
    """Begin a transaction for a tenant; it is committed at the end of the block, or undone if that fails."""
    try:
        async with AsyncSession(database.engine, expire_on_commit=False) as sql:
            try:
                await _begin(sql, tenant)
            except psycopg.OperationalError as lost:  # nothing has been done with it
                await _lose(database, await sql.connection(), lost)
                await sql.rollback()
                await _begin(sql, tenant)
            yield Session(sql, tenant, Seal(database.keyring, tenant))
            await sql.commit()
    except (OperationalError, InterfaceError, PoolExhausted, psycopg.OperationalError) as gone:
        raise StoreUnavailable from gone


async def at_once(database: Database, tenant: TenantId, statement: LiteralString, values: Mapping[str, object]) -> Row:
    """Do one statement that gives one row, in a transaction of its own and one round trip: for what is done most often,
    and must be quick while the processors have other work."""
    try:
        async with database.engine.connect() as connection:
            cursor = psycopg.AsyncClientCursor(await _driver(connection), row_factory=namedtuple_row)
            try:
                await cursor.execute(f"{_BEGIN}; {statement}; commit".encode(), {**values, _TENANT: tenant})
            except psycopg.OperationalError as lost:
                await _lose(database, connection, lost)
                raise
            for _ in range(2):
                cursor.nextset()
            return await cursor.fetchone()
    except (OperationalError, InterfaceError, PoolExhausted, psycopg.OperationalError) as gone:
        raise StoreUnavailable from gone


async def _begin(sql: AsyncSession, tenant: TenantId) -> None:
    cursor = psycopg.AsyncClientCursor(await _driver(await sql.connection()))
    await cursor.execute(_BEGIN, {_TENANT: tenant})


async def _lose(database: Database, connection: AsyncConnection, lost: psycopg.OperationalError) -> None:
    database.connections.doubt()
    await connection.invalidate(lost)


async def _driver(connection: AsyncConnection) -> "psycopg.AsyncConnection[Any]":
    raw = await connection.get_raw_connection()
    return cast("psycopg.AsyncConnection[Any]", raw.driver_connection)
