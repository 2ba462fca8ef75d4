"""An activity with `cache`: what is there already is given, not made again, and nothing about that can fail a node."""

import asyncio
import time
import uuid
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from pydantic import JsonValue
from sqlalchemy import text
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.context import Context
from activities.errors import NetworkError
from dag.invocation import CACHED, CacheUse, Invocation, SecretText
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from store.cache import Found, Made
from store.database import Database, StoreUnavailable
from store.ids import TenantId
from store.session import session
from tests.postgres import Server
from tests.runtime.test_database_storage import Away
from tests.worker.attempts import Bench, Config, Output, Recorded, bench, declared, means
from tests.worker.calling import Asked, handed_over
from worker import reconcile, reuse
from worker.cache import Cache, CacheInMemory, CacheInStore
from worker.host import worker
from worker.journal import writing
from worker.reuse import recipe

ACME = TenantId("acme")


def use(key: JsonValue = None, ttl: float = 3600, **more: Any) -> Invocation:
    return Invocation(timeout=20, cache=CacheUse(key, ttl), **more)


class Counting:
    """Gives how often it has run."""

    def __init__(self) -> None:
        self.runs = 0

    async def __call__(self, config: Config, context: Context) -> Output:
        self.runs += 1
        return Output(value=self.runs)


@pytest.fixture(params=["in the store", "in memory"])
def cache(request: pytest.FixtureRequest, store: Database) -> Cache:
    return CacheInStore(store) if request.param == "in the store" else CacheInMemory()


def given(on: Bench, cache: Cache) -> Bench:
    on.means = replace(on.means, cache=cache)
    return on


class TestReuse:
    async def test_what_was_made_is_given_again_and_nothing_runs(self, cache: Cache) -> None:
        run = Counting()
        async with bench(run) as on:
            given(on, cache)
            assert [await on.attempt({"value": 1}, use("k")) for _ in range(3)] == [{"value": 1}] * 3
        assert run.runs == 1
        assert [record.cached for record in on.sink.attempts] == [False, True, True]
        assert {record.status for record in on.sink.attempts} == {"succeeded"}
        assert on.sink.attempts[2].output == b'{"value":1}'

    async def test_another_config_key_type_or_tenant_makes_its_own(self, cache: Cache) -> None:
        run = Counting()
        async with means([declared(run), declared(run, "demo.other")]) as have:
            on = given(Bench(have), cache)
            different: list[tuple[JsonValue, Invocation, dict[str, str]]] = [
                ({"value": 1}, use("k"), {}),
                ({"value": 2}, use("k"), {}),
                ({"value": "1"}, use("k"), {}),
                ({"value": 1}, use("l"), {}),
                ({"value": 1}, use(None), {}),
                ({"value": 1}, use({"k": ["k"]}), {}),
                ({"value": 1}, use("k"), {"activity_type": "demo.other"}),
                ({"value": 1}, use("k"), {"workflow_id": "other/ex_1"}),
            ]
            for expected in (range(1, 9), range(1, 9)):
                got: list[JsonValue] = []
                for config, invocation, changes in different:
                    on.info(attempt=1)
                    on.environment.info = replace(on.environment.info, **changes)
                    got.append(await on.attempt(config, invocation))
                assert got == [{"value": n} for n in expected]

    async def test_other_executions_attempts_and_places_share_it_and_the_order_of_keys_does_not_count(
        self, cache: Cache
    ) -> None:
        run = Counting()
        async with bench(run) as on:
            given(on, cache)
            await on.attempt({"value": {"a": 1, "b": 2}, "times": 1}, use({"x": 1, "y": 2}))
            on.info(attempt=3, is_local=True)
            on.environment.info = replace(on.environment.info, workflow_id="acme/ex_2/each/4", activity_id="other")
            other = use({"y": 2, "x": 1}, ttl=5, deadline=time.time() + 60, earlier_attempts=1)
            assert await on.attempt({"times": 1, "value": {"b": 2, "a": 1}}, other) == {"value": 1}

    async def test_when_its_time_is_over_it_is_made_again(self, store: Database) -> None:
        async with bench(Counting()) as on:
            given(on, CacheInStore(store))
            await on.attempt({}, use())
            async with session(store, ACME) as s:
                await s.sql.execute(text("update cached_outputs set expires_at = clock_timestamp()"))
            assert [await on.attempt({}, use()) for _ in range(2)] == [{"value": 2}] * 2

    async def test_what_is_kept_in_memory_has_its_time_too(self) -> None:
        async with bench(Counting()) as on:
            assert [await on.attempt({}, use(ttl=1e-9)) for _ in range(2)] == [{"value": 1}, {"value": 2}]

    async def test_without_cache_nothing_is_looked_for_or_stored(self, cache: Cache) -> None:
        async with bench(Counting()) as on:
            given(on, cache)
            assert [await on.attempt({}) for _ in range(2)] == [{"value": 1}, {"value": 2}]
            assert await on.attempt({}, use()) == {"value": 3}
            assert await on.attempt({}) == {"value": 4}

    async def test_two_at_once_both_run_and_the_later_output_stays(self, cache: Cache) -> None:
        both = asyncio.Barrier(2)
        ended = asyncio.Event()
        runs = iter(["early", "late"])

        async def run(config: Config, context: Context) -> Output:
            mine = next(runs)
            await both.wait()
            if mine == "late":
                await ended.wait()
            return Output(value=mine)

        async with bench(run) as on, means([declared(run)]) as have:
            given(on, cache)
            other = given(Bench(have), cache)
            first = asyncio.create_task(on.attempt({}, use()))
            second = asyncio.create_task(other.attempt({}, use()))
            done, _ = await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
            assert [await each for each in done] == [{"value": "early"}]
            ended.set()
            await asyncio.gather(first, second)
            assert await on.attempt({}, use()) == {"value": "late"}


class TestFailure:
    async def test_a_failure_is_never_kept(self, cache: Cache, store: Database) -> None:
        async def run(config: Config, context: Context) -> Output:
            runs.append(1)
            if len(runs) < 3:
                raise NetworkError
            return Output(value="x" * (20 * 1024 * 1024 if len(runs) < 5 else 1))

        runs: list[int] = []
        codes: list[str | None] = []
        async with bench(run) as on:
            given(on, cache)
            for _ in range(4):
                with pytest.raises(ApplicationError) as failed:
                    await on.attempt({}, use())
                codes.append(failed.value.type)
            assert [await on.attempt({}, use()) for _ in range(2)] == [{"value": "x"}] * 2
        assert codes == ["http.network", "http.network", "payload.too_large", "payload.too_large"]
        assert len(runs) == 5

    async def test_an_attempt_that_is_cancelled_keeps_nothing(self, cache: Cache) -> None:
        async def run(config: Config, context: Context) -> Output:
            began.set()
            await asyncio.sleep(60)
            return Output()

        began = asyncio.Event()
        async with bench(run) as on:
            given(on, cache)
            attempt = asyncio.create_task(on.attempt({}, use()))
            await began.wait()
            on.environment.cancel()
            with pytest.raises(asyncio.CancelledError):
                await attempt
        assert await cache.find("acme", recipe("demo.run", {}, use())) is None

    async def test_a_cancel_that_comes_while_it_is_stored_is_too_late(self) -> None:
        class Slow(CacheInMemory):
            async def keep(self, tenant: str, recipe: bytes, made: Made) -> None:
                storing.set()
                await asyncio.sleep(60)

        storing = asyncio.Event()
        async with bench(Counting()) as on:
            given(on, Slow())
            attempt = asyncio.create_task(on.attempt({}, use()))
            await storing.wait()
            on.environment.cancel()
            assert await attempt == {"value": 1}
        assert [record.status for record in on.sink.attempts] == ["succeeded"]


class TestSecrets:
    TOKEN = (SecretText("/value/token", ("Bearer ", ("key",))),)

    async def test_what_it_is_found_by_names_a_secret_and_does_not_hold_it(self) -> None:
        asked: list[bytes] = []

        class Watched(CacheInMemory):
            async def find(self, tenant: str, recipe: bytes) -> Found | None:
                asked.append(recipe)
                return await super().find(tenant, recipe)

            async def keep(self, tenant: str, recipe: bytes, made: Made) -> None:
                asked.extend([recipe, made.output])
                await super().keep(tenant, recipe, made)

        async def run(config: Config, context: Context) -> Output:
            return Output(value=config.value)

        async with bench(run, key="s3cr3t-key") as on:
            given(on, Watched())
            config: JsonValue = {"value": {"token": "***"}}
            assert await on.attempt(config, use(secrets=self.TOKEN)) == {"value": {"token": "Bearer ***"}}
            on.means = replace(on.means, secrets=Missing())
            again = await on.attempt({"value": {"token": "***"}}, use(secrets=self.TOKEN))
            assert again == {"value": {"token": "Bearer ***"}}, "nobody needs the secret, whatever it is now"
        assert len(asked) == 4
        assert asked[0] == asked[1] == asked[3]
        assert b"key" in asked[0]
        assert b"s3cr3t" not in b"".join(asked)

    def test_another_secret_or_text_around_it_is_another_config(self) -> None:
        config: JsonValue = {"value": {"token": "***"}, "other": "***"}
        of: list[tuple[SecretText, ...]] = [
            (),
            self.TOKEN,
            (SecretText("/value/token", (("key",),)),),
            (SecretText("/value/token", ("Bearer ", ("other",))),),
            (SecretText("/value/token", ("Bearer key",)),),
            (SecretText("/other", ("Bearer ", ("key",))),),
        ]
        recipes = [recipe("demo.run", config, use(secrets=secrets)) for secrets in of]
        assert len(set(recipes)) == len(of)

    def test_the_order_in_which_secrets_are_listed_does_not_count(self) -> None:
        texts = (SecretText("/a", (("x",),)), SecretText("/b", (("y",),)))
        one, other = (
            recipe("t", {"a": 1, "b": 2}, use(secrets=texts)),
            recipe("t", {"b": 2, "a": 1}, use(secrets=texts[::-1])),
        )
        assert one == other


class Missing:
    async def resolve(self, tenant: str, name: str) -> str:
        raise AssertionError("nothing needs a secret here")


class TestOutage:
    async def test_looking_waits_for_the_database_and_is_none_of_the_attempt_s_time(
        self, store: Database, postgres: Server, database_name: str
    ) -> None:
        away = Away(postgres, database_name)
        run = Counting()
        async with bench(run) as on:
            given(on, CacheInStore(store))
            await on.attempt({}, use())
            away.go()
            invocation = replace(use(), timeout=0.1)
            attempt = asyncio.create_task(on.attempt({}, invocation))
            await asyncio.sleep(0.5)
            assert not attempt.done()
            away.come_back()
            assert await attempt == {"value": 1}
        assert run.runs == 1
        away.close()

    async def test_looking_waits_no_longer_than_the_node_has(
        self, store: Database, postgres: Server, database_name: str
    ) -> None:
        away = Away(postgres, database_name)
        away.go()
        async with bench(Counting()) as on:
            given(on, CacheInStore(store))
            with pytest.raises(ApplicationError) as failed:
                await on.attempt({}, use(deadline=time.time() + 0.3))
        assert (failed.value.type, on.sink.attempts[0].cached) == ("timeout.node", None)
        away.come_back()
        away.close()

    async def test_a_node_that_has_succeeded_does_not_fail_for_what_cannot_be_stored(
        self, store: Database, postgres: Server, database_name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def run(config: Config, context: Context) -> Output:
            away.go()
            return Output(value="m4rker")

        away = Away(postgres, database_name)
        async with bench(run) as on:
            given(on, CacheInStore(store))
            assert await on.attempt({"value": "m4rker"}, use()) == {"value": "m4rker"}
        away.come_back()
        away.close()
        assert "could not be kept" in caplog.text
        assert "m4rker" not in caplog.text
        assert await CacheInStore(store).find("acme", recipe("demo.run", {"value": "m4rker"}, use())) is None

    @pytest.mark.parametrize("how", ["it refuses", "it is silent"])
    async def test_storing_gives_up_soon(self, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
        class Gone(CacheInMemory):
            async def keep(self, tenant: str, recipe: bytes, made: Made) -> None:
                if how == "it refuses":
                    raise StoreUnavailable
                await asyncio.sleep(3600)

        monkeypatch.setattr(reuse, "KEEPING", 0.05)
        async with bench(Counting()) as on:
            given(on, Gone())
            assert await on.attempt({}, use()) == {"value": 1}


@workflow.defn(name="calling twice")
class Twice:
    """Calls the same twice and says what the results' metadata held."""

    @workflow.run
    async def run(self, asked: Asked) -> list[JsonValue]:
        return [self._seen(await self._called(asked, n)) for n in range(2)]

    def _called(self, asked: Asked, n: int) -> Awaitable[RawValue]:
        path = f"{asked.path}{n}"
        how: dict[str, Any] = {"activity_id": path, "result_type": RawValue}
        if asked.local:
            self._handed = handed_over(path, asked)
            return workflow.start_local_activity(asked.type, schedule_to_close_timeout=TIMEOUT, **how)
        arguments = [asked.config, asked.invocation]
        return workflow.start_activity(asked.type, args=arguments, start_to_close_timeout=TIMEOUT, **how)

    def _seen(self, result: RawValue) -> list[JsonValue]:
        mark = result.payload.metadata.get(CACHED)
        return [len(result.payload.data), None if mark is None else mark.decode()]


TIMEOUT = timedelta(seconds=30)


class TestMark:
    @pytest.mark.parametrize("local", [False, True], ids=["normal", "local"])
    @pytest.mark.parametrize(("size", "outside"), [(10, False), (10_000, None), (400_000, True)])
    async def test_a_result_that_was_stored_is_marked_as_such_wherever_it_is_kept(
        self, client: Client, storage: MemoryStorage, size: int, *, outside: bool | None, local: bool
    ) -> None:
        async def run(config: Config, context: Context) -> Output:
            return Output(value=token_hex(size // 2))

        queue, sink = f"q-{uuid.uuid4()}", Recorded()
        async with (
            means([declared(run)], storage=storage) as have,
            worker(client, Settings(queue=queue), means=have, sink=sink, workflow=Twice),
        ):
            asked = Asked("demo.run", {}, use(), local=local)
            result = await client.execute_workflow(Twice.run, asked, id=f"acme/{uuid.uuid4()}", task_queue=queue)
        length = size + len('{"value":""}')
        assert result == [[length, None], [length, "1"]]
        assert (storage.size > 0) is (local if outside is None else outside)
        assert [record.cached for record in sink.attempts] == [False, True]


async def test_the_journal_says_that_nothing_ran(store: Database, tenant: TenantId) -> None:
    async with bench(Counting()) as on:
        on.environment.info = replace(on.environment.info, workflow_id=f"{tenant}/ex_1")
        for _ in range(2):
            await on.attempt({}, use())
    await writing(store)(on.sink.attempts)
    async with session(store, tenant) as s:
        rows = await s.sql.scalars(text("select data from events where type = 'attempt.succeeded' order by seq"))
        said = [s.seal.open(row) for row in rows]
    assert [b'"cached":true' in each for each in said] == [False, True]


async def test_a_pass_removes_what_nobody_may_use_any_more(client: Client, store: Database, tenant: TenantId) -> None:
    cache = CacheInStore(store)
    made = Made(type="demo.run", execution="ex_1", output=b"1", ttl=3600)
    await cache.keep(tenant, b"old", made)
    async with session(store, tenant) as s:
        await s.sql.execute(text("update cached_outputs set expires_at = clock_timestamp()"))
    await cache.keep(tenant, b"new", made)
    await reconcile.run(client, store, None)
    async with session(store, tenant) as s:
        assert (await s.sql.scalars(text("select count(*) from cached_outputs"))).one() == 1
    there = await cache.find(tenant, b"new")
    assert there is not None
    assert there.output == b"1"
