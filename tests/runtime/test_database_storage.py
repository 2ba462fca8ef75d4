"""Large payloads in the database: kept once, found by every process, waited for while the database is away."""

import asyncio
import uuid
from collections.abc import Iterator
from secrets import token_bytes
from typing import Literal

import psycopg
import pytest
from psycopg import sql
from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriverActivityInfo,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
    WorkflowSerializationContext,
)

from runtime.codec import TenantCodec
from runtime.database_storage import DatabaseStorage
from runtime.storage import PayloadGone
from store.database import Database, StoreUnavailable, database
from store.ids import TenantId
from store.sealing import Keyring, SealBroken
from tests.postgres import Server, another_tenant

AGAIN = StorageDriverRetrieveContext()


def of(tenant: str, execution: str = "ex_1") -> StorageDriverStoreContext:
    return StorageDriverStoreContext(
        target=StorageDriverWorkflowInfo(namespace="default", id=f"{tenant}/{execution}/each/0")
    )


async def sealed(keyring: Keyring, tenant: str, data: bytes) -> Payload:
    context = WorkflowSerializationContext(namespace="default", workflow_id=f"{tenant}/ex_1")
    [payload] = await TenantCodec(keyring).with_context(context).encode([Payload(data=data)])
    return payload


@pytest.fixture
def rows(postgres: Server, database_name: str) -> Iterator[psycopg.Connection]:
    """The database as a superuser sees it."""
    with psycopg.connect(postgres.url(database_name, "postgres"), autocommit=True) as connection:
        yield connection


def count(rows: psycopg.Connection, table: str) -> int:
    [found] = rows.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone() or [0]
    return found


async def test_what_one_process_keeps_every_other_finds(store: Database, tenant: TenantId, keyring: Keyring) -> None:
    payloads = [await sealed(keyring, tenant, data) for data in (b"a", b"b" * 200_000, b"a")]
    claims = await DatabaseStorage(store).store(of(tenant), payloads)
    assert claims[0] == claims[2] != claims[1]
    assert await DatabaseStorage(store).retrieve(AGAIN, claims) == payloads


async def test_equal_payloads_of_a_tenant_are_one_row_that_says_who_uses_it(
    store: Database, tenant: TenantId, keyring: Keyring, rows: psycopg.Connection
) -> None:
    payload = await sealed(keyring, tenant, b"x" * 100_000)
    for storage in (DatabaseStorage(store), DatabaseStorage(store)):
        for execution in ("ex_1", "ex_2", "ex_1"):
            await storage.store(of(tenant, execution), [payload, payload])
    assert count(rows, "payloads") == 1
    used = rows.execute("select tenant_id, execution_id from payload_uses order by 2").fetchall()
    assert used == [(tenant, "ex_1"), (tenant, "ex_2")]
    other = await another_tenant(store)
    await DatabaseStorage(store).store(of(other), [await sealed(keyring, other, b"x" * 100_000)])
    assert count(rows, "payloads") == 2


async def test_what_is_kept_at_once_is_written_together(
    store: Database, tenant: TenantId, keyring: Keyring, rows: psycopg.Connection
) -> None:
    storage = DatabaseStorage(store)
    payloads = [await sealed(keyring, tenant, token_bytes(5_000)) for _ in range(100)]
    stored = await asyncio.gather(*(storage.store(of(tenant), [payload]) for payload in payloads))
    assert count(rows, "payloads") == 100
    assert len(rows.execute("select distinct xmin::text from payloads").fetchall()) <= 3
    claims = [claim for [claim] in stored]
    assert await DatabaseStorage(store).retrieve(AGAIN, claims) == payloads


async def test_one_who_is_cancelled_does_not_cancel_the_others(
    store: Database, tenant: TenantId, keyring: Keyring, rows: psycopg.Connection
) -> None:
    storage = DatabaseStorage(store)
    payloads = [await sealed(keyring, tenant, token_bytes(100)) for _ in range(10)]
    keeping = [asyncio.create_task(storage.store(of(tenant), [payload])) for payload in payloads]
    await asyncio.sleep(0)
    keeping[0].cancel()
    done = await asyncio.gather(*keeping, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert not any(isinstance(each, BaseException) for each in done[1:])
    assert count(rows, "payloads") >= 9


async def test_a_payload_that_is_gone_is_told_as_such(
    store: Database, tenant: TenantId, keyring: Keyring, rows: psycopg.Connection
) -> None:
    claims = await DatabaseStorage(store).store(of(tenant), [await sealed(keyring, tenant, b"x")])
    rows.execute("delete from payloads")
    assert count(rows, "payload_uses") == 0
    with pytest.raises(PayloadGone):
        await DatabaseStorage(store).retrieve(AGAIN, claims)


async def test_another_tenants_payload_is_not_found_by_its_hash(
    store: Database, tenant: TenantId, keyring: Keyring
) -> None:
    [claim] = await DatabaseStorage(store).store(of(tenant), [await sealed(keyring, tenant, b"x")])
    other = await another_tenant(store)
    with pytest.raises(PayloadGone):
        await DatabaseStorage(store).retrieve(AGAIN, [StorageDriverClaim({**claim.claim_data, "tenant": other})])


async def test_progress_of_an_activity_is_kept_for_its_tenant_too(
    store: Database, tenant: TenantId, keyring: Keyring, rows: psycopg.Connection
) -> None:
    """The SDK then names the activity, whose id says nothing of a tenant."""
    context = StorageDriverStoreContext(target=StorageDriverActivityInfo(namespace="default", id="each[0].pay"))
    payload = await sealed(keyring, tenant, b"x")
    claims = await DatabaseStorage(store).store(context, [payload])
    assert await DatabaseStorage(store).retrieve(AGAIN, claims) == [payload]
    assert rows.execute("select tenant_id from payloads").fetchall() == [(tenant,)]


async def test_content_that_is_no_payload_is_sealed_and_kept_for_its_execution(
    store: Database, tenant: TenantId, rows: psycopg.Connection
) -> None:
    storage = DatabaseStorage(store)
    key = await storage.keep(tenant, "ex_1", b"marker" * 1_000)
    assert await storage.keep(tenant, "ex_2", b"marker" * 1_000) == key
    assert await DatabaseStorage(store).content(tenant, key) == b"marker" * 1_000
    [content] = rows.execute("select content from payloads").fetchone() or [b"marker"]
    assert b"marker" not in bytes(content)
    assert count(rows, "payload_uses") == 2
    with pytest.raises(PayloadGone):
        await storage.content(await another_tenant(store), key)


async def test_another_master_key_finds_it_but_cannot_open_it(
    store: Database, tenant: TenantId, database_url: str
) -> None:
    key = await DatabaseStorage(store).keep(tenant, "ex_1", b"x")
    async with database(database_url, Keyring((bytes(32),))) as other:
        with pytest.raises(SealBroken):
            await DatabaseStorage(other).content(tenant, key)


class Away:
    """Takes a database away from those who use it, and gives it back."""

    def __init__(self, server: Server, name: str):
        self._connection = psycopg.connect(server.superuser, autocommit=True)
        self._name = name

    def go(self) -> None:
        self._allow("false")
        self._connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [self._name]
        )

    def come_back(self) -> None:
        self._allow("true")

    def close(self) -> None:
        self._connection.close()

    def _allow(self, word: Literal["true", "false"]) -> None:
        statement = sql.SQL("alter database {} allow_connections " + word)
        self._connection.execute(statement.format(sql.Identifier(self._name)))


@pytest.fixture
def away(postgres: Server, database_name: str) -> Iterator[Away]:
    taken = Away(postgres, database_name)
    yield taken
    taken.close()


async def test_while_the_database_is_away_nothing_fails_and_all_is_kept_when_it_is_back(
    store: Database, tenant: TenantId, keyring: Keyring, away: Away, rows: psycopg.Connection
) -> None:
    storage = DatabaseStorage(store)
    [before] = await storage.store(of(tenant), [await sealed(keyring, tenant, b"before")])
    payloads = [await sealed(keyring, tenant, uuid.uuid4().bytes) for _ in range(20)]
    away.go()
    work = [asyncio.create_task(storage.store(of(tenant), [payload])) for payload in payloads]
    asked = asyncio.create_task(DatabaseStorage(store).retrieve(AGAIN, [before]))
    gone = asyncio.create_task(storage.store(of(tenant), [payloads[0]]))
    await asyncio.sleep(0.5)
    assert not any(task.done() for task in (*work, asked, gone))
    assert await storage.retrieve(AGAIN, [before]), "what is in memory is there all the same"
    gone.cancel()
    away.come_back()
    claims = [claim for [claim] in await asyncio.gather(*work)]
    assert await DatabaseStorage(store).retrieve(AGAIN, claims) == payloads
    assert len(await asked) == 1
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_where_a_person_waits_it_gives_up(
    store: Database, tenant: TenantId, keyring: Keyring, away: Away
) -> None:
    storage = DatabaseStorage(store, patience=0.3)
    away.go()
    with pytest.raises(StoreUnavailable):
        await storage.store(of(tenant), [await sealed(keyring, tenant, b"x")])
    away.come_back()
    assert await storage.store(of(tenant), [await sealed(keyring, tenant, b"x")])
