"""One transaction of one tenant: the only place where a tenant is named to the database."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession

from store.database import Database, StoreUnavailable
from store.ids import TenantId
from store.sealing import Seal

_SET_TENANT = text("select set_config('perdure.tenant', :tenant, true)")


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
            await sql.execute(_SET_TENANT, {"tenant": tenant})
            yield Session(sql, tenant, Seal(database.keyring, tenant))
            await sql.commit()
    except (OperationalError, InterfaceError, PoolExhausted) as gone:
        raise StoreUnavailable from gone
