"""Sub-workflows on a real Temporal server and a real store: how they start and end, and who is told of it."""

import asyncio
import uuid
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from dag.sub_workflows import ENDED, ChildEnd
from interpreter.constructs import calling as construct
from interpreter.start import Tuning
from runtime.children import terminate
from runtime.events import publish
from store import ids, workflows
from store.database import Database
from store.emitted_events import Sent
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.interpreter.documents import computing, work
from tests.interpreter.engine import ended
from tests.interpreter.family import Family, Handle, calling, family, family_on, id_of, working
from tests.interpreter.histories import runs
from tests.interpreter.witness import Witness
from tests.worker.attempts import Recorded
from worker import reconcile

__all__ = ["family"]

FOREVER: dict[str, Any] = {"type": "delay", "config": {"for": "1d"}}
GO: dict[str, Any] = {"type": "wait_event", "config": {"events": [{"name": "go"}]}}
FAILS: dict[str, Any] = {"type": "fail", "config": {"code": "user.no", "message": "No."}}


async def go(family: Family) -> None:
    """Let those go on who wait for it."""
    await publish(family.client, family.store, family.tenant, Sent(ids.event(), "go", None, None))


async def status_of(handle: Handle) -> WorkflowExecutionStatus | None:
    """How it has ended: it reports its end to others first."""
    await ended(handle)
    return (await handle.describe()).status


async def test_a_sub_workflow_gives_its_output(family: Family) -> None:
    await family.publish("double", {"x": computing("input.n * 2")})
    await family.publish("parent", {"call": calling("double", {"n": "${{ input }}"})})
    handle = await family.start("parent", 21)
    assert (await ended(handle)).output == 42
    row = await family.row(family.waiting(handle, "call") or "")
    assert (row.workflow, row.version, row.trigger) == ("double", 1, "workflow")


async def test_a_stop_ends_the_child_and_not_its_parent(family: Family) -> None:
    await family.publish("halts", {"x": {"type": "stop", "config": {"output": "halted"}}, "w": FOREVER})
    await family.publish("parent", {"call": calling("halts"), "on": computing("nodes.call.output & '!'", ["call"])})
    assert (await family.run("parent")).output == "halted!"


async def test_a_large_output_comes_whole(family: Family) -> None:
    await family.publish("grow", {"x": computing("$join([1..2000].('x' & $pad('', 60, '.')))")})
    await family.publish("parent", {"call": calling("grow")}, output="${{ $length(nodes.call.output) }}")
    assert (await family.run("parent")).output == 122_000


async def test_a_childs_error_keeps_its_code_and_is_the_cause(family: Family) -> None:
    await family.publish("bad", {"x": FAILS})
    await family.publish("parent", {"call": calling("bad")})
    error = (await family.run("parent")).error
    assert (error.code, error.message, error.node, error.path) == ("user.no", "No.", "call", "call")
    assert isinstance(error.cause, dict)
    assert (error.cause["code"], error.cause["path"]) == ("user.no", "x")


async def test_a_child_that_takes_too_long_fails_the_node_with_a_code_of_its_own(family: Family) -> None:
    await family.publish("slow", {"x": FOREVER}, settings={"timeout": "100ms"})
    body = {"nodes": {"call": calling("slow")}}
    catch = [{"codes": ["workflow"], "body": {"nodes": {"x": computing("error.code")}}}]
    await family.publish("parent", {"guard": {"type": "try", "config": {"body": body, "catch": catch}}})
    assert (await family.run("parent")).output == "workflow.timed_out"


async def test_a_child_that_a_person_cancels_fails_the_node(family: Family) -> None:
    await family.publish("slow", {"x": FOREVER})
    await family.publish("parent", {"call": calling("slow")})
    handle = await family.start("parent")
    await (await family.child(handle)).cancel()
    assert (await ended(handle)).error.code == "workflow.cancelled"


async def test_cancelling_a_parent_lets_the_child_end_first(family: Family) -> None:
    part = {"type": "try", "config": {"body": {"nodes": {"w": FOREVER}}, "finally": {"nodes": {"tidy": work("tidy")}}}}
    await family.publish("slow", {"guard": part})
    await family.publish("parent", {"call": calling("slow")})
    handle = await family.start("parent")
    child = await family.child(handle)
    await family.until(lambda: family.statuses(child).get("guard.body.w") == "waiting")
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    assert (await ended(child)).status == "cancelled"  # it reports its end, then ends
    assert family.statuses(child)["guard.finally.tidy"] == "succeeded"
    assert family.statuses(handle)["call"] == "cancelled"


async def test_a_timeout_of_the_node_ends_the_child(family: Family) -> None:
    await family.publish("slow", {"x": FOREVER})
    await family.publish("parent", {"call": calling("slow", timeout="300ms")})
    handle = await family.start("parent")
    assert (await ended(handle)).error.code == "timeout.node"
    assert await status_of(await family.child(handle)) is WorkflowExecutionStatus.CANCELED


async def test_a_detached_child_outlives_its_parent(family: Family) -> None:
    await family.publish("slow", {"x": GO})
    await family.publish("parent", {"call": calling("slow", config={"wait": False}), "w": FOREVER})
    handle = await family.start("parent")
    await family.until(lambda: family.statuses(handle).get("call") == "succeeded")
    [told] = [event.data for event in family.events(handle) if event.type == "node.succeeded"]
    assert isinstance(told, dict)
    assert isinstance(told["output"], dict)
    child = family.client.get_workflow_handle(f"{family.tenant}/{told['output']['execution']}")
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    await family.until(lambda: family.statuses(child).get("x") == "waiting")
    await go(family)
    assert (await ended(child)).status == "succeeded"


async def test_each_turn_of_a_loop_has_a_child_of_its_own(family: Family) -> None:
    await family.publish("double", {"x": computing("input * 2")})
    body = {"nodes": {"call": calling("double", "${{ item }}")}}
    config = {"items": "[1..20]", "concurrency": 10, "body": body}
    await family.publish("parent", {"each": {"type": "for_each", "config": config}})
    handle = await family.start("parent")
    assert (await ended(handle)).output == [2 * n for n in range(1, 21)]
    children = {family.waiting(handle, f"each[{n}].call") for n in range(20)}
    assert len(children) == 20


async def test_the_branches_that_lose_have_their_children_cancelled(family: Family) -> None:
    await family.publish("quick", {"x": computing("'quick'")})
    await family.publish("slow", {"x": FOREVER})
    wins = {"g": GO, "call": calling("quick", needs=["g.received"])}
    branches = {"a": {"nodes": {"call": calling("slow")}}, "b": {"nodes": wins}}
    await family.publish("parent", {"fan": {"type": "parallel", "config": {"branches": branches, "wait": "any"}}})
    handle = await family.start("parent")
    child = await family.child(handle, "fan.a.call")
    await family.until(lambda: family.statuses(handle).get("fan.b.g") == "waiting")
    await go(family)
    assert (await ended(handle)).output == {"b": "quick"}
    assert await status_of(child) is WorkflowExecutionStatus.CANCELED


async def test_a_parent_that_continues_as_new_hears_of_its_child(family: Family) -> None:
    await family.publish("slow", {"x": GO, "y": computing("'went'", ["x.received"])})
    steps = {f"n{n}": work(n, [f"n{n - 1}"] if n else None) for n in range(6)}
    await family.publish("parent", {"call": calling("slow"), **steps}, output="${{ nodes.call.output }}")
    handle = await family.start("parent", tuning=Tuning(continue_after=2))
    await family.until(lambda: family.statuses(handle).get("n5") == "succeeded")
    child = await family.child(handle)
    await family.until(lambda: family.statuses(child).get("x") == "waiting")
    assert len(await runs(family.client, handle)) > 2
    await go(family)
    assert (await ended(handle)).output == "went"


async def test_a_child_that_continues_as_new_still_reports(family: Family) -> None:
    steps = {f"n{n}": work(n, [f"n{n - 1}"] if n else None) for n in range(4)}
    await family.publish("long", steps)
    await family.publish("parent", {"call": calling("long")})
    handle = await family.start("parent", tuning=Tuning(continue_after=1))
    assert (await ended(handle)).output == {"value": 3}


async def test_a_parent_learns_of_a_killed_child_by_asking(family: Family, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(construct, "SILENCE", 0.5)
    await family.publish("slow", {"x": FOREVER})
    await family.publish("parent", {"call": calling("slow")})
    handle = await family.start("parent")
    child = await family.child(handle)
    await asyncio.sleep(1)  # it has been asked after, and goes on
    assert family.statuses(handle)["call"] == "waiting"
    await child.terminate()
    assert (await ended(handle)).error.code == "workflow.terminated"


async def test_a_parent_learns_of_a_killed_child_by_the_pass_that_closes_it(family: Family) -> None:
    await family.publish("slow", {"x": FOREVER})
    await family.publish("parent", {"call": calling("slow")})
    handle = await family.start("parent")
    child = await family.child(handle)
    await family.until(lambda: family.statuses(child).get("x") == "waiting")
    await child.terminate()

    async def passes() -> None:
        while True:  # Temporal's lists lag behind
            await reconcile.run(family.client, family.store, None)
            await asyncio.sleep(0.2)

    passing = asyncio.create_task(passes())
    assert (await ended(handle)).error.code == "workflow.terminated"
    while (row := await family.row(id_of(child))).closed_at is None:
        await asyncio.sleep(0.05)
    passing.cancel()
    assert (row.status, row.error_code) == ("cancelled", "terminated")


async def test_a_parent_learns_at_once_of_a_child_that_we_terminate(family: Family) -> None:
    await family.publish("slow", {"x": FOREVER})
    await family.publish("parent", {"call": calling("slow")})
    handle = await family.start("parent")
    child = await family.child(handle)
    await terminate(family.client, family.tenant, ExecutionId(id_of(child)), reason="test")
    assert (await ended(handle)).error.code == "workflow.terminated"


async def test_workers_may_go_between_start_and_report(client: Client, store: Database, tenant: TenantId) -> None:
    async with family_on(client, store, tenant) as family:
        await family.publish("slow", {"x": GO, "y": computing("'went'", ["x.received"])})
        await family.publish("parent", {"call": calling("slow")})
        handle = await family.start("parent")
        child = await family.child(handle)
        await family.until(lambda: family.statuses(child).get("x") == "waiting")
    await go(family)
    async with working(family):
        assert (await ended(handle)).output == "went"


async def test_a_report_before_the_node_has_started_is_kept(client: Client, store: Database, tenant: TenantId) -> None:
    family = Family(client, store, tenant, f"q-{uuid.uuid4().hex}", Recorded(), Witness())
    await family.publish("leaf", {"x": FOREVER})
    await family.publish("parent", {"first": work(1), "call": calling("leaf", needs=["first"])})
    handle = await family.start("parent", tuning=Tuning(continue_after=1))
    child = ids.child_execution(tenant, ExecutionId(id_of(handle)), 1, "call")
    await handle.signal(ENDED, ChildEnd("call", child, "succeeded", "early"))
    async with working(family):
        assert (await ended(handle)).output == "early", "as when a worker dies before history has heard of the start"


async def test_a_report_of_another_child_changes_nothing(family: Family) -> None:
    await family.publish("slow", {"x": GO})
    await family.publish("parent", {"call": calling("slow")})
    handle = await family.start("parent")
    child = await family.child(handle)
    await handle.signal(ENDED, ChildEnd("call", "ex_of_an_earlier_attempt", "succeeded", "wrong"))
    await handle.signal(ENDED, ChildEnd("nowhere", id_of(child), "succeeded", "wrong"))
    await family.until(lambda: family.statuses(child).get("x") == "waiting")
    await go(family)
    assert (await ended(handle)).output != "wrong"


@pytest.mark.parametrize("wait", [True, False])
async def test_a_succeeded_sub_workflow_is_undone_by_its_node(family: Family, wait: bool) -> None:  # noqa: FBT001
    await family.publish("pay", {"x": work("paid", compensate={"type": "test.work", "config": {"value": "inside"}})})
    undo = {"type": "test.work", "config": {"value": "${{ output }}"}}
    call = calling("pay", config={"wait": wait}, compensate=undo)
    await family.publish("parent", {"call": call, "bad": {**FAILS, "needs": ["call"]}})
    handle = await family.start("parent")
    assert (await ended(handle)).error.code == "user.no"
    undone = [event for event in family.events(handle) if event.path == "call.compensate"][-1]
    assert undone.type == "node.succeeded"
    assert isinstance(undone.data, dict)
    output = undone.data["output"]
    assert isinstance(output, dict)
    assert output["value"] == {"value": "paid"} if wait else "execution" in str(output["value"])


async def test_a_sub_workflow_that_fails_undoes_itself_and_its_node_nothing(family: Family) -> None:
    undo = {"type": "test.work", "config": {"value": "undone"}}
    await family.publish("pay", {"x": work("paid", compensate=undo), "bad": {**FAILS, "needs": ["x"]}})
    await family.publish("parent", {"call": calling("pay", compensate=undo)})
    handle = await family.start("parent")
    assert (await ended(handle)).error.code == "user.no"
    assert "call.compensate" not in family.statuses(handle)
    assert family.statuses(await family.child(handle))["x.compensate"] == "succeeded"


async def test_a_workflow_too_deep_is_not_started(family: Family) -> None:
    await family.publish("leaf", {"x": computing("1")})
    await family.publish("parent", {"call": calling("leaf")})
    await family.publish("sends", {"call": calling("leaf", config={"wait": False})})
    assert (await family.run("parent", depth=19)).output == 1
    error = (await family.run("parent", depth=20)).error
    assert (error.code, error.path) == ("limit.depth", "call")
    assert (await family.run("sends", depth=20)).status == "succeeded", "nobody waits for it"


async def test_a_version_is_pinned_unless_the_node_says_otherwise(family: Family) -> None:
    await family.publish("leaf", {"x": computing("1")})
    nodes = {
        "pinned": calling("leaf"),
        "first": calling("leaf", config={"version": 1}),
        "tagged": calling("leaf", config={"version": "stable"}),
        "latest": calling("leaf", config={"version": "latest"}),
    }
    assert await family.publish("parent", nodes) == 1
    for n in (2, 3):
        await family.publish("leaf", {"x": computing(str(n))})
    await family.tag("leaf", "stable", 2)
    assert (await family.run("parent")).output == {"pinned": 1, "first": 1, "tagged": 2, "latest": 3}
    assert await family.publish("parent", nodes) == 2, "the pinned version is another one now"
    assert await family.publish("parent", nodes) == 2
    assert (await family.run("parent")).output == {"pinned": 3, "first": 1, "tagged": 2, "latest": 3}


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"input": {"n": "no number"}}, "input.invalid"),
        ({"version": "untagged", "input": {"n": 1}}, "workflow.version_unknown"),
        ({"input": {"n": 1}, "wait": "${{ 'perhaps' }}"}, "config.invalid"),
    ],
    ids=["input", "version", "wait"],
)
async def test_what_cannot_be_started_is_the_nodes_error(family: Family, config: dict[str, Any], code: str) -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"type": "number"}}}
    await family.publish("leaf", {"x": computing("input.n")}, input=schema)
    await family.publish("parent", {"call": {"type": "workflow", "config": {"name": "leaf", **config}}})
    error = (await family.run("parent")).error
    assert (error.code, error.path) == (code, "call")


async def test_a_workflow_that_was_deleted_cannot_be_started(family: Family) -> None:
    await family.publish("leaf", {"x": computing("1")})
    await family.publish(
        "parent", {"call": calling("leaf", on_error="continue")}, output="${{ nodes.call.error.code }}"
    )
    async with session(family.store, family.tenant) as s:
        await workflows.remove(s, "leaf")
    assert (await family.run("parent")).output == "workflow.unknown"


async def test_a_child_has_its_defaults_its_settings_and_the_priority_of_its_parent(family: Family) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "number", "default": 7}}}
    await family.publish("leaf", {"x": computing("input.n & ' ' & execution.trigger")}, input=schema)
    await family.publish("parent", {"call": calling("leaf", {})}, settings={"priority": 1})
    handle = await family.start("parent")
    assert (await ended(handle)).output == "7 workflow"
    described = await (await family.child(handle)).describe()
    assert described.raw_description.workflow_execution_info.priority.priority_key == 1


async def test_a_failure_is_told_once_to_the_workflow_that_settings_name(family: Family) -> None:
    undo = {"type": "test.work", "config": {"value": "undone"}}
    told = {"on_failure": {"workflow": "notify"}}
    await family.publish("notify", {"x": {"type": "stop", "config": {"output": "${{ input }}"}}})
    await family.publish("notify", {"x": computing("input"), "bad": {**FAILS, "needs": ["x"]}}, settings=told)
    nodes = {"a": work(1, compensate=undo), "bad": {**FAILS, "needs": ["a"]}}
    await family.publish("parent", nodes, settings=told)
    handle = await family.start("parent", {"order": 5})
    assert (await ended(handle)).error.code == "user.no"
    types = [event.type for event in family.events(handle)]
    assert types[-3:] == ["compensation.ended", "on_failure.started", "execution.failed"]
    [started] = family.told(handle, "on_failure.started")
    notified = family.client.get_workflow_handle(f"{family.tenant}/{started['execution']}")
    assert (await ended(notified)).error.code == "user.no"
    [begun] = family.told(notified, "execution.started")
    assert begun["trigger"] == "on_failure"
    assert {key: begun["input"][key] for key in ("execution", "workflow", "version", "input")} == {
        "execution": id_of(handle),
        "workflow": "parent",
        "version": 1,
        "input": {"order": 5},
    }
    assert begun["input"]["error"]["code"] == "user.no"
    assert not family.told(notified, "on_failure.started"), "one that was started so starts no further one"
    assert (await family.row(id_of(notified))).trigger == "on_failure"


async def test_a_timeout_is_told_and_a_cancel_is_not(family: Family) -> None:
    await family.publish("notify", {"x": computing("1")})
    told = {"on_failure": {"workflow": "notify"}}
    await family.publish("late", {"x": FOREVER}, settings={**told, "timeout": "100ms"})
    await family.publish("slow", {"x": FOREVER}, settings=told)
    late, slow = await family.start("late"), await family.start("slow")
    assert (await ended(late)).status == "timed_out"
    await family.until(lambda: family.statuses(slow).get("x") == "waiting")
    await slow.cancel()
    assert (await ended(slow)).status == "cancelled"
    assert len(family.told(late, "on_failure.started")) == 1
    assert not family.told(slow, "on_failure.started")


async def test_nobody_to_tell_changes_no_outcome(family: Family) -> None:
    await family.publish("notify", {"x": computing("1")})
    await family.publish("parent", {"bad": FAILS}, settings={"on_failure": {"workflow": "notify"}})
    async with session(family.store, family.tenant) as s:
        await workflows.remove(s, "notify")
    handle = await family.start("parent")
    assert (await ended(handle)).error.code == "user.no"
    [failed] = family.told(handle, "on_failure.failed")
    assert (failed["workflow"], failed["error"]["code"]) == ("notify", "workflow.unknown")
