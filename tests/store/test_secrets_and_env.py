"""What tenants put into secrets and env, and what they may see of it again."""

import psycopg
import pytest
from pydantic import JsonValue

from dag.errors import PerdureError
from store import env, secrets
from store.database import Database
from store.env import EnvRefused, EnvTooLarge, EnvUnknown, TooManyInEnv
from store.ids import TenantId
from store.secrets import SecretRefused, SecretTooLarge, SecretUnknown, TooManySecrets
from store.session import session
from tests.postgres import Server, another_tenant

BAD_NAMES = ["", "1st", "a b", "a/b", "-a", ".a", "a" * 64, "ключ", "a\n"]


async def test_a_secret_is_named_but_never_shown(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as s:
        await secrets.put(s, "stripe", "sk_1")
        await secrets.put(s, "mail-box.key", "k")
        await secrets.put(s, "stripe", "sk_2")
        assert [each.name for each in await secrets.names(s)] == ["mail-box.key", "stripe"]
        assert "sk_" not in repr(await secrets.names(s))
    async with session(store, tenant) as s:
        assert await secrets.resolve(s, ["stripe", "other"]) == {"stripe": "sk_2"}
        await secrets.delete(s, "stripe")
        assert await secrets.resolve(s, ["stripe"]) == {}
        with pytest.raises(SecretUnknown):
            await secrets.delete(s, "stripe")


@pytest.mark.parametrize(
    "value", [None, True, 1, -0.5, "x", "", ["a", {"b": None}], {"z": 1, "a": {"ü": "€"}}], ids=repr
)
async def test_env_keeps_any_json_as_it_was_put(store: Database, tenant: TenantId, value: JsonValue) -> None:
    async with session(store, tenant) as s:
        await env.put(s, "name", "before")
        await env.put(s, "name", value)
        await env.put(s, "another", 1)
    async with session(store, tenant) as s:
        assert await env.values(s) == {"another": 1, "name": value}
        assert repr(await env.values(s)) == repr({"another": 1, "name": value})
        await env.delete(s, "name")
        assert await env.values(s) == {"another": 1}
        with pytest.raises(EnvUnknown):
            await env.delete(s, "name")


async def test_secrets_and_env_are_their_tenants_own(store: Database, tenant: TenantId) -> None:
    other = await another_tenant(store)
    async with session(store, tenant) as s:
        await secrets.put(s, "key", "ours")
        await env.put(s, "rate", 1)
    async with session(store, other) as s:
        assert await secrets.names(s) == []
        assert await secrets.resolve(s, ["key"]) == {}
        assert await env.values(s) == {}
        await secrets.put(s, "key", "theirs")
        with pytest.raises(EnvUnknown):
            await env.delete(s, "rate")
    async with session(store, tenant) as s:
        assert await secrets.resolve(s, ["key"]) == {"key": "ours"}


@pytest.mark.parametrize("name", BAD_NAMES)
async def test_a_name_that_no_document_could_write_is_refused(store: Database, tenant: TenantId, name: str) -> None:
    async with session(store, tenant) as s:
        with pytest.raises(SecretRefused):
            await secrets.put(s, name, "x")
        with pytest.raises(EnvRefused):
            await env.put(s, name, "x")


async def test_there_is_a_limit_to_their_size_that_is_told(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as s:
        await secrets.put(s, "large", "é" * (secrets.MOST_BYTES // 2))
        with pytest.raises(SecretTooLarge) as secret:
            await secrets.put(s, "large", "é" * (secrets.MOST_BYTES // 2) + "x")
        with pytest.raises(EnvTooLarge) as value:
            await env.put(s, "large", "x" * env.MOST_BYTES)
    assert (secret.value.code, value.value.code) == ("limit.secret_bytes", "limit.env_bytes")
    assert "xx" not in secret.value.message + value.value.message


async def test_there_is_a_limit_to_their_number_that_replacing_does_not_meet(
    store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "MOST", 2)
    monkeypatch.setattr(env, "MOST", 2)
    async with session(store, tenant) as s:
        for name in ("a", "b", "a"):
            await secrets.put(s, name, "x")
            await env.put(s, name, "x")
        full: list[PerdureError] = []
        with pytest.raises(TooManySecrets) as refused:
            await secrets.put(s, "c", "x")
        full.append(refused.value)
        with pytest.raises(TooManyInEnv) as refused:
            await env.put(s, "c", "x")
        full.append(refused.value)
    assert [wrong.code for wrong in full] == ["limit.secrets", "limit.env"]


async def test_a_secret_lies_sealed_in_its_table(
    store: Database, tenant: TenantId, postgres: Server, database_name: str
) -> None:
    async with session(store, tenant) as s:
        await secrets.put(s, "key", "s3cr3t-marker")
        await env.put(s, "rate", "pl4in-marker")
    with psycopg.connect(postgres.url(database_name, "postgres")) as connection:
        kept = connection.execute("select value from secrets union all select value from env").fetchall()
    assert len(kept) == 2
    assert not any(b"marker" in bytes(row[0]) for row in kept)
