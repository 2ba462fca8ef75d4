"""One transaction of one tenant: the only place where a tenant is named to the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import psycopg
from psycopg.sql import Literal
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import Database, StoreUnavailable
from store.ids import TenantId
from store.sealing import Seal


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
                database.connections.doubt()
                await (await sql.connection()).invalidate(lost)
                await sql.rollback()
                await _begin(sql, tenant)
            yield Session(sql, tenant, Seal(database.keyring, tenant))
            await sql.commit()
    except (OperationalError, InterfaceError, PoolExhausted, psycopg.OperationalError) as gone:
        raise StoreUnavailable from gone


async def _begin(sql: AsyncSession, tenant: TenantId) -> None:
    raw = await (await sql.connection()).get_raw_connection()
    driver = cast(psycopg.AsyncConnection[Any], raw.driver_connection)
    named = Literal(tenant).as_string(driver)
    # Never prepared: these are two statements.
    await driver.execute(f"begin; select set_config('perdure.tenant', {named}, true)".encode(), prepare=False)
