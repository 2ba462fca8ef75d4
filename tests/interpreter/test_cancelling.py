"""A person cancels an execution: whatever it is doing, it stops, waits for the answers, and ends."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from interpreter.start import Tuning
from runtime import executions
from tests.interpreter.documents import chain, computing, document, work
from tests.interpreter.engine import Ended, Engine, ended, engine_on, until
from tests.interpreter.event_board import EventBoard
from tests.interpreter.histories import Handle
from tests.interpreter.witness import Witness
from tests.worker.attempts import Recorded

BOTH = pytest.mark.parametrize("type", ["test.work", "test.read"])
SLOW = "$contains($pad('', 25000, 'a'), /a*b/)"
"""Takes seconds: longer than a workflow task is let be here."""


async def cancelled(handle: Handle) -> Ended:
    await handle.cancel()
    return await ended(handle)


async def test_a_cancel_reaches_what_runs_and_waits_for_its_answer(engine: Engine) -> None:
    flow = document(
        {
            "polite": work(config={"sleep": 20}),
            "stubborn": work("done", config={"sleep": 20, "stubborn": True}),
            "waiting": {"type": "delay", "config": {"for": "1h"}},
            "next": work(1, ["stubborn"]),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: len(engine.witness.runs) == 2)
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle) == {
        "polite": "cancelled",
        "stubborn": "succeeded",
        "waiting": "cancelled",
        "next": "skipped",
    }
    assert (await handle.describe()).status == WorkflowExecutionStatus.CANCELED


async def test_a_node_without_effects_is_cancelled_too(engine: Engine) -> None:
    """While it is a local activity, Temporal tells the execution nothing: for seconds at most."""
    handle = await engine.start(document({"a": work(type="test.read", config={"sleep": 20}), "b": work(1, ["a"])}))
    await until(lambda: engine.witness.running)
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle) == {"a": "cancelled", "b": "skipped"}
    await until(lambda: not engine.witness.running)


@BOTH
async def test_a_wait_for_the_next_attempt_ends_at_once(engine: Engine, type: str) -> None:
    config = {"fail": "user.no", "retryable": True}
    handle = await engine.start(
        document({"a": work(type=type, config=config, retry={"max_attempts": 3, "initial": "10m"})})
    )
    await until(lambda: engine.sink.attempts)
    await asyncio.sleep(0.3)
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle) == {"a": "cancelled"}
    assert len(engine.witness.began) == 1


@BOTH
async def test_a_failed_attempt_is_not_made_again(engine: Engine, type: str) -> None:
    config = {"sleep": 2.5, "stubborn": True, "fail": "user.no", "retryable": True}
    node = work(type=type, config=config, retry={"max_attempts": 3, "initial": "10ms"}, on_error="continue")
    handle = await engine.start(document({"a": node, "b": work(1, ["a"])}))
    await until(lambda: engine.witness.running)
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle)["b"] == "skipped"
    assert len(engine.witness.began) == 1


async def test_before_anything_began_nothing_runs(client: Client) -> None:
    queue = f"q-{uuid.uuid4().hex}"
    nobody = Engine(client, queue, Recorded(), Witness(), EventBoard(client))
    handle = await nobody.start(document({"a": work(), "b": work(1, ["a"])}, vars={"x": 1}))
    await handle.cancel()
    async with engine_on(client, queue=queue) as engine:
        assert (await ended(handle)).status == "cancelled"
        said = [event.type for event in engine.events(handle) if not event.path]
        assert said == ["execution.started", "execution.cancelled"]
        assert set(engine.statuses(handle).values()) <= {"cancelled", "skipped"}
        assert len(engine.statuses(handle)) == 2
        assert not engine.witness.runs


@pytest.mark.parametrize("pause", [0.0, 0.3])
async def test_a_second_cancel_changes_nothing(engine: Engine, pause: float) -> None:
    node = work("done", config={"sleep": 4, "stubborn": True})
    handle = await engine.start(document({"a": node, "b": work(1, ["a"])}))
    await until(lambda: engine.witness.running)
    await handle.cancel()
    await asyncio.sleep(pause)
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle) == {"a": "succeeded", "b": "skipped"}
    assert [event.type for event in engine.events(handle)].count("execution.cancelled") == 1


async def test_a_computation_outside_is_left(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "TASK_TIMEOUT", timedelta(seconds=1))
    handle = await engine.start(document({"a": computing(SLOW), "b": computing("1", ["a"])}))
    await until(lambda: engine.events(handle))
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle) == {"a": "cancelled", "b": "skipped"}


async def test_variables_that_are_being_computed_are_left(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executions, "TASK_TIMEOUT", timedelta(seconds=1))
    handle = await engine.start(document({"a": work()}, vars={"v": f"${{{{ {SLOW} }}}}"}))
    await until(lambda: engine.events(handle))
    assert (await cancelled(handle)).status == "cancelled"
    assert engine.statuses(handle) == {"a": "skipped"}


@BOTH
async def test_a_failure_cancels_what_else_runs(engine: Engine, type: str) -> None:
    flow = document(
        {
            "long": work(type=type, config={"sleep": 20}),
            "bad": work(config={"fail": "user.no", "sleep": 0.3}),
            "after": work(1, ["long"]),
        }
    )
    handle = await engine.start(flow)
    result = await ended(handle)
    assert result.error.code == "user.no"
    assert engine.statuses(handle) == {"long": "cancelled", "bad": "failed", "after": "skipped"}


async def test_a_cancel_while_history_is_about_to_be_cut_is_not_lost(engine: Engine) -> None:
    handle = await engine.start(chain(2_000), {"x": 1}, tuning=Tuning(continue_after=2))
    await until(lambda: len(engine.witness.runs) > 10)
    assert (await cancelled(handle)).status == "cancelled"
    statuses = engine.statuses(handle)
    assert len(statuses) == 2_000
    assert set(statuses.values()) <= {"succeeded", "cancelled", "skipped"}


async def test_an_execution_that_is_terminated_undoes_nothing(engine: Engine) -> None:
    undone = {"type": "test.work", "config": {"value": "undone"}}
    handle = await engine.start(
        document({"a": work(1, compensate=undone), "d": {"type": "delay", "config": {"for": "1h"}}})
    )
    await until(lambda: engine.statuses(handle) == {"a": "succeeded", "d": "waiting"})
    await handle.terminate()
    await engine.run(document({"other": work(2)}))
    assert "a.compensate" not in engine.statuses(handle)
    assert len(engine.witness.runs) == 2
