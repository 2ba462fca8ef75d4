"""Starts with an Idempotency-Key: one execution, whatever happens."""

import asyncio
from typing import Any

import httpx2
import psycopg
import pytest
from pydantic import JsonValue
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from runtime.client import connect
from runtime.settings import Settings
from runtime.storage import MemoryStorage
from store.database import Database
from tests.api.processes import answering, environment, run
from tests.api.service import Api, Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published, waiting, working_on
from tests.postgres import MIGRATOR, Server
from tests.temporal import free_port

START = "/workflows/waiting/executions"


async def started(me: Caller, key: str, body: JsonValue = None, path: str = START) -> httpx2.Response:
    return await me.http.post(path, json=body or {"input": {"n": 1, "m": [2]}}, headers={"Idempotency-Key": key})


async def in_temporal(settings: Settings, store: Database, me: Caller) -> list[Any]:
    """The executions that Temporal knows of a tenant."""
    client = await connect(settings, storage=MemoryStorage(), keyring=store.keyring)
    await asyncio.sleep(0.3)  # lists of Temporal's are a little late
    return [each async for each in client.list_workflows() if each.id.startswith(me.tenant)]


async def test_of_fifty_starts_at_once_with_one_key_one_execution_comes(
    me: Caller, api_settings: Settings, store: Database
) -> None:
    await published(me, waiting())
    answers = await asyncio.gather(*(started(me, "order-7") for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert all((answer.status_code == 200) == ("idempotency-replayed" in answer.headers) for answer in answers)
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await in_temporal(api_settings, store, me)) == 1
    assert len((await me.http.get("/workflows/executions")).json()["items"]) == 1


async def test_a_repeated_start_answers_with_the_first_execution_whatever_the_order_of_keys(me: Caller) -> None:
    await published(me, waiting())
    first = await started(me, "k")
    again = await started(me, "k", {"input": {"m": [2], "n": 1}})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json() == first.json()


@pytest.mark.parametrize(
    "other",
    [
        {"input": {"n": 2, "m": [2]}},
        {"input": {"n": 1, "m": [2]}, "priority": 1},
        {"input": {"n": 1, "m": [2]}, "labels": {"a": "b"}},
        {"input": {"n": 1, "m": [2]}, "version": 1},
    ],
    ids=["input", "priority", "labels", "version"],
)
async def test_another_request_with_the_same_key_is_a_conflict(me: Caller, other: JsonValue) -> None:
    await published(me, waiting())
    assert (await started(me, "k")).status_code == 201
    assert code(await started(me, "k", other)) == (409, "idempotency.conflict")


async def test_a_key_counts_within_its_workflow_and_its_tenant(me: Caller, stranger: Caller) -> None:
    for caller in (me, stranger):
        await published(caller, waiting())
    await published(me, waiting("other"))
    ids = {
        (await started(me, "k")).json()["id"],
        (await started(me, "k", path="/workflows/other/executions")).json()["id"],
        (await started(stranger, "k")).json()["id"],
    }
    assert len(ids) == 3


async def test_a_repetition_after_a_new_version_answers_with_the_old_execution(me: Caller) -> None:
    await published(me, waiting())
    first = (await started(me, "k")).json()
    draft = waiting(seconds="2h") | {"input": {"type": "object", "required": ["must"]}}
    await me.http.put("/workflows/waiting/draft", json=draft, headers={"If-Match": "*"})
    made = await me.http.post("/workflows/waiting/publish")
    assert made.json()["version"] == 2, made.text
    again = await started(me, "k")
    assert (again.status_code, again.json()["id"], again.json()["version"]) == (200, first["id"], 1)


@pytest.mark.usefixtures("working")
async def test_a_repetition_after_the_end_answers_with_the_ended_execution(me: Caller) -> None:
    await published(me, definition())
    path = "/workflows/greeting/executions"
    body: JsonValue = {"input": {"name": "Ada"}}
    first = await started(me, "k", body, f"{path}?wait=20")
    again = await started(me, "k", body, path)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (again.json()["id"], again.json()["output"]) == (first.json()["id"], "Hello Ada")


@pytest.fixture
def refusing(postgres: Server, database_name: str) -> Any:
    """Lets the database refuse to store executions, or take them again, as the API would see it when it is killed."""

    def let(*, store: bool) -> None:
        verb = "grant insert on executions to" if store else "revoke insert on executions from"
        with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
            connection.execute(f"{verb} perdure_app")

    return let


async def test_a_start_that_was_cut_off_before_its_row_leaves_no_orphan_after_the_repetition(
    me: Caller, refusing: Any, api_settings: Settings, store: Database
) -> None:
    await published(me, waiting())
    refusing(store=False)
    assert (await started(me, "k", {"input": 5, "labels": {"team": "x"}})).status_code == 500
    assert (await me.http.get("/workflows/executions")).json()["items"] == []
    refusing(store=True)
    assert code(await started(me, "k", {"input": 6})) == (409, "idempotency.conflict")
    again = await started(me, "k", {"input": 5, "labels": {"team": "x"}})
    assert again.status_code == 200, again.text
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.json()["input"], again.json()["labels"], again.json()["version"]) == (5, {"team": "x"}, 1)
    assert len(await in_temporal(api_settings, store, me)) == 1
    found = (await me.http.get("/workflows/executions?label=team:x")).json()["items"]
    assert [each["id"] for each in found] == [again.json()["id"]]


@pytest.mark.slow
async def test_an_api_that_was_killed_after_the_start_leaves_no_orphan_after_the_repetition(
    me: Caller, postgres: Server, database_name: str, api_settings: Settings, store: Database
) -> None:
    await published(me, waiting())
    client = await connect(api_settings, storage=MemoryStorage(), keyring=store.keyring)
    port = free_port()
    with run(environment(api_settings, port)) as process:
        url, headers = f"http://127.0.0.1:{port}/api/v1", {"Authorization": f"Bearer {me.key}"}
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
            await answering(process, http)
            with psycopg.connect(postgres.url(database_name, MIGRATOR)) as holding:
                holding.execute("lock table executions in share row exclusive mode")  # no row is written meanwhile
                starting = asyncio.create_task(started(Caller(me.tenant, me.key, http), "k"))
                while not [each async for each in client.list_workflows() if each.id.startswith(me.tenant)]:
                    await asyncio.sleep(0.02)
                process.kill()
                with pytest.raises(httpx2.TransportError):
                    await starting
                cut_off_those_that_wait(postgres)
    assert (await me.http.get("/workflows/executions")).json()["items"] == []
    again = await started(me, "k")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true"), again.text
    assert [each.id for each in await in_temporal(api_settings, store, me)] == [f"{me.tenant}/{again.json()['id']}"]
    listed = (await me.http.get("/workflows/executions")).json()["items"]
    assert [each["id"] for each in listed] == [again.json()["id"]]


async def test_what_is_missing_in_a_row_that_only_the_journal_wrote_is_of_the_version_that_was_started(
    me: Caller, refusing: Any, api_settings: Settings, store: Database
) -> None:
    await published(me, waiting())
    refusing(store=False)
    assert (await started(me, "k", {"input": 5, "labels": {"team": "x"}})).status_code == 500
    refusing(store=True)
    async with working_on(api_settings, store):
        while not (listed := (await me.http.get("/workflows/executions?status=waiting")).json()["items"]):
            await asyncio.sleep(0.02)
    assert (listed[0]["labels"], listed[0]["workflow_id"]) == ({}, None)
    draft = waiting(seconds="2h") | {"input": {"type": "object"}}
    await me.http.put("/workflows/waiting/draft", json=draft, headers={"If-Match": "*"})
    assert (await me.http.post("/workflows/waiting/publish")).json()["version"] == 2
    # What is asked for now would not do for the newest version.
    again = (await started(me, "k", {"input": 5, "labels": {"team": "x"}})).json()
    assert (again["version"], again["status"], again["labels"]) == (1, "waiting", {"team": "x"})
    assert again["workflow_id"] is not None
    assert code(await started(me, "k", {"input": 5})) == (409, "idempotency.conflict")


async def test_the_row_decides_once_temporal_has_forgotten(me: Caller, api_settings: Settings, store: Database) -> None:
    await published(me, waiting())
    first = (await started(me, "k")).json()
    client = await connect(api_settings, storage=MemoryStorage(), keyring=store.keyring)
    workflow_id = f"{me.tenant}/{first['id']}"
    await client.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=client.namespace, workflow_execution=WorkflowExecution(workflow_id=workflow_id)
        )
    )
    while await known(client, workflow_id):
        await asyncio.sleep(0.05)
    assert (await started(me, "k")).json()["id"] == first["id"]
    assert code(await started(me, "k", {"input": 0})) == (409, "idempotency.conflict")
    assert not await known(client, workflow_id)


def cut_off_those_that_wait(postgres: Server) -> None:
    """What the database has been told, it does, even if the one who told it is dead."""
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
        assert connection.execute(cut).fetchall() == [(True,)]


async def known(client: Client, workflow_id: str) -> bool:
    """Whether Temporal knows an execution."""
    try:
        await client.get_workflow_handle(workflow_id).describe()
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        return False
    return True


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "caf\u00e9"])
async def test_a_key_that_is_none_is_refused(me: Caller, key: str) -> None:
    await published(me, waiting())
    answer = await me.http.post(START, json={}, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert code(answer) == (422, "request.invalid")


async def test_without_a_key_every_start_is_another_execution(me: Caller, api: Api) -> None:
    await published(me, waiting())
    answers = [await me.http.post(START, json={}) for _ in range(2)]
    assert len({answer.json()["id"] for answer in answers}) == 2
