"""Batches of large loops whose words cross, come twice, or come before it is known that they have begun."""

from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle

from dag.batches import Beginning, Report
from interpreter.start import Tuning
from runtime import batches
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, until
from tests.interpreter.large_loops import FOREVER, SMALL, batch, loop, said, waiting

FAILS = {"type": "fail", "config": {"code": "user.no", "message": "No."}}


@pytest.mark.parametrize("fail", ["fast", "wait"])
async def test_failures_of_two_batches_at_the_same_time_do_not_cancel_each_other_out(engine: Engine, fail: str) -> None:
    config = {
        "sleep": "${{ item % 3 = 0 ? 0.1 : 0.6 }}",
        "fail": "${{ item % 3 = 0 ? 'e' : null }}",
        "stubborn": True,
    }
    flow = document(
        {"loop": loop("[0..5]", {"a": work("${{ item }}", config=config)})},
        settings={"fail": fail},
    )
    handle = await engine.start(flow, tuning=SMALL)
    failed = await ended(handle)
    assert (failed.error.code, failed.error.path) in [("e", "loop[0].a"), ("e", "loop[3].a")]


async def test_many_failing_turns_are_told_of_once_a_batch(engine: Engine) -> None:
    body = {"a": work(config={"sleep": 0.1, "fail": "e"})}
    flow = document({"loop": loop("[0..29]", body, concurrency=30)}, settings={"fail": "wait"})
    handle = await engine.start(flow, tuning=Tuning(batch=10, batches_beyond=10))
    assert (await ended(handle)).error.code == "e"
    signals = [
        event.workflow_execution_signaled_event_attributes.signal_name
        async for event in handle.fetch_history_events()
        if event.HasField("workflow_execution_signaled_event_attributes")
    ]
    # Of each of three batches, that it fails and that it has; a report may be made again after a failed workflow task.
    assert 6 <= len(signals) <= 12


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every batch is begun, but the first answer that it was is lost. Gives whose was."""
    begin, answers = batches.begin, list[int]()

    async def losing(client: Client, parent: WorkflowHandle[Any, Any], asked: Beginning, *, queue: str) -> None:
        await begin(client, parent, asked, queue=queue)
        if asked.batch.number not in answers:
            answers.append(asked.batch.number)
            raise ConnectionError("the worker died")

    monkeypatch.setattr(batches, "begin", losing)
    return answers


@pytest.mark.parametrize("how", ["done", "failed", "broken", "stopped"])
async def test_a_batch_that_ends_before_it_is_known_to_have_begun_counts(
    engine: Engine, lost: list[int], how: str
) -> None:
    leaves: dict[str, Any] = {
        "done": computing("item"),
        "failed": FAILS,
        "broken": {"type": "break"},
        "stopped": {"type": "stop", "config": {"output": "${{ 'stopped' }}"}},
    }
    undo = {"type": "test.work", "config": {"value": "${{ output.value }}"}}
    body = {"pay": {**work("${{ item }}"), "compensate": undo}, "end": {**leaves[how], "needs": ["pay"]}}
    nodes = {"loop": loop("[0..3]", body, concurrency=2)}
    if how == "done":
        nodes["bad"] = {**FAILS, "needs": ["loop"]}
    handle = await engine.start(document(nodes), tuning=SMALL)
    found = await ended(handle)
    assert found.status == ("failed" if how in ("done", "failed") else "succeeded")
    assert found.output == {"broken": [], "stopped": "stopped"}.get(how)
    assert lost[0] == 0
    begun = [data["batch"] for _, _, data in said(engine, handle, "batch.started")]
    assert begun == [data["batch"] for _, _, data in said(engine, handle, "batch.ended")]
    paid = {path for _, path, _ in said(engine, handle, "node.succeeded") if path.endswith(".pay")}
    undone = {path for _, path, _ in said(engine, handle, "node.succeeded") if path.endswith(".compensate")}
    assert undone == ({f"{path}.compensate" for path in paid} if found.status == "failed" else set())
    assert len(engine.witness.runs) == len(paid) + len(undone)


async def test_a_cancel_while_batches_begin_leaves_none_behind(engine: Engine, lost: list[int]) -> None:
    handle = await engine.start(document({"loop": loop("[0..30]", {"a": FOREVER})}), tuning=SMALL)
    await until(lambda: waiting(engine, handle))
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    assert not waiting(engine, handle)
    assert lost == [0]
    assert [data["how"] for _, _, data in said(engine, handle, "batch.ended")] == ["cancelled"]


async def test_reports_that_come_twice_count_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    report = batches.report

    async def twice(client: Client, told: Report) -> None:
        await report(client, told)
        await report(client, told)

    monkeypatch.setattr(batches, "report", twice)
    inner = loop("[1..4]", {"n": computing("n * item")}, **{"as": "n"})
    flow = document({"loop": loop("[1..7]", {"all": inner, "last": work("${{ item }}", ["all"])})})
    plain = await engine.run(flow)
    handle = await engine.start(flow, tuning=SMALL)
    assert await ended(handle) == plain


async def test_a_batch_that_an_operator_cancels_fails_the_loop(engine: Engine) -> None:
    part = {
        "type": "try",
        "config": {"body": {"nodes": {"a": FOREVER}}, "finally": {"nodes": {"tidy": work()}}},
    }
    handle = await engine.start(document({"loop": loop("[0..30]", {"part": part})}), tuning=SMALL)
    await until(lambda: waiting(engine, handle) == 4)
    await batch(engine, handle, 2).cancel()
    assert (await ended(handle)).error.code == "batch.cancelled"
    statuses = engine.statuses(handle)
    assert [statuses[f"loop[{turn}].part.finally.tidy"] for turn in (0, 3, 6, 9)] == ["succeeded"] * 4
    hows = {data["batch"]: data["how"] for _, _, data in said(engine, handle, "batch.ended")}
    assert hows == dict.fromkeys(range(4), "cancelled")
