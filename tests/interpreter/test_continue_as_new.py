"""Long executions continue as new at safe points: history stays bounded and nothing is lost or done twice."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from dag.limits import Limits
from interpreter.start import Tuning
from tests.interpreter.documents import chain, computing, document, work
from tests.interpreter.engine import Engine, ended
from tests.interpreter.histories import Handle, runs


async def lengths(engine: Engine, handle: Handle) -> list[int]:
    """How long the histories of all runs of an execution are."""
    return [len(history.events) for history in await runs(engine.client, handle)]


def assert_unbroken(engine: Engine, handle: Handle) -> None:
    """Every event is there, chained to the one before it, whatever run said it."""
    events = engine.events(handle)
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    assert all(event.previous == before.checksum for before, event in pairwise(events))


@pytest.mark.parametrize("type", ["test.work", "test.read"])
async def test_continuing_at_every_safe_point_changes_nothing(engine: Engine, type: str) -> None:
    handle = await engine.start(chain(12, type), {"x": 1}, tuning=Tuning(continue_after=1))
    assert (await ended(handle)).output == {"value": 12}
    assert_unbroken(engine, handle)
    assert set(engine.witness.runs.values()) == {1}
    assert len(engine.witness.runs) == 12


async def test_an_activity_that_runs_on_neither_holds_up_the_rest_nor_is_lost(engine: Engine) -> None:
    flow = chain(12)
    flow["nodes"]["long"] = work("late", config={"sleep": 4})
    flow["output"] = ["${{ nodes.n11.output.value }}", "${{ nodes.long.output.value }}"]
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=4, patience=0.3))
    assert (await ended(handle)).output == [12, "late"]
    assert_unbroken(engine, handle)
    assert engine.order(handle)[-1] == "long", "the rest went on beside it"
    assert set(engine.witness.runs.values()) == {1}


async def test_a_delay_goes_on_with_the_time_left(engine: Engine) -> None:
    flow = chain(6, sleep=0.6)
    flow["nodes"]["wait"] = {"type": "delay", "config": {"for": "2s"}}
    began = asyncio.get_running_loop().time()
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    assert (await ended(handle)).status == "succeeded"
    assert asyncio.get_running_loop().time() - began >= 2
    assert engine.order(handle).index("wait") < engine.order(handle).index("n5"), "it does not begin again"
    assert_unbroken(engine, handle)


async def test_an_attempt_that_waits_is_made_in_a_later_run(engine: Engine) -> None:
    flow = chain(6)
    config = {"fail": "user.once", "fail_times": 1, "retryable": True}
    retry = {"max_attempts": 2, "initial": "2s"}
    flow["nodes"]["flaky"] = work("key ${{ secrets.token }}", type="test.read", config=config, retry=retry)
    flow["output"] = "${{ nodes.flaky.output.value }}"
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    assert (await ended(handle)).output == "key ***"
    assert_unbroken(engine, handle)
    tries = [(each.attempt, each.status) for each in engine.sink.attempts if each.path == "flaky"]
    assert tries == [(1, "failed"), (2, "succeeded")]
    assert sorted(engine.witness.runs.values()) == [1] * 6 + [2], "both under one key"


FAILING = work(type="test.read", config={"fail": "user.no", "retryable": True}, retry={"max_attempts": 99})


@pytest.mark.parametrize("waiting", [{"type": "delay", "config": {"for": "1h"}}, FAILING], ids=["delay", "retries"])
async def test_a_nodes_time_goes_on_counting(engine: Engine, waiting: dict[str, Any]) -> None:
    flow = chain(6, sleep=0.6)
    flow["nodes"]["wait"] = {**waiting, "timeout": "2500ms"}
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    error = (await ended(handle)).error
    assert (error.code, error.path) == ("timeout.node", "wait")
    assert engine.statuses(handle)["n5"] != "succeeded", "it does not begin again"


async def test_the_executions_time_goes_on_counting(engine: Engine) -> None:
    flow = chain(500)
    flow["settings"] = {"timeout": "2s"}
    began = asyncio.get_running_loop().time()
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    assert (await ended(handle)).status == "timed_out"
    assert asyncio.get_running_loop().time() - began >= 2
    assert set(engine.statuses(handle).values()) <= {"succeeded", "cancelled", "skipped"}


async def test_what_nodes_left_behind_is_seen_by_later_runs(engine: Engine) -> None:
    flow = document(
        {
            "bad": work(config={"fail": "user.no"}),
            "rescue": work(1, ["bad.error"]),
            "set": {"type": "set", "needs": ["rescue"], "config": {"values": {"v": "{'seen': nodes.bad.error.code}"}}},
            "a": work(2, ["set"]),
            "choice": {"type": "if", "needs": ["a"], "config": {"condition": "vars.v.seen = 'user.no'"}},
            "b": work(3, ["choice.true"]),
            "no": work(4, ["choice.false"]),
            "end": work(
                [
                    "${{ nodes.bad.status }}", "${{ nodes.bad.port }}", "${{ nodes.bad.error.path }}", "${{ vars.v }}",
                    "${{ nodes.choice.port }}", "${{ nodes.b.output.value }}", "${{ execution.started_at }}",
                ],
                ["b"],
            ),
            "stop": {"type": "stop", "needs": ["end"], "config": {"output": "${{ nodes.end.output.value }}"}},
            "after": {"type": "delay", "needs": ["rescue"], "config": {"for": "1h"}},
        },
        vars={"v": None},
    )  # fmt: skip
    whole = await engine.start(flow)
    cut = await engine.start(flow, tuning=Tuning(continue_after=1))
    results = [(await ended(handle)).output for handle in (whole, cut)]
    for result in results:
        assert isinstance(result, list)
        assert result[:-1] == ["failed", "error", "bad", {"seen": "user.no"}, "true", 3]
        assert isinstance(result[-1], str)
    assert_unbroken(engine, cut)
    assert engine.statuses(cut) == engine.statuses(whole)
    assert len(await lengths(engine, cut)) > 3


@pytest.mark.parametrize("patience", [0.05, 10])
async def test_computing_outside_does_not_keep_a_run_from_its_end(engine: Engine, patience: float) -> None:
    large = "$sum([1..20000].($ * 2))"
    nodes = {f"n{n}": computing(large, [f"n{n - 1}"] if n else None) for n in range(30)}
    beside = {f"b{n}": computing(f"{large} + {n}") for n in range(30)}
    handle = await engine.start(
        document({**nodes, **beside}, output=f"${{{{ {large} }}}}"), tuning=Tuning(continue_after=8, patience=patience)
    )
    assert (await ended(handle)).output == 20_000 * 20_001
    assert_unbroken(engine, handle)
    assert set(engine.statuses(handle).values()) == {"succeeded"}
    assert [event.type for event in engine.events(handle)].count("node.started") == 60
    assert len(await lengths(engine, handle)) > 4


async def test_large_outputs_are_carried_once_and_read_later(engine: Engine) -> None:
    flow = document(
        {
            "big": work(["x" * 1000] * 300),
            "small": work("s", ["big"]),
            "other": work("o", ["small"]),
            "last": work("${{ $count(nodes.big.output.value) & nodes.small.output.value }}", ["other"]),
        }
    )
    handle = await engine.start(flow, tuning=Tuning(continue_after=1))
    assert (await ended(handle)).output == {"value": "300s"}
    assert_unbroken(engine, handle)


async def test_a_cancel_after_continuing_ends_it(engine: Engine) -> None:
    flow = chain(4)
    flow["nodes"]["last"] = work(config={"sleep": 30}, needs=["n3"])
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    while len(engine.witness.runs) < 5:
        await asyncio.sleep(0.05)
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    assert engine.statuses(handle)["last"] == "cancelled"


@pytest.mark.slow
async def test_twenty_thousand_control_nodes_fit_one_execution(engine: Engine) -> None:
    nodes: dict[str, Any] = {"n0": {"type": "transform", "config": {"expression": "1"}}}
    for n in range(1, 20_000):
        expression = f"nodes.n{n - 1}.output + 1"
        nodes[f"n{n}"] = {"type": "transform", "needs": [f"n{n - 1}"], "config": {"expression": expression}}
    plan = engine.plan(document(nodes), limits=Limits(nodes=20_000))
    handle = await engine.start(plan)
    assert (await ended(handle)).output == 20_000
    assert_unbroken(engine, handle)
    assert max(await lengths(engine, handle)) < 200


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_five_thousand_activities_in_a_row_keep_every_history_short(engine: Engine) -> None:
    handle = await engine.start(chain(5_000), {"x": 1})
    assert (await ended(handle, within=500)).output == {"value": 5_000}
    assert_unbroken(engine, handle)
    measured = await lengths(engine, handle)
    assert len(measured) > 4
    assert max(measured) < 5_000


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_an_activity_of_ninety_seconds_survives_forced_continuation_beside_it(engine: Engine) -> None:
    flow = chain(40)
    flow["nodes"]["long"] = work("late", config={"sleep": 90}, attempt_timeout="2m")
    flow["output"] = ["${{ nodes.n39.output.value }}", "${{ nodes.long.output.value }}"]
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=5, patience=1))
    assert (await ended(handle, within=200)).output == [40, "late"]
    assert_unbroken(engine, handle)
    assert set(engine.witness.runs.values()) == {1}
