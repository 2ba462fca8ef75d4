"""Executions that are paused, debugged, corrected and ended, through the API alone."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from api.executions.control_shapes import BulkOut, InsideOut, ScopesOut, SteeredOut
from tests.api.service import Caller
from tests.api.test_executions import EXECUTIONS, becomes, begun
from tests.api.test_workflows import code
from tests.api.working import definition, published, waiting

LOOP: dict[str, Any] = {
    "each": {
        "type": "for_each",
        "config": {
            "items": "input.prices",
            "concurrency": 1,
            "body": {
                "vars": {"rate": 2},
                "nodes": {
                    "price": {"type": "transform", "config": {"expression": "item * vars.rate"}},
                    "note": {"type": "transform", "needs": ["price"], "config": {"expression": "nodes.price.output"}},
                },
            },
        },
    },
}


async def ask(me: Caller, id: str, what: str, *, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = await me.http.post(f"{EXECUTIONS}/{id}/{what}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def events(me: Caller, id: str) -> list[dict[str, Any]]:
    return (await me.http.get(f"{EXECUTIONS}/{id}/events?limit=500")).json()["items"]


async def said(me: Caller, id: str, type: str) -> list[dict[str, Any]]:
    return [event for event in await events(me, id) if event["type"] == type]


@pytest.mark.usefixtures("working")
async def test_a_debug_session_holds_in_the_third_turn_steps_edits_a_variable_and_goes_on(me: Caller) -> None:
    await published(me, definition("loop", nodes=LOOP, input={"type": "object"}))
    debug: JsonValue = [{"node": "each[2].price"}]
    id = (await begun(me, "loop", input={"prices": [1, 2, 3, 4]}, debug=debug))["id"]
    await becomes(me, id, "paused")
    state = (await me.http.get(f"{EXECUTIONS}/{id}/debug/state?path=each")).json()
    InsideOut.model_validate(state, strict=True)
    assert state["held"] == {
        "path": "each[2].price",
        "why": "breakpoint",
        "breakpoint": "each[2].price",
        "error": None,
        "execution": None,
    }
    assert [node["path"] for graph in state["graphs"] for node in graph["nodes"]] == ["each[2].price", "each[2].note"]
    seen = (await me.http.get(f"{EXECUTIONS}/{id}/debug/variables?path=each[2]")).json()
    ScopesOut.model_validate(seen, strict=True)
    assert [scope["path"] for scope in seen["scopes"]] == ["each[2]", ""]
    assert {"name": "rate", "kind": "variable", "value": 2, "bytes": None} in seen["scopes"][0]["values"]
    stepped = await ask(me, id, "debug/step")
    SteeredOut.model_validate(stepped, strict=True)
    while (await me.http.get(f"{EXECUTIONS}/{id}/debug/state")).json()["held"]["path"] != "each[2].note":
        await asyncio.sleep(0.02)
    await ask(me, id, "debug/breakpoint", node="each.price", condition="item = 4")
    assert (await me.http.delete(f"{EXECUTIONS}/{id}/debug/breakpoint/each[2].price")).status_code == 200
    await ask(me, id, "resume")
    while (await me.http.get(f"{EXECUTIONS}/{id}/debug/state")).json()["next"] != ["each[3].price"]:
        await asyncio.sleep(0.02)
    await ask(me, id, "variables", path="each[3]", values={"rate": 100}, reason="A better one.")
    await ask(me, id, "resume")
    await becomes(me, id, "succeeded")
    assert (await me.http.get(f"{EXECUTIONS}/{id}")).json()["output"] == [2, 4, 6, 400]
    [edited] = await said(me, id, "variables.edited")
    assert (edited["path"], edited["data"]) == (
        "each[3]",
        {"values": {"rate": 100}, "by": "key:test", "reason": "A better one."},
    )
    assert [event["path"] for event in await said(me, id, "debug.held")] == [
        "each[2].price",
        "each[2].note",
        "each[3].price",
    ]
    assert code(await me.http.post(f"{EXECUTIONS}/{id}/pause")) == (409, "execution.closed")
    assert (await me.http.get(f"{EXECUTIONS}/{id}/debug/state")).json()["graphs"][0]["nodes"][0]["output"][3] == 400


@pytest.mark.usefixtures("working")
async def test_who_paused_resumed_skipped_and_cancelled_is_told_and_why(me: Caller, stranger: Caller) -> None:
    await published(
        me,
        definition(
            "two",
            nodes={"pause": {"type": "delay", "config": {"for": "1h"}}, "last": {**LOOP["each"], "needs": ["pause"]}},
        ),
    )
    id = (await begun(me, "two"))["id"]
    await becomes(me, id, "waiting")
    for _ in range(2):
        assert (await ask(me, id, "pause", reason="Lunch."))["paused"]
    await becomes(me, id, "paused")
    assert (await me.http.get(f"{EXECUTIONS}?status=paused")).json()["items"][0]["id"] == id
    assert not (await ask(me, id, "resume"))["paused"]
    await becomes(me, id, "waiting")
    for what, body in (
        ("pause", {}),
        ("cancel", {}),
        ("terminate", {}),
        ("skip", {"path": "last"}),
        ("variables", {"values": {}}),
        ("debug/enable", {}),
    ):
        assert code(await stranger.http.post(f"{EXECUTIONS}/{id}/{what}", json=body)) == (404, "execution.unknown")
    assert code(await stranger.http.get(f"{EXECUTIONS}/{id}/debug/state")) == (404, "execution.unknown")
    for body, expected in (
        ({"path": "no"}, (404, "node.unknown")),
        ({"path": "last[0].price"}, (404, "node.unknown")),
        ({"path": "last[99999].price"}, (404, "node.unknown")),
        ({"path": "../x"}, (422, "request.invalid")),
    ):
        assert code(await me.http.post(f"{EXECUTIONS}/{id}/skip", json=body)) == expected
    assert code(await me.http.post(f"{EXECUTIONS}/{id}/variables", json={"values": {"x": 1}})) == (
        404,
        "variable.unknown",
    )
    assert code(await me.http.post(f"{EXECUTIONS}/{id}/debug/step")) == (409, "debug.conflict")
    assert code(await me.http.get(f"{EXECUTIONS}/{id}/debug/variables?path=last[0]")) == (404, "graph.unknown")
    await ask(me, id, "pause")
    await ask(me, id, "skip", path="last", reason="Not today.")
    answer = await me.http.post(f"{EXECUTIONS}/{id}/cancel?wait=20", json={"reason": "No more."})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert [event["data"] for event in await said(me, id, "execution.paused")] == [
        {"by": "key:test", "reason": "Lunch."},
        {"by": "key:test", "reason": None},
    ]
    for type, reason in (("node.skipping", "Not today."), ("execution.cancelling", "No more.")):
        assert [event["data"] for event in await said(me, id, type)] == [{"by": "key:test", "reason": reason}]
    assert (await me.http.get(f"{EXECUTIONS}/{id}/nodes/last")).json()["status"] == "skipped"


@pytest.mark.usefixtures("working")
async def test_a_request_that_is_repeated_with_its_key_is_done_once(me: Caller) -> None:
    await published(me, waiting())
    id = (await begun(me))["id"]
    await becomes(me, id, "waiting")
    for what, key in (("pause", "a"), ("resume", "b"), ("pause", "a")):
        answer = await me.http.post(f"{EXECUTIONS}/{id}/{what}", headers={"Idempotency-Key": key})
        assert answer.status_code == 200
    await becomes(me, id, "waiting")
    assert len(await said(me, id, "execution.paused")) == 1


@pytest.mark.usefixtures("working")
async def test_a_terminated_execution_ends_at_once_and_its_children_end_in_their_own_time(me: Caller) -> None:
    await published(me, waiting("child"))
    await published(me, definition("parent", nodes={"sub": {"type": "workflow", "config": {"name": "child"}}}))
    id = (await begun(me, "parent"))["id"]
    await becomes(me, id, "waiting")
    while not (found := (await me.http.get(f"{EXECUTIONS}?parent={id}&status=waiting")).json()["items"]):
        await asyncio.sleep(0.02)
    await ask(me, id, "pause")
    child = found[0]["id"]
    await becomes(me, child, "paused")
    await ask(me, id, "resume")
    await becomes(me, child, "waiting")
    ended = await ask(me, id, "terminate", reason="Now.")
    assert (ended["status"], ended["error"]["code"]) == ("cancelled", "terminated")
    [told] = await said(me, id, "execution.cancelled")
    assert (told["data"]["by"], told["data"]["reason"]) == ("key:test", "Now.")
    assert (await ask(me, id, "terminate"))["status"] == "cancelled"
    await becomes(me, child, "cancelled")


@pytest.mark.usefixtures("working")
async def test_many_are_steered_at_once_with_a_result_for_each(me: Caller, stranger: Caller) -> None:
    await published(me, waiting())
    ids = [(await begun(me))["id"] for _ in range(3)]
    for id in ids:
        await becomes(me, id, "waiting")
    await published(stranger, waiting())
    other = (await begun(stranger))["id"]
    bulk = await me.http.post(f"{EXECUTIONS}/bulk/pause", json={"ids": [ids[0], other]})
    BulkOut.model_validate(bulk.json(), strict=True)
    results = {each["id"]: each["code"] or each["ok"] for each in bulk.json()["items"]}
    assert results == {ids[0]: True, other: "execution.unknown"}
    await becomes(me, ids[0], "paused")
    filtered = {"filter": {"workflow": "waiting"}, "limit": 1, "reason": "All of them."}
    bulk = await me.http.post(f"{EXECUTIONS}/bulk/pause", json=filtered)
    assert (len(bulk.json()["items"]), bulk.json()["next"] is not None) == (1, True)
    bulk = await me.http.post(f"{EXECUTIONS}/bulk/cancel", json={**filtered, "limit": 500})
    assert sorted(each["id"] for each in bulk.json()["items"] if each["ok"]) == sorted(ids)
    for id in ids:
        await becomes(me, id, "cancelled")
    for body in ({}, {"ids": ids, "filter": {}}, {"ids": []}, {"ids": ["x"]}):
        assert code(await me.http.post(f"{EXECUTIONS}/bulk/cancel", json=body)) == (422, "request.invalid")
    assert code(await me.http.post(f"{EXECUTIONS}/bulk/delete", json={"ids": ids})) == (422, "request.invalid")
    badly = {"filter": {}, "cursor": "no"}
    assert code(await me.http.post(f"{EXECUTIONS}/bulk/cancel", json=badly)) == (422, "cursor.invalid")


@pytest.mark.usefixtures("working")
async def test_an_event_comes_to_many_page_by_page_and_each_tells_who_sent_it_and_why(
    me: Caller, stranger: Caller
) -> None:
    heard = {"type": "wait_event", "config": {"events": [{"name": "paid"}]}}
    held = {"type": "delay", "needs": ["heard.received"], "config": {"for": "1h"}}
    await published(me, definition("paying", nodes={"heard": heard, "held": held}))
    ids = {(await begun(me, "paying"))["id"] for _ in range(2)}
    for id in ids:
        await becomes(me, id, "waiting")
    body: dict[str, Any] = {"filter": {"workflow": "paying"}, "event": {"name": "paid"}, "reason": "Paid.", "limit": 1}
    signal, sent, keyed = f"{EXECUTIONS}/bulk/signal", dict[str, str](), {"Idempotency-Key": "k"}
    for left in (True, False):
        answer = (await me.http.post(signal, json=body, headers=keyed)).json()
        BulkOut.model_validate(answer, strict=True)
        sent |= {each["id"]: each["made"] for each in answer["items"]}
        assert (answer["next"] is not None) == left
        body["cursor"] = answer["next"]
    assert {*sent} == ids
    body |= {"cursor": None, "limit": 500}
    assert {
        each["id"]: each["made"] for each in (await me.http.post(signal, json=body, headers=keyed)).json()["items"]
    } == sent, "repeated with its key it is one event still"
    for id in ids:
        while (await me.http.get(f"{EXECUTIONS}/{id}/nodes/heard")).json()["status"] != "succeeded":
            await asyncio.sleep(0.02)
        [told] = await said(me, id, "execution.signalled")
        assert told["data"] == {"event": sent[id], "name": "paid", "by": "key:test", "reason": "Paid."}
        await ask(me, id, "cancel", status=202)
    for id in ids:
        await becomes(me, id, "cancelled")
    results = (await me.http.post(signal, json={"ids": [*ids], "event": {"name": "paid"}})).json()["items"]
    assert {each["code"] for each in results} == {"execution.closed"}
    results = (await stranger.http.post(signal, json={"ids": [*ids], "event": {"name": "paid"}})).json()["items"]
    assert {each["code"] for each in results} == {"execution.unknown"}
    assert code(await me.http.post(signal, json={"ids": [*ids]})) == (422, "request.invalid")


async def test_what_no_worker_hears_is_answered_with_when_to_ask_again(
    me: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.updates.PATIENCE", 0.5)
    await published(me, waiting())
    id = (await begun(me))["id"]
    answer = await me.http.post(f"{EXECUTIONS}/{id}/pause")
    assert (*code(answer), answer.headers["retry-after"]) == (503, "temporal.unavailable", "2")
