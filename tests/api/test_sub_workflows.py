"""Workflows that start others, by the API: what publishing refuses, and what is seen of both executions."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from tests.api.service import Caller
from tests.api.working import definition, published, waiting

pytestmark = pytest.mark.usefixtures("working")
ANY = {"If-Match": "*"}


def starting(name: str, other: str, **config: JsonValue) -> dict[str, JsonValue]:
    """A workflow that starts another one."""
    return definition(name, nodes={"call": {"type": "workflow", "config": {"name": other, **config}}})


async def refused(me: Caller, document: dict[str, JsonValue]) -> list[tuple[str, str]]:
    answer = await me.http.put(f"/workflows/{document['name']}/draft", json=document, headers=ANY)
    if answer.status_code == 404:
        answer = await me.http.post("/workflows", json=document)
    assert answer.is_success, answer.text
    answer = await me.http.post(f"/workflows/{document['name']}/publish")
    assert answer.status_code == 422, answer.text
    return [(problem["code"], problem["path"]) for problem in answer.json()["problems"]]


async def run(me: Caller, name: str, input: JsonValue = None) -> dict[str, Any]:
    answer = await me.http.post(f"/workflows/{name}/executions?wait=30", json={"input": input})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def children(me: Caller, count: int = 1, **filters: str) -> list[dict[str, Any]]:
    """The executions that others have started, once there are so many."""
    async with asyncio.timeout(30):
        while True:
            answer = await me.http.get("/workflows/executions", params={"trigger": "workflow", **filters})
            if len(items := answer.json()["items"]) >= count:
                return items
            await asyncio.sleep(0.05)


async def test_a_child_is_an_execution_like_any_other(me: Caller, stranger: Caller) -> None:
    await published(me, definition("leaf"))
    await published(me, starting("parent", "leaf", input={"name": "${{ input.name }}"}))
    parent = await run(me, "parent", {"name": "Ada"})
    assert (parent["status"], parent["output"]) == ("succeeded", "Hello Ada")
    [child] = await children(me, status="succeeded")
    assert (child["workflow"], child["version"], child["trigger"]) == ("leaf", 1, "workflow")
    detail = (await me.http.get(f"/workflows/executions/{child['id']}")).json()
    assert (detail["input"], detail["output"]) == ({"name": "Ada"}, "Hello Ada")
    assert (detail["parent_execution"], detail["parent_path"]) == (parent["id"], "call")
    assert (parent["parent_execution"], parent["parent_path"]) == (None, None)
    [node] = (await me.http.get(f"/workflows/executions/{parent['id']}/nodes")).json()["items"]
    assert (node["path"], node["status"], node["output"]) == ("call", "succeeded", "Hello Ada")
    assert (await stranger.http.get("/workflows/executions")).json()["items"] == []


async def test_the_executions_that_one_has_started_are_found_by_it(me: Caller, stranger: Caller) -> None:
    await published(me, definition("leaf"))
    call = {"type": "workflow", "config": {"name": "leaf", "input": {"name": "${{ item }}"}, "wait": False}}
    each = {"type": "for_each", "config": {"items": "[1..3]", "body": {"nodes": {"call": call}}}}
    await published(me, definition("parent", nodes={"each": each}))
    first, second = await run(me, "parent"), await run(me, "parent")
    found = await children(me, parent=first["id"], count=3)
    assert {row["parent_path"] for row in found} == {f"each[{n}].call" for n in range(3)}
    assert {row["parent_execution"] for row in found} == {first["id"]}
    page = (await me.http.get("/workflows/executions", params={"parent": first["id"], "limit": 2})).json()
    rest = (await me.http.get("/workflows/executions", params={"parent": first["id"], "cursor": page["next"]})).json()
    assert ([*page["items"], *rest["items"]], rest["next"]) == (found, None)
    assert await children(me, parent=second["id"]) != found
    assert (await stranger.http.get("/workflows/executions", params={"parent": first["id"]})).json()["items"] == []
    answer = await me.http.get("/workflows/executions?parent=parent")
    assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid")


async def test_another_tenants_workflow_cannot_be_started(me: Caller, stranger: Caller) -> None:
    await published(stranger, definition("leaf"))
    assert await refused(me, starting("parent", "leaf")) == [("unknown_workflow", "/nodes/call/config/name")]


async def test_stored_workflows_cannot_lead_back_to_themselves(me: Caller) -> None:
    await published(me, definition("a"))
    await published(me, starting("b", "a"))
    await published(me, starting("c", "b"))
    assert await refused(me, starting("a", "c")) == [("workflow_cycle", "/nodes/call/config/name")]
    await published(me, starting("d", "b", wait=False))
    assert (await me.http.put("/workflows/a/draft", json=starting("a", "d"), headers=ANY)).is_success
    assert (await me.http.post("/workflows/a/publish")).status_code in (200, 201), "d does not wait for b"


async def test_a_version_that_is_not_there_is_refused(me: Caller) -> None:
    await published(me, definition("leaf"))
    assert await refused(me, starting("parent", "leaf", version=2)) == [
        ("unknown_version", "/nodes/call/config/version")
    ]


async def test_cancelling_a_parent_cancels_its_child(me: Caller) -> None:
    await published(me, waiting("leaf"))
    await published(me, starting("parent", "leaf"))
    started = (await me.http.post("/workflows/parent/executions", json={})).json()
    [child] = await children(me, status="waiting")
    answer = await me.http.post(f"/workflows/executions/{started['id']}/cancel?wait=30")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert (await children(me, status="cancelled"))[0]["id"] == child["id"]


async def test_a_failure_is_told_to_the_workflow_that_is_named(me: Caller) -> None:
    await published(me, definition("notify", nodes={"tell": {"type": "transform", "config": {"expression": "input"}}}))
    fails = {"type": "fail", "config": {"code": "user.no"}}
    settings = {"on_failure": {"workflow": "notify"}}
    await published(me, definition("fragile", nodes={"bad": fails}, settings=settings))
    failed = await run(me, "fragile")
    assert failed["error"]["code"] == "user.no"
    async with asyncio.timeout(30):
        while not (
            told := (await me.http.get("/workflows/executions?trigger=on_failure&status=succeeded")).json()["items"]
        ):
            await asyncio.sleep(0.05)
    detail = (await me.http.get(f"/workflows/executions/{told[0]['id']}")).json()
    assert detail["input"]["execution"] == failed["id"]
    assert (detail["parent_execution"], detail["parent_path"]) == (failed["id"], "settings.on_failure")
    assert detail["input"]["error"]["code"] == "user.no"
