"""Executions through the API, with a real worker."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from api.executions.shapes import EventOut, ExecutionOut, ListedOut, NodeRunOut, WaitOut
from runtime.settings import Settings
from store.database import Database
from tests.api.service import Caller
from tests.api.test_workflows import code
from tests.api.working import definition, published, waiting, working_on

EXECUTIONS = "/workflows/executions"
LONG = "x" * 100_000


async def run(me: Caller, workflow: str, *, wait: int = 30, **body: JsonValue) -> dict[str, Any]:
    """Start an execution and wait for its end."""
    answer = await me.http.post(f"/workflows/{workflow}/executions?wait={wait}", json=body)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


async def begun(me: Caller, workflow: str = "waiting", **body: JsonValue) -> dict[str, Any]:
    """Start an execution."""
    answer = await me.http.post(f"/workflows/{workflow}/executions", json=body)
    assert answer.status_code == 201, answer.json()
    return answer.json()


async def becomes(me: Caller, id: str, status: str) -> None:
    while (await me.http.get(f"{EXECUTIONS}/{id}")).json()["status"] != status:
        await asyncio.sleep(0.02)


@pytest.mark.usefixtures("working")
async def test_an_execution_that_is_waited_for_is_answered_with_its_output(me: Caller) -> None:
    await published(me, definition())
    answer = await me.http.post("/workflows/greeting/executions?wait=30", json={"input": {"name": "Ada"}})
    assert answer.status_code == 200, answer.text
    execution = answer.json()
    ExecutionOut.model_validate(execution)
    assert set(execution) == set(ExecutionOut.model_fields)
    assert (execution["status"], execution["output"], execution["error"]) == ("succeeded", "Hello Ada", None)
    assert answer.headers["location"] == f"/api/v1{EXECUTIONS}/{execution['id']}"
    assert (await me.http.get(f"{EXECUTIONS}/{execution['id']}")).json() == execution


async def test_a_start_is_answered_at_once_and_queued_while_no_worker_has_taken_it(me: Caller) -> None:
    workflow = await published(me, definition())
    answer = await me.http.post("/workflows/greeting/executions", json={"input": {"name": "Ada"}})
    execution = answer.json()
    assert (answer.status_code, execution["status"], execution["trigger"]) == (201, "queued", "api")
    assert (execution["workflow"], execution["workflow_id"], execution["version"]) == ("greeting", workflow["id"], 1)
    assert answer.headers["location"] == f"/api/v1{EXECUTIONS}/{execution['id']}"
    ExecutionOut.model_validate(execution)


async def test_what_has_not_ended_in_time_is_accepted(me: Caller) -> None:
    await published(me, waiting())
    for wait in (0, 1):
        answer = await me.http.post(f"/workflows/waiting/executions?wait={wait}", json={})
        assert (answer.status_code, answer.json()["closed_at"]) == (202, None)
        assert "location" in answer.headers


async def test_an_end_that_the_journal_has_not_heard_of_is_asked_of_temporal(
    me: Caller, api_settings: Settings, store: Database
) -> None:
    await published(me, definition())
    failing = {"type": "fail", "config": {"code": "user.no", "message": "No"}}
    await published(me, definition("failing", nodes={"no": failing}))
    async with working_on(api_settings, store, journal=False):
        answer = await me.http.post("/workflows/greeting/executions?wait=1", json={"input": {"name": "Ada"}})
        assert (answer.status_code, answer.json()["output"]) == (200, "Hello Ada")
        answer = await me.http.post("/workflows/failing/executions?wait=1", json={})
        assert (answer.status_code, answer.json()["status"]) == (200, "failed")
        assert answer.json()["error"]["code"] == answer.json()["error_code"] == "user.no"


async def test_an_input_is_checked_and_its_defaults_are_filled_in(me: Caller) -> None:
    schema: JsonValue = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "limit": {"type": "number", "default": 7}},
    }
    await published(me, definition(input=schema))
    answer = await me.http.post("/workflows/greeting/executions", json={"input": {"name": 5}})
    assert code(answer) == (422, "input.invalid")
    assert [problem["path"] for problem in answer.json()["problems"]] == ["/name"]
    execution = await begun(me, "greeting", input={"name": "Ada"})
    assert execution["input"] == {"name": "Ada", "limit": 7}


async def test_keys_of_an_input_keep_their_order(me: Caller) -> None:
    await published(me, waiting())
    execution = await begun(me, input={"z": 1, "a": {"y": 2, "b": 3}})
    text = (await me.http.get(f"{EXECUTIONS}/{execution['id']}")).text
    assert '"input":{"z":1,"a":{"y":2,"b":3}}' in text


async def test_a_version_is_chosen_by_number_or_tag(me: Caller) -> None:
    await published(me, waiting())
    await me.http.put("/workflows/waiting/draft", json=waiting(seconds="2h"), headers={"If-Match": "*"})
    await me.http.post("/workflows/waiting/publish")
    tagged = await me.http.put("/workflows/waiting/tags/stable", json={"version": 1})
    assert tagged.status_code < 300, tagged.text
    assert (await begun(me))["version"] == 2
    assert (await begun(me, version=1))["version"] == 1
    assert (await begun(me, version="stable"))["version"] == 1
    assert (await begun(me, version="latest"))["version"] == 2
    for unknown in (3, "beta"):
        answer = await me.http.post("/workflows/waiting/executions", json={"version": unknown})
        assert code(answer) == (404, "version.unknown")


@pytest.mark.usefixtures("working")
async def test_a_node_run_from_the_cache_is_marked(me: Caller) -> None:
    cached = {"type": "code.python", "config": {"code": "result = 1"}, "cache": {"ttl": "1h"}}
    await published(me, definition("cached", nodes={"a": cached}))
    seen: list[object] = []
    for _ in range(2):
        id = (await run(me, "cached"))["id"]
        [node] = (await me.http.get(f"{EXECUTIONS}/{id}/nodes")).json()["items"]
        seen.append((node["status"], node["output"], node["cached"]))
    assert seen == [("succeeded", 1, False), ("succeeded", 1, True)]


async def test_what_has_no_version_is_not_started(me: Caller) -> None:
    await me.http.post("/workflows", json=waiting())
    assert code(await me.http.post("/workflows/waiting/executions", json={})) == (409, "workflow.unpublished")
    assert code(await me.http.post("/workflows/nothing/executions", json={})) == (404, "workflow.unknown")


@pytest.mark.usefixtures("working")
async def test_an_execution_reads_the_env_that_its_plan_names(me: Caller) -> None:
    await me.http.put("/env/rate", json={"value": 7})
    await me.http.put("/env/other", json={"value": "unread"})
    nodes: JsonValue = {"one": {"type": "transform", "config": {"expression": "env.rate + 1"}}}
    await published(me, definition("rates", nodes=nodes))
    assert (await run(me, "rates"))["output"] == 8


@pytest.mark.usefixtures("working")
async def test_node_runs_and_events_tell_what_happened(me: Caller) -> None:
    nodes: JsonValue = {
        "one": {"type": "set", "config": {"values": {"a": "1"}}},
        "two": {"type": "transform", "needs": ["one"], "config": {"expression": "'two'"}},
        "three": {"type": "transform", "needs": ["one"], "when": "false", "config": {"expression": "3"}},
        "four": {"type": "fail", "needs": ["two"], "config": {"code": "user.no", "message": "No"}},
    }
    await published(me, definition("several", nodes=nodes, vars={"a": 0}))
    execution = await run(me, "several")
    assert (execution["status"], execution["error_code"]) == ("failed", "user.no")
    address = f"{EXECUTIONS}/{execution['id']}"
    runs = (await me.http.get(f"{address}/nodes")).json()
    for each in runs["items"]:
        NodeRunOut.model_validate(each)
        assert set(each) == set(NodeRunOut.model_fields)
    statuses = {each["path"]: each["status"] for each in runs["items"]}
    assert statuses == {"one": "succeeded", "two": "succeeded", "three": "skipped", "four": "failed"}
    found = (await me.http.get(f"{address}/nodes?status=failed&status=skipped")).json()["items"]
    assert {each["path"] for each in found} == {"three", "four"}
    assert [each["path"] for each in (await me.http.get(f"{address}/nodes?under=two")).json()["items"]] == ["two"]
    two = (await me.http.get(f"{address}/nodes/two")).json()
    assert (two["output"], two["port"], two["type"]) == ("two", "out", "transform")
    assert code(await me.http.get(f"{address}/nodes/five")) == (404, "node.unknown")

    events = (await me.http.get(f"{address}/events")).json()["items"]
    for each in events:
        EventOut.model_validate(each)
    assert [each["seq"] for each in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("execution.started", "execution.failed")
    assert len(events) == execution["seq"]
    later = (await me.http.get(f"{address}/events?since=3")).json()["items"]
    assert later == events[3:]
    pages: list[Any] = []
    cursor = ""
    while True:
        page = (await me.http.get(f"{address}/events?limit=2{cursor}")).json()
        pages += page["items"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == events


@pytest.mark.usefixtures("working")
async def test_a_large_output_is_read_from_temporal(me: Caller, api_settings: Settings, store: Database) -> None:
    nodes: JsonValue = {"echo": {"type": "transform", "config": {"expression": "input"}}}
    await published(me, definition("echo", nodes=nodes))
    execution = await run(me, "echo", input={"text": [LONG, LONG]})
    assert (execution["output"], execution["output_bytes"]) == ({"text": [LONG, LONG]}, None)
    read = (await me.http.get(f"{EXECUTIONS}/{execution['id']}")).json()
    assert read["output"] == read["input"] == {"text": [LONG, LONG]}
    node = (await me.http.get(f"{EXECUTIONS}/{execution['id']}/nodes/echo")).json()
    assert (node["output"], node["output_bytes"] > 200_000) == (None, True)


@pytest.mark.usefixtures("working")
async def test_what_is_masked_is_shown_nowhere(me: Caller) -> None:
    nodes: JsonValue = {
        "look": {
            "type": "code.python",
            "config": {"code": "result = {'iban': 'DE-' + 'MARKER', 'name': 'Ada'}"},
            "mask": ["/iban"],
        },
        "end": {"type": "transform", "needs": ["look"], "config": {"expression": "nodes.look.output.name"}},
    }
    await published(me, definition("masking", nodes=nodes))
    execution = await run(me, "masking")
    assert execution["output"] == "Ada"
    address = f"{EXECUTIONS}/{execution['id']}"
    node = (await me.http.get(f"{address}/nodes/look")).json()
    assert node["output"] == {"iban": "***", "name": "Ada"}
    for part in ("", "/nodes", "/events", "/nodes/look"):
        assert "DE-MARKER" not in (await me.http.get(address + part)).text


@pytest.mark.usefixtures("working")
async def test_an_execution_says_what_it_waits_for(me: Caller) -> None:
    await published(me, waiting())
    execution = await begun(me)
    await becomes(me, execution["id"], "waiting")
    waits = (await me.http.get(f"{EXECUTIONS}/{execution['id']}/waiting")).json()["items"]
    assert [WaitOut.model_validate(each).path for each in waits] == ["pause"]
    assert waits[0]["until"] > waits[0]["since"]
    assert waits[0]["type"] == "delay"


@pytest.mark.usefixtures("working")
async def test_a_cancel_ends_an_execution_and_changes_nothing_when_repeated(me: Caller) -> None:
    await published(me, waiting())
    execution = await begun(me)
    address = f"{EXECUTIONS}/{execution['id']}"
    answer = await me.http.post(f"{address}/cancel?wait=30")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled"), answer.text
    again = await me.http.post(f"{address}/cancel")
    assert (again.status_code, again.json()) == (200, answer.json())


async def test_a_cancel_is_accepted_as_often_as_it_comes_while_the_execution_lasts(me: Caller) -> None:
    await published(me, waiting())
    execution = await begun(me)
    for _ in range(2):
        answer = await me.http.post(f"{EXECUTIONS}/{execution['id']}/cancel")
        assert (answer.status_code, answer.json()["id"]) == (202, execution["id"])


@pytest.mark.usefixtures("working")
async def test_what_has_ended_otherwise_is_not_cancelled(me: Caller) -> None:
    await published(me, definition())
    execution = await run(me, "greeting", input={"name": "Ada"})
    answer = await me.http.post(f"{EXECUTIONS}/{execution['id']}/cancel")
    assert code(answer) == (409, "execution.closed")


async def test_executions_are_found_by_what_is_known_of_them(me: Caller) -> None:
    one = await published(me, waiting("one"))
    await published(me, waiting("two"))
    first = (await begun(me, "one", labels={"team": "a", "order": 'é:ü "quoted" %\' --'}))["id"]
    second = (await begun(me, "two", labels={"team": "a"}))["id"]
    third = (await begun(me, "two"))["id"]

    async def found(**query: Any) -> list[str]:
        answer = await me.http.get(EXECUTIONS, params=query)
        assert answer.status_code == 200, answer.text
        for each in answer.json()["items"]:
            ListedOut.model_validate(each)
            assert set(each) == set(ListedOut.model_fields)
        return [each["id"] for each in answer.json()["items"]]

    assert await found() == [third, second, first]
    assert await found(workflow="two") == [third, second]
    assert await found(workflow=one["id"]) == [first]
    assert await found(label="team:a") == [second, first]
    assert await found(label=["team:a", 'order:é:ü "quoted" %\' --']) == [first]
    assert await found(label="team:b") == []
    assert await found(status=["queued", "failed"]) == [third, second, first]
    assert await found(status="failed") == []
    assert await found(trigger="api") == [third, second, first]
    assert await found(workflow="two", version=1) == [third, second]
    assert await found(workflow=one["id"], version=1) == [first]
    assert await found(workflow="two", version=2) == []
    assert await found(started_after="2020-01-01T00:00:00Z", started_before="2100-01-01T00:00:00+02:00") != []
    assert await found(started_before="2020-01-01T00:00:00Z") == []
    assert await found(closed_after="2020-01-01T00:00:00Z") == []
    assert await found(error_code="user.no") == []


@pytest.mark.usefixtures("working")
async def test_executions_are_found_by_the_values_that_their_workflow_tells(me: Caller) -> None:
    search: JsonValue = {"invoice": "${{ input.name }}", "kind": "greeting"}
    await published(me, definition(settings={"search": search}))
    first, second = [(await run(me, "greeting", input={"name": name}))["id"] for name in ("INV-7", "INV-8")]

    async def found(*values: str) -> list[str]:
        answer = await me.http.get(EXECUTIONS, params={"field": values})
        return [each["id"] for each in answer.json()["items"]]

    assert await found("invoice:INV-7") == [first]
    assert await found("invoice:INV-8", "kind:greeting") == [second]
    assert await found("kind:greeting") == [second, first]
    assert await found("invoice:INV-9") == []


async def test_an_input_beyond_twenty_megabytes_is_refused(me: Caller) -> None:
    await published(me, definition())
    answer = await me.http.post("/workflows/greeting/executions", json={"input": {"name": "x" * 20 * 1024**2}})
    assert code(answer) == (413, "body.too_large")


async def test_pages_stay_as_they_are_while_others_start(me: Caller) -> None:
    await published(me, waiting())
    ids = [(await begun(me))["id"] for _ in range(5)]
    seen: list[str] = []
    query = "?limit=2"
    while True:
        page = (await me.http.get(EXECUTIONS + query)).json()
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        await begun(me)
        query = f"?limit=2&cursor={page['next']}"
    assert seen == ids[::-1]


async def test_nothing_of_another_tenant_is_found(me: Caller, stranger: Caller) -> None:
    await published(me, waiting())
    execution = await begun(me)
    address = f"{EXECUTIONS}/{execution['id']}"
    for path in ("", "/nodes", "/nodes/pause", "/events", "/waiting"):
        assert code(await stranger.http.get(address + path)) == (404, "execution.unknown")
    assert code(await stranger.http.post(f"{address}/cancel")) == (404, "execution.unknown")
    assert code(await stranger.http.post("/workflows/waiting/executions", json={})) == (404, "workflow.unknown")
    assert (await stranger.http.get(EXECUTIONS)).json()["items"] == []
    cursor = (await me.http.get(f"{EXECUTIONS}?limit=1")).json()["next"]
    await begun(me)
    cursor = (await me.http.get(f"{EXECUTIONS}?limit=1")).json()["next"]
    assert code(await stranger.http.get(f"{EXECUTIONS}?cursor={cursor}")) == (422, "cursor.invalid")


UNKNOWN = "ex_" + "0" * 32


@pytest.mark.parametrize(
    "path",
    [
        "/ex_1",
        "/%00",
        f"/{'x' * 3000}",
        "/ex_%C3%A9'%22;--",
        f"/{UNKNOWN}%0A",
        "?cursor=%00",
        "?cursor=AAAA",
        f"?cursor={'A' * 1999}",
        "?label=a:%00",
        "?label=nothing",
        f"?label=a:{'x' * 256}",
        "?status=done",
        "?version=2147483648",
        "?version=1.0",
        "?version=1",
        "?started_after=yesterday",
        "?started_after=2020-01-01T00:00:00",
        "?workflow=%27",
        "?error_code=%25",
        "?limit=501",
        f"/{UNKNOWN}/events?since=-1",
        f"/{UNKNOWN}/events?since=9999999999999999",
        f"/{UNKNOWN}/nodes?under=%00",
        f"/{UNKNOWN}/nodes/%00",
    ],
)
async def test_what_cannot_be_meant_is_refused(me: Caller, path: str) -> None:
    status, problem = code(await me.http.get(EXECUTIONS + path))
    assert (status, problem) in {(422, "request.invalid"), (422, "cursor.invalid")}


@pytest.mark.parametrize("path", ["", "/nodes", "/nodes/a%5B0%5D.%C3%A9'", "/events?since=999999999999999", "/waiting"])
async def test_what_is_not_there_is_not_found(me: Caller, path: str) -> None:
    assert code(await me.http.get(f"{EXECUTIONS}/{UNKNOWN}{path}")) == (404, "execution.unknown")


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"inputs": {}},
        {"version": False},
        {"version": 0},
        {"version": 2**31},
        {"version": "No such"},
        {"priority": 6},
        {"priority": True},
        {"labels": {"a": 1}},
        {"labels": {"": "x"}},
        {"labels": {"a:b": "x"}},
        {"labels": {"a": "\x00"}},
        {"labels": {"a": "x" * 256}},
        {"labels": {f"l{n}": "x" for n in range(33)}},
        {"input": 2**60},
        {"input": "\x00"},
        {"input": {"\x00": 1}},
    ],
)
async def test_a_start_that_cannot_be_meant_is_refused(me: Caller, body: JsonValue) -> None:
    await published(me, waiting())
    assert code(await me.http.post("/workflows/waiting/executions", json=body)) == (422, "request.invalid")


async def test_deep_and_odd_inputs_are_taken(me: Caller) -> None:
    await published(me, waiting())
    deep: JsonValue = "\x01\x7f \U0001f600 \u2028 \ufffe"
    for _ in range(238):
        deep = [deep]
    execution = await begun(me, input={"": deep, "\x01": 2**53})
    read = (await me.http.get(f"{EXECUTIONS}/{execution['id']}")).json()
    assert read["input"] == {"": deep, "\x01": 2**53}
    deeper = await me.http.post("/workflows/waiting/executions", json={"input": {"": [deep]}})
    assert code(deeper) == (422, "request.invalid")
    assert [problem["code"] for problem in deeper.json()["problems"]] == ["limit"]
