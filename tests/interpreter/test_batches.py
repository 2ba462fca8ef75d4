"""Large loops on a real Temporal server: their batches run as strands of their own, and none of it may be seen."""

import pytest
from temporalio.client import WorkflowExecutionStatus

from dag.event_messages import SIGNAL, EmittedEvent
from dag.task_messages import DECIDE, Decided
from interpreter.constructs import batches as construct
from interpreter.start import Tuning
from runtime.batches import report_killed
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, until
from tests.interpreter.histories import replayed, runs
from tests.interpreter.large_loops import FOREVER, SMALL, batch, begun, loop, said, waiting
from tests.interpreter.people import approval, asked, decision


async def test_results_come_in_item_order_and_inside_everything_around_is_seen(engine: Engine) -> None:
    inner = loop("[1..5]", {"n": computing("outer & '.' & item & '.' & vars.mark & '.' & nodes.before.output")})
    body = {"before": computing("loop.index * 10"), "all": {**inner, "needs": ["before"]}}
    flow = document(
        {
            "begin": computing("input & '!'"),
            "out": loop("['a', 'b', 'c', 'd', 'e']", body, needs=["begin"], **{"as": "outer"}),
        },
        vars={"mark": "${{ input }}"},
    )
    plain = await engine.run(flow, "x")
    handle = await engine.start(flow, "x", tuning=SMALL)
    assert await ended(handle) == plain
    expected = [[f"{letter}.{n}.x.{index * 10}" for n in range(1, 6)] for index, letter in enumerate("abcde")]
    assert plain.output == expected
    strands = {event.strand for event in engine.events(handle)}
    within = {f"out[{turn}].all/{number}" for turn in range(5) for number in range(2)}
    assert strands == {"", "out/0", "out/1"} | within


@pytest.mark.parametrize("mode", ["list", "full", "merge", "first", "last", "none"])
async def test_every_result_is_made_as_if_there_were_no_batches(engine: Engine, mode: str) -> None:
    body = {
        "which": {"type": "switch", "config": {"value": "item % 4", "cases": {"one": "1", "two": "2"}}},
        "odd": {"type": "continue", "needs": ["which.one"]},
        "bad": {"type": "fail", "config": {"code": "user.no", "message": "No."}, "needs": ["which.two"]},
        "out": computing("{'n' & (item % 5): item}", ["which.default"]),
    }
    flow = document({"loop": loop("[0..10]", body, result=mode, on_item_error="continue")})
    plain = await engine.run(flow)
    assert plain.status == "succeeded"
    assert await engine.run(flow, tuning=SMALL) == plain


async def test_never_more_turns_run_at_once_than_the_loop_allows(engine: Engine) -> None:
    flow = document({"loop": loop("[0..59]", {"a": work("${{ item }}", config={"sleep": 0.01})}, concurrency=7)})
    handle = await engine.start(flow, tuning=Tuning(batch=5, batches_beyond=5))
    assert (await ended(handle)).output == [{"value": n} for n in range(60)]
    assert engine.witness.most <= 7
    assert len(engine.witness.runs) == 60
    started = said(engine, handle, "batch.started")
    assert [data["first"] for _, _, data in started] == [*range(0, 60, 5)]
    await until(lambda: len(said(engine, handle, "strand.ended")) == 12)  # a batch tells the loop before it ends
    assert [strand for strand, _, _ in said(engine, handle, "strand.ended")] == sorted(f"loop/{n}" for n in range(12))


@pytest.mark.parametrize("fail", ["fast", "wait"])
async def test_a_failing_turn_ends_the_loop_with_its_error(engine: Engine, fail: str) -> None:
    """Those that run elsewhere are cancelled, or finish."""
    others = "1d" if fail == "fast" else "800ms"
    body = {
        "a": {"type": "delay", "config": {"for": f"${{{{ item = 5 ? '200ms' : '{others}' }}}}"}},
        "bad": {"type": "fail", "config": {"code": "user.no"}, "when": "item = 5", "needs": ["a"]},
    }
    flow = document({"loop": loop("[0..29]", body)}, settings={"fail": fail})
    handle = await engine.start(flow, tuning=Tuning(batch=5, batches_beyond=5))
    failed = await ended(handle)
    assert (failed.error.code, failed.error.path) == ("user.no", "loop[5].bad")
    turns = {path: status for path, status in engine.statuses(handle).items() if path.endswith(".a")}
    assert turns.pop("loop[5].a") == "succeeded"
    assert set(turns) == {"loop[0].a", "loop[10].a", "loop[15].a"}
    assert set(turns.values()) == {"cancelled" if fail == "fast" else "succeeded"}


async def test_a_break_in_one_batch_ends_them_all_and_what_had_ended_counts(engine: Engine) -> None:
    body = {
        "a": {"type": "delay", "config": {"for": "${{ item = 4 ? '500ms' : (item in [0, 3] ? '1ms' : '1d') }}"}},
        "fourth": {"type": "if", "config": {"condition": "item = 4"}, "needs": ["a"]},
        "stop": {"type": "break", "needs": ["fourth.true"]},
        "out": computing("item", ["fourth.false"]),
    }
    flow = document({"loop": loop("[0..30]", body, concurrency=8)})
    handle = await engine.start(flow, tuning=SMALL)
    done = await ended(handle)
    assert (done.status, done.output) == ("succeeded", [0, 3])
    assert not waiting(engine, handle)


async def test_a_stop_in_a_batch_ends_the_execution_with_its_output(engine: Engine) -> None:
    stop = {"type": "stop", "config": {"output": "${{ item * 2 }}"}, "when": "item = 4", "needs": ["a"]}
    body = {"a": {"type": "delay", "config": {"for": "10ms"}}, "stop": stop}
    flow = document({"loop": loop("[0..30]", body), "long": FOREVER})
    handle = await engine.start(flow, tuning=SMALL)
    assert await ended(handle) == await engine.run(flow)
    statuses = engine.statuses(handle)
    assert (statuses["loop"], statuses["long"]) == ("cancelled", "cancelled")


async def test_what_turns_did_is_undone_in_reverse_item_order_as_one_block(engine: Engine) -> None:
    undo = {"type": "test.work", "config": {"value": "${{ output.value }}"}}
    fails = {"type": "fail", "config": {"code": "user.no", "message": "No."}, "needs": ["loop"]}
    flow = document({"loop": loop("[0..10]", {"pay": {**work("${{ item }}"), "compensate": undo}}), "bad": fails})
    handle = await engine.start(flow, tuning=SMALL)
    assert (await ended(handle)).status == "failed"
    undone = [path for _, path, _ in said(engine, handle, "node.started") if path.endswith(".compensate")]
    assert undone == [f"loop[{n}].pay.compensate" for n in reversed(range(11))]


@pytest.mark.parametrize("how", ["cancel", "timeout", "node"])
async def test_an_end_from_outside_reaches_every_batch_and_its_finally_parts(engine: Engine, how: str) -> None:
    config = {
        "body": {"nodes": {"a": FOREVER}},
        "finally": {"nodes": {"last": work("${{ item }}")}},
    }
    tried = {"type": "try", "config": config}
    node = {**loop("[0..30]", {"t": tried}), **({"timeout": "500ms"} if how == "node" else {})}
    flow = document({"loop": node}, settings={"timeout": "500ms"} if how == "timeout" else {})
    handle = await engine.start(flow, tuning=SMALL)
    if how == "cancel":
        await until(lambda: waiting(engine, handle) == 4)
        await handle.cancel()
    found = await ended(handle)
    assert found.status == {"cancel": "cancelled", "timeout": "timed_out", "node": "failed"}[how]
    statuses = engine.statuses(handle)
    tried_in = {path for path in statuses if path.endswith("body.a")}
    assert tried_in >= {"loop[0].t.body.a"}
    assert {path: statuses[path] for path in statuses if path.endswith("last")} == {
        path.replace("body.a", "finally.last"): "succeeded" for path in tried_in
    }


async def test_a_killed_batch_fails_the_loop_and_can_be_caught(engine: Engine) -> None:
    flow = document(
        {
            "try": {
                "type": "try",
                "config": {
                    "body": {"nodes": {"loop": loop("[0..30]", {"a": FOREVER})}},
                    "catch": [{"codes": ["batch.terminated"], "body": {"nodes": {"told": computing("error.code")}}}],
                },
            }
        }
    )
    handle = await engine.start(flow, tuning=SMALL)
    await until(lambda: waiting(engine, handle) == 4)
    killed = batch(engine, handle, 1, "try.body.loop")
    await killed.terminate()
    await report_killed(engine.client, await killed.describe())
    assert (await ended(handle)).output == "batch.terminated"
    for number in (0, 2, 3):
        described = await batch(engine, handle, number, "try.body.loop").describe()
        assert described.status is WorkflowExecutionStatus.COMPLETED


async def test_a_killed_batch_of_which_nobody_tells_is_asked_after(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(construct, "SILENCE", 1.0)
    handle = await engine.start(document({"loop": loop("[0..9]", {"ok": approval()})}), tuning=SMALL)
    strand = batch(engine, handle, 1)
    await asked(await begun(strand))
    await strand.terminate()
    assert (await ended(handle)).error.code == "batch.terminated"


async def test_people_and_events_reach_turns_in_batches_over_continue_as_new(engine: Engine) -> None:
    body = {
        "ok": approval(),
        "paid": {
            "type": "wait_event",
            "config": {"events": [{"name": "paid", "key": "item"}]},
            "needs": ["ok.approved"],
        },
        "out": computing("nodes.ok.output.by & ' ' & nodes.paid.output.payload", ["paid.received"]),
    }
    flow = document({"loop": loop("[0..5]", body, concurrency=6)})
    handle = await engine.start(flow, tuning=Tuning(batch=3, batches_beyond=3, continue_after=1))
    for turn in range(6):
        strand = await begun(batch(engine, handle, turn // 3))
        await asked(strand)
        told = decision(f"loop[{turn}].ok", f"user:{turn}")
        await strand.execute_update(DECIDE, told, id=told.id, result_type=Decided)
    for turn in range(6):
        event = EmittedEvent(f"ev_{turn}", "paid", turn, f"sum {turn}", "2100-01-01T00:00:00+00:00")
        await batch(engine, handle, turn // 3).signal(SIGNAL, event)
    assert (await ended(handle)).output == [f"user:{turn} sum {turn}" for turn in range(6)]
    for strand in (handle, batch(engine, handle, 0)):
        first = await anext(aiter(strand.fetch_history_events(page_size=1)))
        assert first.workflow_execution_started_event_attributes.continued_execution_run_id


async def test_batches_and_the_loop_replay_as_they_were(engine: Engine) -> None:
    flow = document({"loop": loop("[0..7]", {"a": work("${{ item }}")})})
    handle = await engine.start(flow, tuning=Tuning(batch=3, batches_beyond=3, continue_after=2))
    assert (await ended(handle)).output == [{"value": n} for n in range(8)]
    for history in await runs(engine.client, handle):
        await replayed(history, engine.client.data_converter)
    strand = batch(engine, handle, 2)
    await strand.result()
    events = await replayed(await strand.fetch_history(), engine.client.data_converter)
    assert events[-1].type == "strand.ended"


async def test_outputs_too_large_together_fail_the_loop(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interpreter.outputs.MOST_BYTES", 20_000)
    flow = document({"loop": loop("[0..10]", {"a": computing("$join([1..900].$string($))")})})
    handle = await engine.start(flow, tuning=SMALL)
    assert (await ended(handle)).error.code == "limit.outputs"
