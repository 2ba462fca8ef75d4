"""Tests of workflows by the API: through Temporal and a worker, with a server that records what reaches it."""

from collections.abc import AsyncGenerator
from ipaddress import ip_network
from typing import Any

import pytest
from pydantic import JsonValue

from runtime.settings import Settings
from store.database import Database
from tests.activities.http_server import Server, serving
from tests.api.service import Caller
from tests.api.working import definition, published, working_on

OK = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n{"paid":12}'
FAKE: JsonValue = {"status": 200, "headers": {}, "body": {"paid": 5}, "url": "https://pay.example/"}


@pytest.fixture
async def world(api_settings: Settings, store: Database) -> AsyncGenerator[Server]:
    """A worker that may reach a server which records what comes."""
    allowed = api_settings.model_copy(update={"egress_allow": (ip_network("127.0.0.1/32"),)})
    async with serving(OK) as server, working_on(allowed, store):
        yield server


def shop(world: Server, **more: Any) -> dict[str, JsonValue]:
    """Large orders need somebody's word; what was paid is given back if it cannot be sent."""
    post: dict[str, Any] = {"type": "http.request", "config": {"method": "POST", "url": f"{world.url}/pay"}}
    back: dict[str, Any] = {"type": "http.request", "config": {"method": "POST", "url": f"{world.url}/back"}}
    config = {
        "title": "Pay?",
        "assignees": ["user:ann"],
        "due": "30d",
        "escalate": [{"after": "9d", "to": ["user:bob"]}],
    }
    nodes: dict[str, Any] = {
        "large": {"type": "if", "config": {"condition": "input.sum > 100"}},
        "ok": {"type": "approval", "needs": ["large.true"], "config": config},
        "pay": {**post, "needs": ["large.false", "ok.approved"], "join": "any", "compensate": back},
        "send": {
            "type": "code.python",
            "needs": ["pay"],
            "config": {"code": "result = 1 / input", "input": "${{ input.parts }}"},
        },
        "refuse": {
            "type": "set",
            "needs": ["ok.rejected", "ok.timeout"],
            "join": "any",
            "config": {"values": {"state": "'refused'"}},
        },
    }
    return definition(
        "shop", nodes=nodes, vars={"state": "new"}, output={"paid": "${{ nodes.pay.output.body.paid }}"}, **more
    )


async def rehearse(me: Caller, wait: int = 30, workflow: str = "shop", **case: Any) -> dict[str, Any]:
    answer = await me.http.post(f"/workflows/{workflow}/test?wait={wait}", json=case)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_nothing_reaches_the_world_unless_it_is_named_and_all_that_is_said_of_it_holds(
    me: Caller, world: Server
) -> None:
    await published(me, shop(world))
    mocks = {"pay": {"output": FAKE}}
    told = await rehearse(
        me,
        input={"sum": 5, "parts": 2},
        mocks=mocks,
        assertions=["output.paid = 5", "nodes.send.output = 0.5", "nodes.pay.mocked", "vars.state = 'new'"],
    )
    assert told["passed"], told
    assert (told["status"], told["output"], told["unmocked"]) == ("succeeded", {"paid": 5}, [])
    assert told["coverage"] == {
        "nodes": {"large": True, "ok": False, "pay": True, "send": True, "refuse": False},
        "edges": {
            "large.true -> ok": False,
            "large.false -> pay": True,
            "ok.approved -> pay": False,
            "pay.out -> send": True,
            "ok.rejected -> refuse": False,
            "ok.timeout -> refuse": False,
        },
        "percent": 45.5,
    }
    read = (await me.http.get(f"/workflows/executions/{told['execution']}")).json()
    assert (read["trigger"], read["version"], read["workflow"]) == ("test", 0, "shop")
    runs = (await me.http.get(f"/workflows/executions/{told['execution']}/nodes")).json()["items"]
    assert {run["path"]: run["mocked"] for run in runs if run["status"] != "skipped"} == {
        "large": False,
        "pay": True,
        "send": False,
    }

    bare = await rehearse(me, input={"sum": 5, "parts": 2})
    assert (bare["passed"], bare["error"]["code"], bare["unmocked"]) == (False, "test.unmocked", ["pay"])
    undone = await rehearse(me, input={"sum": 5, "parts": 0}, mocks=mocks, assertions=["status = 'failed'"])
    assert undone["passed"], undone
    assert world.requests == []

    real = await rehearse(me, input={"sum": 5, "parts": 2}, real=["pay"], assertions=["output.paid = 12"])
    assert real["passed"], real
    assert [request.target for request in world.requests] == ["/pay"]
    undone = await rehearse(me, input={"sum": 5, "parts": 0}, real=["pay", "pay.compensate"])
    assert [request.target for request in world.requests] == ["/pay", "/pay", "/back"]


async def test_weeks_pass_at_once_and_what_does_not_hold_is_shown(me: Caller, world: Server) -> None:
    await published(me, shop(world))
    asked: dict[str, Any] = {"input": {"sum": 500, "parts": 1}, "mocks": {"pay": {"output": FAKE}}}
    late = [{"path": "ok", "verdict": "approve", "by": "user:bob", "after": "10d"}]
    told = await rehearse(
        me,
        **asked,
        time={"frozen": "2026-03-01T09:00:00Z"},
        decisions=late,
        assertions=["duration = 864000", "nodes.ok.output.by = 'user:bob'"],
    )
    assert told["passed"], told
    told = await rehearse(
        me,
        **asked,
        assertions=[
            "vars.state = 'refused'",
            {"equals": {"path": "nodes.ok.output", "value": {"verdict": "approve", "by": None}}},
            "$count(events[type = 'task.escalated']) = 1",
            "nodes.pay.status = 'succeeded'",
        ],
    )
    assert told["passed"] is False
    assert [each["passed"] for each in told["assertions"]] == [True, False, True, False]
    diff = {each["path"]: (each["actual"], each["expected"]) for each in told["assertions"][1]["diff"]}
    assert diff.keys() == {"/verdict", "/at", "/comment", "/values"}
    assert diff["/verdict"] == (None, "approve")
    wrong = told["assertions"][3]
    assert (wrong["actual"], wrong["expected"]) == ("skipped", "succeeded")


async def test_a_sub_workflow_is_a_test_as_well_with_mocks_handed_to_it(me: Caller, world: Server) -> None:
    post = {"type": "http.request", "config": {"method": "POST", "url": f"{world.url}/inner"}}
    await published(me, definition("inner", nodes={"fetch": post}))
    call = {"type": "workflow", "config": {"name": "inner", "input": "${{ item }}"}}
    apart = {"type": "workflow", "config": {"name": "inner", "wait": False}}
    loop = {"type": "for_each", "config": {"items": "[1, 2]", "body": {"nodes": {"child": call}}}}
    await published(me, definition("outer", nodes={"each": loop, "apart": apart}))
    mocks = {
        "each.child.fetch": {"output": "${{ input }}"},
        "each[1].child.fetch": {"error": {"code": "http.500", "retryable": True}},
    }
    told = await rehearse(me, workflow="outer", mocks=mocks, assertions=["error.code = 'http.500'"])
    assert told["passed"], told
    found = (await me.http.get("/workflows/executions?workflow=inner")).json()["items"]
    assert [each["trigger"] for each in found] == ["test", "test"]
    assert (await rehearse(me, workflow="outer"))["error"]["code"] == "test.unmocked"
    assert world.requests == []


async def test_a_workflow_keeps_its_tests_and_a_version_those_that_it_was_published_with(
    me: Caller, stranger: Caller, world: Server
) -> None:
    await published(me, shop(world))
    small: dict[str, Any] = {"input": {"sum": 5, "parts": 2}, "mocks": {"pay": {"output": FAKE}}}
    refused: dict[str, Any] = {"input": {"sum": 500, "parts": 2}, "assertions": ["vars.state = 'refused'"]}
    for name, case in (("small order", small), ("refused", refused), ("wrong", {"mocks": {"nobody": {"output": 1}}})):
        answer = await me.http.put(f"/workflows/shop/tests/{name}", json=case)
        assert answer.status_code == 200, answer.text
    answer = await me.http.post("/workflows/shop/tests/run", json={})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {each["name"]: each["passed"] for each in told["cases"]} == {
        "refused": True,
        "small order": True,
        "wrong": False,
    }
    assert [each["path"] for case in told["cases"] for each in case["problems"]] == ["/mocks/nobody"]
    assert (told["passed"], told["total"], told["failed"], told["unfinished"]) == (False, 3, 1, 0)
    assert told["coverage"]["nodes"] == dict.fromkeys(("large", "ok", "pay", "send", "refuse"), True)
    assert (await me.http.delete("/workflows/shop/tests/wrong")).status_code == 204
    assert (await me.http.delete("/workflows/shop/tests/wrong")).json()["code"] == "test.unknown"
    listed = (await me.http.get("/workflows/shop/tests?limit=1")).json()
    assert ([each["name"] for each in listed["items"]], listed["next"] is None) == (["refused"], False)
    assert (await me.http.get("/workflows/shop/tests?version=1")).json()["items"] == []
    await me.http.put("/workflows/shop/draft", json=shop(world, title="Shop"), headers={"If-Match": "*"})
    assert (await me.http.post("/workflows/shop/publish")).status_code == 201
    await me.http.put("/workflows/shop/tests/refused", json={})
    frozen = (await me.http.get("/workflows/shop/tests/refused?version=2")).json()
    assert frozen["test"] == refused
    again = await me.http.post("/workflows/shop/tests/run", json={"version": 2, "names": ["small order"]})
    assert (again.json()["passed"], again.json()["total"]) == (True, 1)
    assert (await rehearse(me, name="small order", assertions=["output.paid = 6"]))["passed"] is False
    execution = again.json()["cases"][0]["execution"]
    read = (await me.http.get(f"/workflows/executions/{execution}/test")).json()
    assert (read["name"], read["passed"]) == ("small order", True)
    for address in (
        "/workflows/shop/tests",
        "/workflows/shop/tests/refused",
        f"/workflows/executions/{execution}/test",
    ):
        assert (await stranger.http.get(address)).status_code == 404
    assert (await stranger.http.post("/workflows/shop/test", json={})).status_code == 404


async def test_a_draft_whose_tests_are_required_is_published_once_they_have_passed_on_it_as_it_is(
    me: Caller, stranger: Caller, world: Server
) -> None:
    document = shop(world)
    assert (await me.http.post("/workflows", json=document)).status_code == 201
    publish = "/workflows/shop/publish?tests=required"

    async def refused() -> tuple[str, Any]:
        answer = await me.http.post(publish)
        assert answer.status_code == 409, answer.text
        return answer.json()["code"], answer.json()["problems"]

    async def suite() -> bool:
        return (await me.http.post("/workflows/shop/tests/run", json={})).json()["passed"]

    assert await refused() == ("tests.not_run", [])
    case: dict[str, Any] = {"input": {"sum": 5, "parts": 1}, "mocks": {"pay": {"output": FAKE}}}
    kept = "/workflows/shop/tests/small one"
    assert (await me.http.put(kept, json={**case, "assertions": ["output.paid = 6"]})).status_code == 200
    code, [flaw] = await refused()
    assert (code, flaw["code"], flaw["path"]) == ("tests.not_run", "test.not_run", "/small one")
    assert await suite() is False
    code, [flaw] = await refused()
    assert (code, flaw["code"], flaw["path"]) == ("tests.failed", "assertion.failed", "/small one/assertions/0")
    assert flaw["message"] == "`output.paid = 6` does not hold: 5, not 6."
    assert (await me.http.get("/workflows/shop")).json()["version"] is None
    assert (await me.http.put(kept, json={**case, "assertions": ["output.paid = 5"]})).status_code == 200
    assert (await refused())[0] == "tests.not_run"
    assert (await rehearse(me, name="small one"))["passed"]  # by itself is as good as with the others
    answer = await me.http.post(publish)
    assert (answer.status_code, answer.json()["version"]) == (201, 1), answer.text
    changed = {**document, "title": "Another"}
    assert (await me.http.put("/workflows/shop/draft", json=changed, headers={"If-Match": "*"})).status_code == 200
    assert (await refused())[0] == "tests.not_run"
    assert (await me.http.post("/workflows/shop/publish")).status_code == 201
    assert (await stranger.http.post(publish)).status_code == 404


async def test_an_execution_becomes_a_test_that_ends_as_it_did(me: Caller, world: Server) -> None:
    await published(me, shop(world))
    started = (await me.http.post("/workflows/shop/executions?wait=30", json={"input": {"sum": 5, "parts": 4}})).json()
    assert len(world.requests) == 1
    made = (await me.http.post(f"/workflows/executions/{started['id']}/test")).json()
    assert (list(made["test"]["mocks"]), made["masked"], made["missing"]) == (["pay"], [], [])
    told = await rehearse(me, **made["test"])
    assert told["passed"], told
    assert (told["output"], len(world.requests)) == (started["output"], 1)
    address = f"/workflows/executions/{started['id']}/test/validate"
    said = (await me.http.post(address, json={"assertions": ["output.paid = 12", "output.paid = 13"]})).json()
    assert (said["passed"], [each["passed"] for each in said["assertions"]]) == (False, [True, False])
    assert (await me.http.get(f"/workflows/executions/{started['id']}/test")).json()["code"] == "test.unknown"


async def again(me: Caller, id: str, verb: str, body: dict[str, Any], *, status: int = 200) -> dict[str, Any]:
    """Have an execution go on, or one begin in its middle, and wait for the end."""
    answer = await me.http.post(f"/workflows/executions/{id}/{verb}?wait=30", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def reused(me: Caller, id: str) -> dict[str, tuple[bool, bool]]:
    """Of the nodes that ran, whether they were taken over, and whether mocks answered."""
    runs = (await me.http.get(f"/workflows/executions/{id}/nodes")).json()["items"]
    return {run["path"]: (run["reused"], run["mocked"]) for run in runs if run["path"] in ("large", "pay", "send")}


async def test_what_becomes_of_a_test_later_is_a_test_too_and_reaches_nothing(me: Caller, world: Server) -> None:
    document = shop(world)
    await published(me, document)
    changed = {**document, "output": {"paid": "${{ nodes.pay.output.body.paid + 1 }}"}}
    answer = await me.http.put("/workflows/shop/draft", json=changed, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    mocks: dict[str, Any] = {
        "pay": {"output": FAKE},
        "send": {"sequence": [{"error": {"code": "post.closed"}}, {"output": 1}]},
    }
    told = await rehearse(me, input={"sum": 5, "parts": 1}, mocks=mocks, env={}, assertions=["output.paid = 6"])
    id = told["execution"]
    assert (told["passed"], told["error"]["code"]) == (False, "post.closed")
    address = f"/workflows/executions/{id}"
    drawn = (await me.http.get(f"{address}/graph")).json()
    statuses = {node["place"]: node["statuses"] for node in drawn["nodes"]}
    assert (drawn["version"], statuses["send"], statuses["pay"]) == (0, {"failed": 1}, {"succeeded": 1})
    bars = (await me.http.get(f"{address}/timeline")).json()["items"]
    assert {"large", "pay", "send"} <= {bar["path"] for bar in bars}

    for refused in ({"version": 1}, {"input": {"sum": 5, "parts": 2}}):
        said = await again(me, id, "rerun", {"from": ["send"], **refused}, status=422)
        assert said["code"] == "test.rerun_refused"
    rerun = await again(me, id, "rerun", {"from": ["send"]})
    assert (rerun["trigger"], rerun["version"], rerun["status"], rerun["rerun_of"]) == ("test", 0, "failed", id)
    assert await reused(me, rerun["id"]) == {"large": (True, False), "pay": (False, True), "send": (False, True)}
    assert (await me.http.get(f"/workflows/executions/{rerun['id']}/graph")).status_code == 200
    outcome = (await me.http.get(f"/workflows/executions/{rerun['id']}/test")).json()
    assert (outcome["passed"], outcome["error"]["code"]) == (False, "post.closed")
    mocks["send"] = {"output": 1}
    told = await rehearse(me, input={"sum": 5, "parts": 1}, mocks=mocks, assertions=["output.paid = 6"])
    assert told["passed"], told
    edited = {"from": ["send"], "outputs": {"pay": {"body": {"paid": 9}}}}
    rerun = await again(me, told["execution"], "rerun", edited)
    assert (rerun["status"], rerun["output"]) == ("succeeded", {"paid": 10})
    assert await reused(me, rerun["id"]) == {"large": (True, False), "pay": (True, False), "send": (False, True)}

    undone = await again(me, told["execution"], "rollback", {"to": "pay"})
    assert (undone["trigger"], undone["status"], undone["attempt"]) == ("test", "succeeded", 2)
    events = (await me.http.get(f"/workflows/executions/{told['execution']}/events?limit=500")).json()["items"]
    assert "pay.compensate" in {event["path"] for event in events if event["type"] == "node.succeeded"}
    for verb, body in (("retry", {}), ("rollback", {"to": "pay"})):
        gone_on = await again(me, id, verb, body)
        assert (gone_on["trigger"], gone_on["status"]) == ("test", "failed")
    assert await reused(me, id) == {"large": (True, False), "pay": (False, True), "send": (False, True)}
    assert world.requests == []


async def test_a_definition_is_tested_that_nobody_keeps_and_problems_are_told_at_once(
    me: Caller, world: Server
) -> None:
    case: dict[str, Any] = {"input": {"sum": 5, "parts": 1}, "mocks": {"pay": {"output": FAKE}}}
    answer = await me.http.post("/workflows/test", json={"definition": shop(world), **case})
    assert (answer.status_code, answer.json()["passed"]) == (200, True), answer.text
    assert (await me.http.get("/workflows")).json()["items"] == []
    bad = {"mocks": {"nobody": {"output": 1}, "pay": {"output": {"status": "x"}}}, "assertions": ["1 +"]}
    answer = await me.http.post("/workflows/test", json={"definition": shop(world), **bad})
    assert (answer.status_code, answer.json()["code"]) == (422, "test.invalid")
    assert {each["path"] for each in answer.json()["problems"]} == {
        "/mocks/nobody",
        "/mocks/pay/output",
        "/assertions/0",
    }
    answer = await me.http.post("/workflows/test", json={"definition": {"language": 1, "name": "x", "nodes": {}}})
    assert (answer.status_code, answer.json()["code"]) == (422, "definition.invalid")
    slow = {
        "definition": definition("slow", nodes={"wait": {"type": "delay", "config": {"for": "1h"}}}),
        "time": "real",
    }
    answer = await me.http.post("/workflows/test?wait=0", json=slow)
    assert (answer.status_code, answer.json()["passed"]) == (202, None)
    assert world.requests == []


@pytest.mark.slow
async def test_mocks_answer_in_every_batch_of_a_large_loop(me: Caller, world: Server) -> None:
    post = {"type": "http.request", "config": {"method": "POST", "url": f"{world.url}/pay"}}
    wait = {"type": "delay", "needs": ["pay"], "config": {"for": "1h"}}
    body = {"nodes": {"pay": post, "wait": wait}, "output": "${{ nodes.pay.output }}"}
    loop = {"type": "for_each", "config": {"items": "[0..2000]", "concurrency": 1_000, "body": body}}
    await published(me, definition("large", nodes={"each": loop}))
    mocks = {"each.pay": {"output": "${{ item }}"}, "each[1500].pay": {"output": "${{ 'other' }}"}}
    told = await rehearse(
        me, workflow="large", mocks=mocks, assertions=["output[1500] = 'other'", "$count(output) = 2001"]
    )
    assert told["passed"], told["error"]
    bare = await rehearse(me, workflow="large")
    assert bare["error"]["code"] == "test.unmocked"
    assert world.requests == []
