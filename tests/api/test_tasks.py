"""Tasks by the API: read, decided once whoever asks how often, refused with the reason."""

import asyncio
from typing import Any

import pytest
from httpx2 import Response
from pydantic import JsonValue

from api.tasks.finding import strands_to_ask
from dag.limits import DEFAULTS
from dag.task_ids import TaskPlace, task_id
from tests.api.service import Caller
from tests.api.working import definition, published

pytestmark = pytest.mark.usefixtures("working")


async def asking(me: Caller, node: dict[str, Any], name: str = "asking", **more: Any) -> tuple[str, str]:
    """Start an execution with one node that asks; its id, and the task's."""
    await published(me, definition(name, nodes={"ok": node}, **more))
    answer = await me.http.post(f"/workflows/{name}/executions", json={})
    execution = answer.json()["id"]
    task = task_id(TaskPlace(execution, 1, "ok"))
    while (await me.http.get(f"/tasks/{task}")).status_code == 404:
        await asyncio.sleep(0.02)
    return execution, task


def approval(**config: Any) -> dict[str, Any]:
    return {"type": "approval", "config": {"title": "Pay?", "due": "1h", **config}}


async def decide(me: Caller, task: str, *, key: str | None = None, **said: JsonValue) -> Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await me.http.post(f"/tasks/{task}/decide", json=said, headers=headers)


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_task_is_read_and_decided(me: Caller) -> None:
    form = {"type": "object", "properties": {"n": {"type": "integer"}}}
    execution, task = await asking(me, approval(form=form, assignees=["group:finance"], description="Now."))
    read = (await me.http.get(f"/tasks/{task}")).json()
    assert (read["id"], read["execution"], read["path"], read["type"]) == (task, execution, "ok", "approval")
    assert (read["status"], read["title"], read["description"], read["form"]) == ("open", "Pay?", "Now.", form)
    assert (read["assignees"], read["required"], read["votes"]) == (["group:finance"], 1, [])
    said: dict[str, Any] = {"verdict": "approve", "values": {"n": 1}, "groups": ["group:finance"]}
    answer = await decide(me, task, **said, by="user:ann", comment="Fine.")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["verdict"], told["by"], told["comment"]) == (
        "approved",
        "approve",
        "user:ann",
        "Fine.",
    )
    assert told["votes"] == [{"by": "user:ann", "verdict": "approve", "at": told["at"], "comment": "Fine."}]
    ended = (await me.http.post(f"/workflows/executions/{execution}/cancel?wait=30")).json()
    read = (await me.http.get(f"/tasks/{task}")).json()
    assert (read["status"], read["by"], read["title"], read["form"]) == ("approved", "user:ann", "Pay?", None), ended


async def test_a_key_speaks_for_itself_and_not_in_what_it_started(me: Caller) -> None:
    _, task = await asking(me, approval())
    assert problem(await decide(me, task, verdict="approve")) == (403, "approval.self")
    assert (await decide(me, task, verdict="approve", by="user:ann")).json()["status"] == "approved"
    _, other = await asking(me, approval(allow_self=True), "other")
    assert (await decide(me, other, verdict="approve")).json()["by"] == "key:test"


async def test_refusals_say_why(me: Caller) -> None:
    form = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
    _, task = await asking(me, approval(assignees=["user:ann"], form=form))
    assert problem(await decide(me, task, verdict="approve", by="user:bob")) == (403, "approval.not_assigned")
    answer = await decide(me, task, verdict="approve", by="user:ann", values={"n": "x"})
    assert problem(answer) == (422, "approval.form")
    assert [each["path"] for each in answer.json()["problems"]] == ["/values/n"]
    assert problem(await decide(me, task, by="user:ann", values={"n": 1})) == (422, "approval.form")
    wrong: list[dict[str, Any]] = [
        {"verdict": "maybe"},
        {"by": "ann"},
        {"by": "key:x"},
        {"groups": ["user:ann"]},
        {"more": 1},
    ]
    for said in wrong:
        assert problem(await decide(me, task, **{"verdict": "approve", **said})) == (422, "request.invalid"), said
    assert (await decide(me, task, verdict="approve", by="user:ann", values={"n": 1})).status_code == 200


async def test_what_is_no_task_is_not_found(me: Caller, stranger: Caller) -> None:
    execution, task = await asking(me, approval())
    elsewhere = task_id(TaskPlace(f"ex_{'0' * 32}", 1, "ok"))
    unbegun = task_id(TaskPlace(execution, 1, "no"))
    later = task_id(TaskPlace(execution, 2, "ok"))
    hostile = ["task_", "task_!", "x", task + "=", task + "A", "task_" + "A" * 5_000, "task_%00", execution]
    for id in (elsewhere, unbegun, later, *hostile):
        assert problem(await me.http.get(f"/tasks/{id}")) == (404, "approval.unknown"), id
        assert problem(await decide(me, id, verdict="approve", by="user:a")) == (404, "approval.unknown"), id
    assert problem(await stranger.http.get(f"/tasks/{task}")) == (404, "approval.unknown")
    assert problem(await decide(stranger, task, verdict="approve")) == (404, "approval.unknown")


async def test_a_repeated_decision_is_answered_as_before_also_when_the_execution_has_ended(me: Caller) -> None:
    execution, task = await asking(me, approval(required=2))
    first = await decide(me, task, verdict="approve", by="user:ann", key="k")
    second = await decide(me, task, verdict="approve", by="user:bob")
    while (await me.http.get(f"/workflows/executions/{execution}")).json()["status"] != "succeeded":
        await asyncio.sleep(0.02)
    assert (first.json()["status"], second.json()["status"]) == ("open", "approved")
    assert (await decide(me, task, verdict="approve", by="user:ann", key="k")).json() == first.json()
    assert (await decide(me, task, verdict="approve", by="user:bob")).json() == second.json()
    late = await decide(me, task, verdict="reject", by="user:bob")
    assert problem(late) == (409, "approval.closed")
    assert late.json()["details"]["status"] == "approved"
    assert late.json()["details"]["by"] == "user:bob"


async def test_a_decision_after_the_deadline_is_refused_with_the_reason(me: Caller) -> None:
    execution, task = await asking(me, approval(due="300ms", on_timeout="reject"))
    while (await me.http.get(f"/workflows/executions/{execution}")).json()["status"] != "succeeded":
        await asyncio.sleep(0.02)
    late = await decide(me, task, verdict="approve", by="user:ann")
    assert problem(late) == (409, "approval.closed")
    assert (late.json()["details"]["status"], late.json()["details"]["by"]) == ("rejected", None)
    assert "deadline" in late.json()["detail"] or "rejected" in late.json()["detail"]


async def test_thirty_callers_in_one_second_make_one_decision_and_all_are_told_truly(me: Caller) -> None:
    execution, task = await asking(me, approval())
    verdicts = ["approve", "reject"] * 15
    answers = await asyncio.gather(
        *(decide(me, task, verdict=verdict, by=f"user:{n}") for n, verdict in enumerate(verdicts))
    )
    made = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert (len(made), len(refused)) == (1, 29), [answer.text for answer in answers]
    ended = (await me.http.get(f"/workflows/executions/{execution}")).json()
    while ended["status"] == "running" or ended["status"] == "waiting":
        await asyncio.sleep(0.02)
        ended = (await me.http.get(f"/workflows/executions/{execution}")).json()
    assert (ended["output"]["by"], ended["output"]["verdict"]) == (made[0]["by"], made[0]["verdict"])
    assert {each["details"]["by"] for each in refused} == {made[0]["by"]}
    events = (await me.http.get(f"/workflows/executions/{execution}/events?limit=100")).json()["items"]
    assert [each["type"] for each in events].count("task.voted") == 1


async def test_the_same_decision_thirty_times_at_once_is_one(me: Caller) -> None:
    _, task = await asking(me, approval())
    answers = await asyncio.gather(*(decide(me, task, verdict="approve", by="user:ann") for _ in range(30)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


async def test_who_started_an_execution_may_not_decide_in_those_that_it_starts(me: Caller) -> None:
    await published(me, definition("inner", nodes={"ok": approval()}))
    call = {"type": "workflow", "config": {"name": "inner"}}
    await published(me, definition("outer", nodes={"call": call}))
    outer = (await me.http.post("/workflows/outer/executions", json={})).json()["id"]
    while not (found := (await me.http.get("/workflows/executions?workflow=inner")).json()["items"]):
        await asyncio.sleep(0.02)
    task = task_id(TaskPlace(found[0]["id"], 1, "ok"))
    while (answer := await decide(me, task, verdict="approve")).status_code == 404:
        await asyncio.sleep(0.02)
    assert problem(answer) == (403, "approval.self")
    assert (await decide(me, task, verdict="approve", by="user:ann")).status_code == 200
    while (await me.http.get(f"/workflows/executions/{outer}")).json()["status"] != "succeeded":
        await asyncio.sleep(0.02)


@pytest.mark.slow
async def test_a_task_in_a_turn_of_a_large_loop_is_read_and_decided(me: Caller) -> None:
    nodes = {"ok": {**approval(), "when": "item = 1500"}}
    each = {"items": "[0..2000]", "concurrency": 1_000, "result": "none", "body": {"nodes": nodes}}
    await published(me, definition("large", nodes={"loop": {"type": "for_each", "config": each}}))
    execution = (await me.http.post("/workflows/large/executions", json={})).json()["id"]
    task = task_id(TaskPlace(execution, 1, "loop[1500].ok"))
    while (read := await me.http.get(f"/tasks/{task}")).status_code == 404:
        await asyncio.sleep(0.05)
    assert (read.json()["status"], read.json()["path"]) == ("open", "loop[1500].ok")
    for path in ("loop[1499].ok", "loop[99999].ok", "other[1500].ok"):
        other = task_id(TaskPlace(execution, 1, path))
        assert problem(await me.http.get(f"/tasks/{other}")) == (404, "approval.unknown")
        assert problem(await decide(me, other, verdict="approve", by="user:ann")) == (404, "approval.unknown")
    assert (await decide(me, task, verdict="approve", by="user:ann")).json()["status"] == "approved"
    while (await me.http.get(f"/workflows/executions/{execution}")).json()["status"] != "succeeded":
        await asyncio.sleep(0.02)
    assert (await me.http.get(f"/tasks/{task}")).json()["by"] == "user:ann"
    assert problem(await decide(me, task, verdict="reject", by="user:bob")) == (409, "approval.closed")


async def test_a_path_of_hundreds_of_turns_is_looked_for_in_as_many_strands_as_graphs_may_be_nested(me: Caller) -> None:
    execution, task = await asking(me, approval())
    for path in ("a" + "[0]" * 900, ".".join(["a[7]"] * 300), f"a[{'9' * 2_500}].b", "a" * 2_000 + "[1].b"):
        place = TaskPlace(execution, 1, path)
        id = task_id(place)
        assert problem(await me.http.get(f"/tasks/{id}")) == (404, "approval.unknown")
        assert problem(await decide(me, id, verdict="approve", by="user:ann")) == (404, "approval.unknown")
        assert len([*strands_to_ask(place)]) <= DEFAULTS.levels + 1
    assert (await decide(me, task, verdict="approve", by="user:ann")).status_code == 200
