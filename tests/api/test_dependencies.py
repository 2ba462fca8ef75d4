"""Workflows that start only if others have succeeded lately, as a client of the API sees them."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue
from sqlalchemy import text
from temporalio.client import Client

from store.database import Database
from store.session import session
from tests.api.service import Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published, waiting
from worker.dependencies import look_after_dependencies


async def depends(me: Caller, workflow: str, other: str, **more: JsonValue) -> Any:
    body = {"depends_on": other, "within": "1h", **more}
    return await me.http.post(f"/workflows/{workflow}/dependencies", json=body)


async def started(me: Caller, workflow: str, *, wait: int = 0) -> Any:
    return await me.http.post(f"/workflows/{workflow}/executions?wait={wait}", json={"input": {"name": "A"}})


async def read(me: Caller, id: str, *statuses: str) -> dict[str, Any]:
    """An execution, once it has come so far."""
    while (found := (await me.http.get(f"/workflows/executions/{id}")).json())["status"] not in statuses:
        await asyncio.sleep(0.05)
    return found


async def types(me: Caller, id: str) -> list[str]:
    events = (await me.http.get(f"/workflows/executions/{id}/events")).json()["items"]
    return [event["type"] for event in events if event["type"].startswith("execution.")]


async def queued(me: Caller, workflow: str) -> str:
    """Start one that waits, and see that it does."""
    id: str = (await started(me, workflow)).json()["id"]
    while await types(me, id) != ["execution.queued"]:
        await asyncio.sleep(0.05)
    assert (await read(me, id, "queued"))["closed_at"] is None
    return id


async def test_dependencies_are_made_changed_listed_and_taken_away(me: Caller, stranger: Caller) -> None:
    for name in ("a", "b"):
        await published(me, definition(name))
    made = await depends(me, "a", "b", on_unmet="wait", wait_at_most="2m")
    assert made.status_code == 201
    assert (made.json()["within"], made.json()["wait_at_most"], made.json()["met"]) == (3600, 120, False)
    assert (await depends(me, "a", "b", within="2h")).status_code == 200
    (only,) = (await me.http.get("/workflows/a/dependencies")).json()["items"]
    assert (only["depends_on"], only["within"], only["on_unmet"], only["wait_at_most"]) == ("b", 7200, "refuse", None)
    assert code(await depends(stranger, "a", "b")) == (404, "workflow.unknown")
    assert code(await depends(me, "a", "nobody")) == (404, "workflow.unknown")
    for body in ({"within": "0s"}, {"within": 5}, {"on_unmet": "hope"}):
        assert code(await depends(me, "a", "b", **body)) == (422, "request.invalid")
    assert (await me.http.delete("/workflows/a/dependencies/b")).status_code == 204
    assert code(await me.http.delete("/workflows/a/dependencies/b")) == (404, "dependency.unknown")
    assert (await me.http.get("/workflows/a/dependencies")).json() == {"items": [], "next": None}


async def test_a_circle_is_refused_and_named_also_when_it_is_made_by_several_at_once(me: Caller) -> None:
    names = ["a", "b", "c", "d"]
    for name in names:
        await me.http.post("/workflows", json=definition(name))
    pairs = list(zip(names, names[1:] + names[:1], strict=True))
    answers = await asyncio.gather(*(depends(me, one, other) for one, other in pairs))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert [code(answer) for answer in refused] == [(422, "dependency.refused")]
    assert all(f"`{name}`" in refused[0].json()["detail"] for name in names)
    own = {"depends_on": "a", "within": "1h"}
    review = (await me.http.post("/workflows/a/dependencies/validate", json=own)).json()
    assert (review["valid"], review["code"]) == (False, "dependency.refused")
    assert "`a` → `a`" in review["message"]


@pytest.mark.usefixtures("working")
async def test_a_start_is_refused_until_what_it_depends_on_has_succeeded_lately(me: Caller, store: Database) -> None:
    for name in ("first", "second"):
        await published(me, definition(name))
    call: JsonValue = {"type": "workflow", "config": {"name": "second", "input": {"name": "A"}}}
    await published(me, definition("calling", nodes={"call": call}))
    await depends(me, "second", "first")
    refused = await started(me, "second")
    assert code(refused) == (409, "dependency.unmet")
    assert "`first`" in refused.json()["detail"]
    failed = (await started(me, "calling", wait=30)).json()
    assert (failed["status"], failed["error"]["code"]) == ("failed", "dependency.unmet")
    assert (await started(me, "first", wait=30)).json()["status"] == "succeeded"
    assert (await started(me, "second", wait=30)).json()["status"] == "succeeded"
    assert (await started(me, "calling", wait=30)).json()["status"] == "succeeded"
    async with session(store, me.tenant) as s:
        await s.sql.execute(text("update executions set trigger = 'test' where workflow = 'first'"))
    assert code(await started(me, "second")) == (409, "dependency.unmet")
    async with session(store, me.tenant) as s:
        changed = "trigger = 'api', closed_at = closed_at - interval '2 hours'"
        await s.sql.execute(text(f"update executions set {changed} where workflow = 'first'"))
    assert code(await started(me, "second")) == (409, "dependency.unmet")
    assert (await me.http.delete("/workflows/first")).status_code == 204
    assert (await started(me, "second", wait=30)).json()["status"] == "succeeded"


@pytest.mark.usefixtures("working")
async def test_a_start_that_waits_begins_as_soon_as_the_other_has_succeeded(me: Caller) -> None:
    await published(me, definition("first"))
    await published(me, definition("second", settings={"timeout": "1m", "concurrency": {"limit": 1}}))
    await depends(me, "second", "first", on_unmet="wait")
    id = await queued(me, "second")
    (why,) = (await me.http.get(f"/workflows/executions/{id}/waiting")).json()["items"]
    assert (why["reason"], why["text"]) == ("dependency", "It waits until `first` has succeeded.")
    assert (await started(me, "first", wait=30)).json()["status"] == "succeeded"
    ended = await read(me, id, "succeeded", "failed")
    assert ended["status"] == "succeeded"
    said = await types(me, id)
    assert (said[0], said[-1]) == ("execution.queued", "execution.succeeded")
    assert (await started(me, "second", wait=30)).json()["status"] == "succeeded", "nothing to wait for"


@pytest.mark.usefixtures("working")
async def test_waiting_ends_by_its_limit_or_by_a_cancel(me: Caller) -> None:
    await published(me, definition("first"))
    await published(me, waiting("second"))
    await depends(me, "second", "first", on_unmet="wait", wait_at_most="300ms")
    id = (await started(me, "second")).json()["id"]
    failed = await read(me, id, "failed", "succeeded")
    assert failed["error"]["code"] == "dependency.unmet"
    assert "`first`" in failed["error"]["message"]
    await depends(me, "second", "first", on_unmet="wait")
    id = await queued(me, "second")
    await me.http.post(f"/workflows/executions/{id}/cancel")
    await read(me, id, "cancelled")
    assert await types(me, id) == ["execution.queued", "execution.cancelling", "execution.cancelled"]


@pytest.mark.usefixtures("working")
async def test_a_success_that_nobody_was_told_of_is_told_by_the_next_pass(
    me: Caller, client: Client, store: Database
) -> None:
    await published(me, definition("first"))
    await published(me, definition("second"))
    await depends(me, "second", "first", on_unmet="wait")
    id = await queued(me, "second")
    async with session(store, me.tenant) as s:
        done = "insert into executions (id, workflow, version, status, trigger, labels, started_at, closed_at)"
        await s.sql.execute(text(f"{done} values ('ex_x', 'first', 1, 'succeeded', 'api', '{{}}', now(), now())"))
    await look_after_dependencies(client, store, me.tenant)
    await read(me, id, "succeeded")
    async with session(store, me.tenant) as s:
        assert (await s.sql.scalars(text("select count(*) from dependency_waits"))).one() == 0
