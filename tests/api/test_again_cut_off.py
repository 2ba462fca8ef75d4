"""Retries and reruns where Temporal has forgotten, or the API died between Temporal and its row."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.settings import Settings
from store.database import Database
from tests.api.service import Caller
from tests.api.test_again import events, post
from tests.api.test_again import run as ran
from tests.api.test_executions import becomes
from tests.api.test_workflows import code
from tests.api.working import definition, published, working_on
from tests.postgres import MIGRATOR, Server
from worker import reconcile

FAILS: dict[str, Any] = {
    "a": {"type": "transform", "config": {"expression": "1"}},
    "b": {"type": "transform", "needs": ["a"], "config": {"expression": "input.broken ? $error('no') : 2"}},
}
BROKEN = {"input": {"broken": True}, "labels": {"team": "x"}}
_REVOKE = {
    "insert": b"revoke insert on executions from perdure_app",
    "update": b"revoke update on executions from perdure_app",
}
_GRANT = {
    "insert": b"grant insert on executions to perdure_app",
    "update": b"grant update on executions to perdure_app",
}


@pytest.fixture
async def asking(api_settings: Settings, store: Database) -> Client:
    return await connect(api_settings, storage=DatabaseStorage(store), keyring=store.keyring)


@pytest.fixture
def cut_off(postgres: Server, database_name: str) -> Any:
    """Refuses something to what writes rows of executions, as it would be if the API were killed before that."""

    @contextmanager
    def refused(verb: Literal["insert", "update"]) -> Generator[None]:
        with psycopg.connect(postgres.url(database_name, MIGRATOR), autocommit=True) as connection:
            connection.execute(_REVOKE[verb])
            try:
                yield
            finally:
                connection.execute(_GRANT[verb])

    return refused


async def listed(me: Caller, **filters: str) -> list[dict[str, Any]]:
    return (await me.http.get("/workflows/executions", params=filters)).json()["items"]


async def looked(asking: Client, store: Database, told: str) -> None:
    """Let some time pass, and perhaps a pass be made."""
    await asyncio.sleep(0.05)
    if told == "by a pass":
        await reconcile.run(asking, store, None)


@pytest.mark.usefixtures("working")
async def test_what_temporal_keeps_no_longer_is_not_repeated_on_a_guess(me: Caller, asking: Client) -> None:
    await published(me, definition("broken", nodes=FAILS))
    failed = await ran(me, "broken", **BROKEN)
    handle = asking.get_workflow_handle(f"{me.tenant}/{failed['id']}")
    await asking.workflow_service.delete_workflow_execution(
        DeleteWorkflowExecutionRequest(
            namespace=asking.namespace, workflow_execution=WorkflowExecution(workflow_id=handle.id)
        )
    )
    while True:
        try:
            await handle.describe()
        except RPCError:
            break
        await asyncio.sleep(0.02)
    asked: list[tuple[str, Any]] = [("retry", {}), ("rerun", {"from": ["b"]}), ("rollback", {"to": "b"})]
    for verb, body in asked:
        assert code(await post(me, failed["id"], verb, body)) == (409, "execution.too_old")
    bulk = await me.http.post("/workflows/executions/bulk/retry", json={"ids": [failed["id"]]})
    assert [each["code"] for each in bulk.json()["items"]] == ["execution.too_old"]
    why = await me.http.get(f"/workflows/executions/{failed['id']}/debug/why", params={"path": "b"})
    assert code(why) == (409, "execution.too_old")
    [row] = await listed(me)
    assert (row["id"], row["status"], row["attempt"]) == (failed["id"], "failed", 1)


@pytest.mark.parametrize("told", ["by the journal", "by a pass"])
async def test_a_retry_that_was_cut_off_before_its_row_is_whole_and_listed(
    me: Caller, api_settings: Settings, store: Database, asking: Client, cut_off: Any, told: str
) -> None:
    await published(me, definition("broken", nodes=FAILS))
    async with working_on(api_settings, store):
        failed = await ran(me, "broken", **BROKEN)
    with cut_off("update"):
        assert (await post(me, failed["id"], "retry", {"reason": "Again"})).status_code == 500
    assert [each["attempt"] for each in await listed(me)] == [1]
    async with working_on(api_settings, store, journal=told == "by the journal"):
        while (await asking.get_workflow_handle(f"{me.tenant}/{failed['id']}").describe()).close_time is None:
            await asyncio.sleep(0.02)
        while not [each for each in await listed(me) if each["attempt"] == 2 and each["closed_at"]]:
            await looked(asking, store, told)
    [row] = await listed(me, status="failed")
    assert (row["id"], row["attempt"], row["labels"]) == (failed["id"], 2, {"team": "x"})
    [said] = await events(me, failed["id"], "execution.retried")
    assert said["data"] == {"by": "key:test", "reason": "Again"}
    [*ends] = await events(me, failed["id"], "execution.failed")
    assert [each["attempt"] for each in ends] == [1, 2]


@pytest.mark.parametrize("told", ["by the journal", "by a pass"])
async def test_a_rerun_that_was_cut_off_before_its_row_is_whole_and_listed_as_one(
    me: Caller, api_settings: Settings, store: Database, asking: Client, cut_off: Any, told: str
) -> None:
    await published(me, definition("broken", nodes=FAILS))
    async with working_on(api_settings, store):
        failed = await ran(me, "broken", **BROKEN)
    asked = {"from": ["b"], "input": {"broken": False}}
    with cut_off("insert"):
        assert (await post(me, failed["id"], "rerun", asked, **{"Idempotency-Key": "k"})).status_code == 500
    assert len(await listed(me)) == 1
    async with working_on(api_settings, store, journal=told == "by the journal"):
        while not (found := await listed(me, rerun_of=failed["id"])):
            await looked(asking, store, told)
        [made] = found
        await becomes(me, made["id"], "succeeded")
        [made] = await listed(me, rerun_of=failed["id"])
        assert {each["id"] for each in await listed(me, label="team:x")} == {failed["id"], made["id"]}
        assert (made["workflow"], made["version"], made["trigger"], made["labels"]) == (
            "broken",
            1,
            "rerun",
            {"team": "x"},
        )
        assert made["workflow_id"] == failed["workflow_id"]
    repeated = await post(me, failed["id"], "rerun", asked, **{"Idempotency-Key": "k"})
    assert (repeated.status_code, repeated.json()["id"]) == (200, made["id"])
