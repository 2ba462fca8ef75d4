"""Parts of a local stack, and all of it, die in mid-execution: everything finishes, and every journal is whole soon."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx2
import pytest
from pydantic import JsonValue
from sqlalchemy import text
from temporalio.client import Client, WorkflowExecutionStatus

from cli.up.folder import PostgresAccess
from cli.up.stack import DATABASE
from runtime import local_postgres
from store import tenants
from store.database import Database, StoreUnavailable, database
from store.ids import TenantId
from store.roles import APP
from store.sealing import read_keyring
from store.session import session
from tests.api.service import Caller
from tests.api.working import published
from tests.cli.local_stack import LocalStack, running, until
from tests.faults.effects import chain, effect, flow
from tests.faults.processes import recording
from tests.store.telling import stored
from tests.worker.journals import is_whole

pytestmark = pytest.mark.timeout(300)  # a stack starts first, and again

SECONDS_TO_FINISH = 200
SECONDS_TO_WHOLE = 60
EFFECTS = 30
AT_FIRST = 4
KILL_AFTER = (15, 100)
"""Requests: among the chains, and in the midst of all."""


def work(port: int, name: str) -> dict[str, Any]:
    """A chain of effects, a wait, a choice, a fan-out of effects, another chain."""
    fan = {f"fan{n}": effect(port, f"fan{n}", ["known.true"]) for n in range(EFFECTS - 12)}
    statuses = " + ".join(f"nodes.{id}.output.status" for id in [*fan, *(f"{s}{n}" for s in "ab" for n in range(6))])
    nodes = {
        **chain(port, "a", 6),
        "pause": {"type": "delay", "needs": ["a5"], "config": {"for": "1s"}},
        "known": {"type": "if", "needs": ["pause"], "config": {"condition": "nodes.a0.output.status = 200"}},
        **fan,
        "met": {"type": "transform", "needs": [*fan], "config": {"expression": "'met'"}},
        **chain(port, "b", 6, ["met"]),
        "total": {"type": "transform", "needs": ["b5"], "config": {"expression": statuses}},
    }
    output = {"order": "${{ input.order }}", "total": "${{ nodes.total.output }}"}
    return {"language": 1, "name": name, "nodes": nodes, "output": output}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that is whole again after every test."""
    with running(tmp_path_factory.mktemp("stack"), {"PERDURE_EGRESS_ALLOW": "127.0.0.0/8"}) as started:
        yield started


@pytest.fixture
async def store(stack: LocalStack) -> AsyncGenerator[Database]:
    """The stack's database."""
    access = PostgresAccess.model_validate_json((stack.data / "postgres.json").read_text())
    url = local_postgres.url(access.port, user=APP, password=access.app, database=DATABASE)
    async with database(url, read_keyring((stack.data / "master.key").read_text())) as opened:
        yield opened


@pytest.fixture
async def tenant(store: Database) -> TenantId:
    """The stack's only tenant."""
    [only] = await tenants.every(store)
    return only


@pytest.fixture
async def me(stack: LocalStack, tenant: TenantId) -> AsyncGenerator[Caller]:
    """A client with the stack's own key."""
    key = (stack.data / "admin.key").read_text().strip()
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(base_url=f"{stack.url}/api/v1", headers=headers, timeout=30, trust_env=False) as http:
        yield Caller(tenant, key, http)


async def started(me: Caller, workflow: str, input: JsonValue) -> str:
    """Start an execution; what got no answer, or was told to come back, is sent again with the same key."""
    key = secrets.token_hex(8)
    while True:
        with suppress(httpx2.TransportError):
            answer = await me.http.post(
                f"/workflows/{workflow}/executions", json={"input": input}, headers={"Idempotency-Key": key}
            )
            if answer.status_code in (200, 201):
                return answer.json()["id"]
            assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)


async def listed(me: Caller, path: str, **query: str) -> list[Any]:
    """All items of a list, page by page."""
    items: list[Any] = []
    cursor: str | None = None
    while True:
        params = {"limit": "50", **query, **({} if cursor is None else {"cursor": cursor})}
        answer = await me.http.get(path, params=params)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next"]
        if cursor is None:
            return items


async def kill(stack: LocalStack, victim: str) -> None:
    """Kill it, and see it come back; `perdure up` itself is started again."""
    if victim == "up":
        assert await asyncio.to_thread(stack.end, signal.SIGKILL) == -signal.SIGKILL
        await asyncio.to_thread(stack.start)
    else:
        before = stack.pids()[victim]
        os.kill(before, signal.SIGKILL)
        await asyncio.to_thread(until, lambda: stack.pids().get(victim, before) != before, stack.said)


async def reached(good: Callable[[], bool]) -> None:
    while not good():
        await asyncio.sleep(0.02)


async def whole(store: Database, me: Caller, execution: str, *, events: int) -> float:
    """Wait until a journal has all events of an execution; the time at which that was seen."""
    while True:
        with suppress(StoreUnavailable):
            if is_whole(await stored(store, me.tenant, execution), events=events):
                return time.time()
        await asyncio.sleep(0.2)


async def seconds_to_whole(me: Caller, execution: str, whole_at: float) -> float:
    """How long after its end the journal of an execution that has succeeded was seen to be whole."""
    told = (await me.http.get(f"/workflows/executions/{execution}")).json()
    assert told["status"] == "succeeded", told["error"]
    return whole_at - datetime.fromisoformat(told["closed_at"]).timestamp()


async def as_readers_see_it(me: Caller, execution: str, nodes: dict[str, Any]) -> None:
    """Assert that the API tells the whole story of an execution that succeeded."""
    events = await listed(me, f"/workflows/executions/{execution}/events")
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    own = [event["type"] for event in events if not event["path"] and event["type"] != "replaced"]
    assert own == ["execution.started", "execution.succeeded"]
    runs = await listed(me, f"/workflows/executions/{execution}/nodes")
    assert {run["path"]: run["status"] for run in runs} == dict.fromkeys(nodes, "succeeded")


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker-1", "api", "postgres", "temporal", "up"])
async def test_killing_it_twice_in_mid_execution_loses_nothing(
    victim: str, stack: LocalStack, me: Caller, store: Database
) -> None:
    async with recording() as (recorder, port), asyncio.timeout(SECONDS_TO_FINISH):
        name = f"work-{victim}"
        document = work(port, name)
        nodes = document["nodes"]
        await published(me, document)
        events = 2 + 2 * len(nodes) + 1  # the delay also says that it waits

        async def followed(order: int) -> tuple[str, float]:
            # Large enough to lie in the database, without which nobody can go on.
            input: JsonValue = {"order": order, "bulk": secrets.token_hex(100_000)}
            execution = await started(me, name, input)
            return execution, await whole(store, me, execution, events=events)

        orders = [asyncio.create_task(followed(order)) for order in range(AT_FIRST)]
        for requests in KILL_AFTER:
            await reached(lambda requests=requests: recorder.requests >= requests)
            assert recorder.requests < EFFECTS * len(orders), "it dies in mid-execution"
            orders.append(asyncio.create_task(followed(len(orders))))
            await kill(stack, victim)
        ends = await asyncio.gather(*orders)
        executions = [execution for execution, _ in ends]
        waits = [await seconds_to_whole(me, *end) for end in ends]

        assert max(waits) < SECONDS_TO_WHOLE
        assert len(recorder.keys) == len(executions) * EFFECTS, "every effect reached the server"
        assert all(len(set(keys)) == 1 for keys in recorder.keys.values()), "each under one key"
        assert len({keys[0] for keys in recorder.keys.values()}) == len(recorder.keys), "and no two under the same"
        assert {run["id"] for run in await listed(me, "/workflows/executions", workflow=name)} == set(executions)
        for order, execution in enumerate(executions):
            answer = (await me.http.get(f"/workflows/executions/{execution}")).json()
            assert answer["output"] == {"order": order, "total": 200 * EFFECTS}
            await as_readers_see_it(me, execution, nodes)
            steps = [row for row in await stored(store, me.tenant, execution) if row.n is not None]
            assert max(steps, key=lambda row: row.n or 0).type == "execution.succeeded"

        repeated = recorder.requests - len(recorder.keys)
        print(f"{victim}: {repeated} repeated effects, whole {min(waits):.1f} to {max(waits):.1f} s after the end")


async def test_the_journal_of_a_worker_that_died_right_after_its_last_task_is_whole_soon(
    stack: LocalStack, me: Caller, store: Database
) -> None:
    answered = asyncio.Event()

    async def held(_: int) -> None:
        await answered.wait()

    async with recording(held) as (recorder, port), asyncio.timeout(SECONDS_TO_FINISH):
        document = flow(port, 1)
        await published(me, document)
        execution = await started(me, document["name"], None)
        await reached(lambda: len(recorder.keys) == 2)
        while len(before := await stored(store, me.tenant, execution)) < 3:
            await asyncio.sleep(0.05)
        client = await Client.connect(f"127.0.0.1:{stack.temporal_port}")
        handle = client.get_workflow_handle(f"{me.tenant}/{execution}")
        async with session(store, me.tenant) as opened:
            await opened.sql.execute(text("lock table events in exclusive mode"))  # so the worker keeps what it has
            answered.set()
            while (await handle.describe()).status is not WorkflowExecutionStatus.COMPLETED:
                await asyncio.sleep(0.02)
            assert await stored(store, me.tenant, execution) == before
            await kill(stack, "worker-1")
        events = 2 + 2 * len(document["nodes"])
        wait = await seconds_to_whole(me, execution, await whole(store, me, execution, events=events))
        assert wait < SECONDS_TO_WHOLE
        await as_readers_see_it(me, execution, document["nodes"])
        print(f"{events - len(before)} events lost, whole {wait:.1f} s after the end")
