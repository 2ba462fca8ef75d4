"""Outputs that are used again: found by what they were made of, for their time, by their tenant."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
from sqlalchemy import text

from store import cache, cached_outputs
from store.cache import Made
from store.cached_outputs import Which
from store.database import Database, database
from store.ids import TenantId
from store.roles import MIGRATOR
from store.sealing import Keyring
from store.session import session
from tests.postgres import Server, another_tenant

RECIPE = b'"demo.run"\n{"value":"r3cipe-marker"}'
MADE = Made(type="demo.run", execution="ex_1", output=b'{"value":"0utput-marker"}', ttl=3600)


async def found(store: Database, tenant: TenantId, recipe: bytes = RECIPE) -> bytes | None:
    async with session(store, tenant) as s:
        there = await cache.find(s, recipe)
    return None if there is None else there.output


async def kept(store: Database, tenant: TenantId, recipe: bytes = RECIPE, made: Made = MADE) -> None:
    async with session(store, tenant) as s:
        await cache.keep(s, recipe, made)


async def expire(store: Database, tenant: TenantId, *, before: str = "1 s") -> None:
    """Let the time of all that is there be over."""
    async with session(store, tenant) as s:
        over = text("update cached_outputs set expires_at = clock_timestamp() - cast(:before as interval)")
        await s.sql.execute(over, {"before": before})


async def removed(store: Database, tenant: TenantId, *, limit: int = 100) -> int:
    async with session(store, tenant) as s:
        return await cache.remove_expired(s, limit=limit)


async def test_an_output_is_found_by_what_it_was_made_of_and_nothing_else(store: Database, tenant: TenantId) -> None:
    assert await found(store, tenant) is None
    await kept(store, tenant)
    assert await found(store, tenant) == MADE.output
    assert await found(store, tenant, RECIPE + b" ") is None


async def test_a_tenant_never_finds_what_another_made(store: Database, tenant: TenantId) -> None:
    other = await another_tenant(store)
    await kept(store, tenant)
    assert await found(store, other) is None
    await kept(store, other, made=replace(MADE, output=b"2"))
    assert (await found(store, tenant), await found(store, other)) == (MADE.output, b"2")


async def test_a_later_output_takes_the_place_and_its_own_time(store: Database, tenant: TenantId) -> None:
    await kept(store, tenant)
    await expire(store, tenant)
    assert await found(store, tenant) is None
    await kept(store, tenant, made=replace(MADE, output=b"2", execution="ex_2", ttl=0.5))
    async with session(store, tenant) as s:
        rows = (await s.sql.execute(text("select execution_id, expires_at - stored_at from cached_outputs"))).all()
    assert [(row[0], round(row[1].total_seconds(), 3)) for row in rows] == [("ex_2", 0.5)]
    await kept(store, tenant, made=replace(MADE, output=b"3"))
    assert await found(store, tenant) == b"3"


async def test_uses_are_counted_by_many_at_once_and_anew_once_it_is_stored_anew(
    store: Database, tenant: TenantId
) -> None:
    ids: list[str] = []
    for recipe in (RECIPE, b"other"):
        await kept(store, tenant, recipe)
        async with session(store, tenant) as s:
            there = await cache.find(s, recipe)
        assert there is not None
        ids.append(there.id)

    async def used(*hits: tuple[str, float]) -> None:
        async with session(store, tenant) as s:
            await cache.count(s, hits)

    first, second = ids
    gone = cache.shown_id(bytes(32))
    some = [(first, 1.0), (first, 7.0), (second, 3.0), (gone, 1.0)]
    await asyncio.gather(*(used(*some[:: 1 if n % 2 else -1]) for n in range(20)))
    async with session(store, tenant) as s:
        listed = await cached_outputs.page(s, Which(), before=None, limit=5)
    assert {each.id: each.hits for each in listed} == {first: 40, second: 20}
    assert {each.id: each.used_at and each.used_at.timestamp() for each in listed} == {first: 7.0, second: 3.0}
    await kept(store, tenant)
    async with session(store, tenant) as s:
        again, _ = await cached_outputs.find(s, first)
    assert (again.hits, again.used_at) == (0, None)


async def test_many_who_keep_the_same_at_once_leave_one(store: Database, tenant: TenantId) -> None:
    outputs = [b"%d" % n for n in range(20)]
    await asyncio.gather(*(kept(store, tenant, made=replace(MADE, output=output)) for output in outputs))
    assert await found(store, tenant) in outputs
    await expire(store, tenant)
    assert await removed(store, tenant) == 1


async def test_an_output_of_any_size_comes_back(store: Database, tenant: TenantId) -> None:
    large = b'"' + b"x" * (20 * 1024 * 1024 - 2) + b'"'
    await kept(store, tenant, made=replace(MADE, output=large, ttl=36_500 * 86_400.0))
    assert await found(store, tenant) == large


async def test_what_lies_in_the_table_tells_nothing(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    await kept(store, tenant)
    await kept(store, await another_tenant(store))
    with psycopg.connect(postgres.url(database_name, "postgres")) as connection:
        rows = connection.execute("select cached_outputs::text, digest, output from cached_outputs").fetchall()
    digests = {bytes(digest) for _, digest, _ in rows}
    assert len(digests) == 2, "equal recipes of two tenants cannot be seen to be equal"
    assert hashlib.sha256(RECIPE).digest() not in digests
    for row in rows:
        assert b"marker" not in row[0].encode() + bytes(row[1]) + bytes(row[2])


async def test_a_new_master_key_hides_nothing_while_the_old_one_is_there(
    store: Database, tenant: TenantId, keyring: Keyring, database_url: str
) -> None:
    await kept(store, tenant)
    new = bytes(32)
    async with database(database_url, Keyring((new, *keyring.keys))) as renewed:
        assert await found(renewed, tenant) == MADE.output
        await kept(renewed, tenant, made=replace(MADE, output=b"2"))
        assert await found(renewed, tenant) == b"2"
        await expire(renewed, tenant)
        async with session(store, tenant) as s:
            older = text("update cached_outputs set expires_at = 'infinity' where length(output) > 30")
            await s.sql.execute(older)
        assert await found(renewed, tenant) is None, "the earlier one does not come back"
    async with database(database_url, Keyring((new,))) as without_old:
        assert await found(without_old, tenant) is None


async def test_what_is_over_is_removed_a_few_at_a_time_the_oldest_first(store: Database, tenant: TenantId) -> None:
    other = await another_tenant(store)
    await kept(store, other)
    await expire(store, other)
    for n in range(5):
        await kept(store, tenant, b"recipe %d" % n, replace(MADE, execution=f"ex_{n}"))
        await expire(store, tenant)
    await kept(store, tenant)
    assert await removed(store, tenant, limit=2) == 2
    async with session(store, tenant) as s:
        left = (await s.sql.scalars(text("select execution_id from cached_outputs order by expires_at"))).all()
    assert len(left) == 4
    assert [await removed(store, tenant, limit=2) for _ in range(3)] == [2, 1, 0]
    assert await found(store, tenant) == MADE.output
    assert await removed(store, other) == 1


async def test_removing_waits_for_nobody_who_stores_the_same_anew(store: Database, tenant: TenantId) -> None:
    await kept(store, tenant)
    await expire(store, tenant)
    async with session(store, tenant) as s:
        await cache.keep(s, RECIPE, replace(MADE, output=b"2"))
        assert await removed(store, tenant) == 0
    assert await found(store, tenant) == b"2"


def test_what_is_over_is_found_by_an_index(postgres: Server, database_name: str) -> None:
    with psycopg.connect(postgres.url(database_name, MIGRATOR)) as connection:
        connection.execute("set enable_seqscan = off; set perdure.tenant = 'tn_1'")
        query = "explain select digest from cached_outputs where expires_at <= now() order by expires_at limit 5"
        plan = "\n".join(line for [line] in connection.execute(query).fetchall())
    assert "cached_outputs_by_expiry" in plan


async def test_every_list_of_what_is_stored_uses_an_index(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    async with session(store, tenant) as s:
        await s.sql.execute(
            text("""
            insert into cached_outputs (digest, type, workflow, node, key_digest, output, stored_at, expires_at)
            select decode(md5(n::text), 'hex'), 'a.b', 'w-' || n % 30, 'a', decode(md5((n % 500)::text), 'hex'), '',
                now() - n * interval '1 s', now() + interval '1 day'
            from generate_series(1, 20000) as n""")
        )
    with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
        connection.execute("analyze cached_outputs")
    expected = {"time": Which(), "workflow": Which("w-7", node="a"), "key": Which(key="k-7")}
    async with session(store, tenant) as s:
        for name, which in expected.items():
            query, values = cached_outputs.listing(s, which, before=(datetime.now(UTC), f"co_{'0' * 64}"))
            plan = "\n".join(await s.sql.scalars(text(f"explain {query}"), {**values, "limit": 51}))
            assert f"cached_outputs_by_{name}" in plan, plan
            assert "Seq Scan" not in plan
        assert await cached_outputs.remove_all(s, Which("w-7"), limit=500) == 500
        assert await cached_outputs.remove_all(s, Which("w-7"), limit=500) == 167
