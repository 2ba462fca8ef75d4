"""The database itself keeps tenants apart, whatever a query forgets."""

import asyncio

import psycopg
import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import ProgrammingError
from sqlmodel import SQLModel, select

from store import ids, tenants
from store.database import Database
from store.ids import TenantId
from store.roles import APP, DOORMAN, MIGRATOR
from store.session import session
from store.tables.every import TENANTED
from store.tables.surroundings import SecretRow
from store.tables.tenants import TenantRow
from tests.postgres import Server, another_tenant


async def test_a_query_without_a_tenant_fails_in_the_database(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        await opened.sql.execute(insert(SecretRow).values(name="token", value=b"sealed"))
    for table in (*TENANTED, "tenants"):
        async with store.engine.connect() as connection:  # the pool hands out the connection that had a tenant
            with pytest.raises(ProgrammingError, match="No tenant is set"):
                await connection.execute(text(f"select * from {table}"))


async def test_rows_of_another_tenant_are_not_found(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        await opened.sql.execute(insert(SecretRow).values(name="token", value=b"sealed"))
    async with session(store, await another_tenant(store)) as opened:
        assert (await opened.sql.scalars(select(SecretRow))).all() == []
        assert len((await opened.sql.scalars(select(TenantRow))).all()) == 1


async def test_a_row_for_another_tenant_is_refused(store: Database, tenant: TenantId) -> None:
    with pytest.raises(ProgrammingError, match="row-level security"):
        async with session(store, await another_tenant(store)) as opened:
            await opened.sql.execute(insert(SecretRow).values(name="token", value=b"x", tenant_id=tenant))


async def test_what_fails_in_the_middle_leaves_nothing(store: Database, tenant: TenantId) -> None:
    async def fails() -> None:
        async with session(store, tenant) as opened:
            await opened.sql.execute(insert(SecretRow).values(name="token", value=b"sealed"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    async with session(store, tenant) as opened:
        assert (await opened.sql.scalars(select(SecretRow))).all() == []


async def test_a_tenant_is_no_statement(store: Database) -> None:
    odd = TenantId("'; select set_config('perdure.tenant', 'other', true); --")
    async with session(store, odd) as opened:
        assert (await opened.sql.execute(text("select current_tenant()"))).scalar_one() == odd


async def test_connections_that_were_cut_are_replaced(store: Database, tenant: TenantId, postgres: Server) -> None:
    async def open_at_once(count: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(look())

    async def look() -> None:
        async with session(store, tenant) as opened:
            await opened.sql.execute(text("select pg_sleep(0.05)"))

    await open_at_once(5)
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'perdure'")
    await look()  # its connection was in use a moment ago, so that nobody asked it
    await open_at_once(5)


async def test_a_connection_keeps_no_tenant_after_its_transaction(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        pid = (await opened.sql.execute(text("select pg_backend_pid()"))).scalar_one()
    async with store.engine.connect() as connection:
        assert (await connection.execute(text("select pg_backend_pid()"))).scalar_one() == pid, "the same connection"
        setting = await connection.execute(text("select current_setting('perdure.tenant', true)"))
        assert setting.scalar_one() == ""


def test_every_table_is_closed_for_its_owner_too(postgres: Server, database_name: str) -> None:
    with psycopg.connect(postgres.url(database_name, MIGRATOR)) as connection:
        rows = connection.execute(
            "select relname, relrowsecurity and relforcerowsecurity from pg_class "
            "where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'"
        ).fetchall()
    assert dict(rows) == dict.fromkeys(SQLModel.metadata.tables, True)


def test_no_role_that_a_process_uses_can_bypass_it(postgres: Server, database_name: str) -> None:
    with psycopg.connect(postgres.url(database_name)) as connection:
        roles = connection.execute(
            "select rolname, rolsuper or rolbypassrls or rolcreaterole or rolcreatedb, rolcanlogin from pg_roles "
            "where rolname like 'perdure%' order by 1"
        ).fetchall()
        owned = connection.execute("select count(*) from pg_class where relowner = %s::regrole", [APP]).fetchone()
        member = connection.execute("select count(*) from pg_auth_members where member = %s::regrole", [APP]).fetchone()
    assert roles == [(APP, False, True), (DOORMAN, False, False), (MIGRATOR, False, True)]
    assert owned == (0,)
    assert member == (0,)


def test_the_application_cannot_change_the_schema(postgres: Server, database_name: str) -> None:
    attempts = ["alter table secrets disable row level security", "create table mine (x int)", "drop table secrets"]
    attempts += ["set role perdure_doorman", "set role perdure_migrator", "drop policy tenant on secrets"]
    for attempt in attempts:
        with psycopg.connect(postgres.url(database_name)) as connection, pytest.raises(psycopg.Error):
            connection.execute(attempt.encode())


async def test_a_key_is_found_until_it_is_revoked(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        key = await tenants.add_key(opened, name="mine")
    holder = await tenants.holder(store, key)
    assert holder is not None
    assert holder.tenant == tenant
    assert await tenants.holder(store, key + "x") is None
    async with session(store, tenant) as opened:
        await tenants.revoke_key(opened, holder.key)
    assert await tenants.holder(store, key) is None


async def test_a_key_of_another_tenant_cannot_be_revoked(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        key = await tenants.add_key(opened, name="mine")
    holder = await tenants.holder(store, key)
    assert holder is not None
    async with session(store, await another_tenant(store)) as opened:
        await tenants.revoke_key(opened, holder.key)
    assert await tenants.holder(store, key) == holder


async def test_every_tenant_is_known_to_the_doorman(store: Database, tenant: TenantId) -> None:
    both = sorted([tenant, await another_tenant(store)])
    assert await tenants.every(store) == both
    assert ids.tenant() not in await tenants.every(store)
