"""Executions that hand Temporal much at once: it takes a few MiB in one message, and ends an execution for more."""

import asyncio
from secrets import token_hex
from typing import Any

import pytest
from pydantic import JsonValue
from temporalio.api.failure.v1 import Failure
from temporalio.worker import Replayer

from dag.errors import ErrorValue
from interpreter.workflow import Interpreter
from runtime.converter import data_converter
from runtime.storage import MemoryStorage
from store.sealing import new_master_key, read_keyring
from tests.interpreter.engine import Engine, ended
from worker.failures import failure
from worker.host import RUNNER
from worker.step_events import StepEvents

KEYRING = read_keyring(new_master_key())
SHORT_OF_LARGE = "x" * 60_000
"""Not large enough to leave the history."""


def beside_each_other(count: int, node: dict[str, Any]) -> dict[str, Any]:
    return {"language": 1, "name": "flow", "nodes": {f"n{n}": node for n in range(count)}, "output": "ended"}


@pytest.mark.parametrize("type", [pytest.param("test.work", marks=pytest.mark.slow), "test.read"])
async def test_a_wide_fan_of_activities_with_much_to_carry_comes_to_its_end(engine: Engine, type: str) -> None:
    node = {"type": type, "config": {"value": "${{ input }}"}}
    handle = await engine.start(beside_each_other(150, node), input=SHORT_OF_LARGE)
    assert (await ended(handle)).output == "ended"
    history = await handle.fetch_history()
    told: dict[int, int] = {}
    replayer = Replayer(
        workflows=[Interpreter],
        interceptors=[StepEvents(lambda event, _: told.update({event.n: event.checksum}))],
        workflow_runner=RUNNER,
        data_converter=engine.client.data_converter,
    )
    await replayer.replay_workflow(history)
    said = {event.n: event.checksum for event in engine.events(handle)}
    assert told.items() <= said.items()  # what came before the history was cut is not in it
    assert max(told) == max(said)


@pytest.mark.parametrize("local", [True, False])
async def test_details_of_local_failures_leave_the_history_sooner(*, local: bool) -> None:
    storage = MemoryStorage()
    details = token_hex(5_000)  # which compression halves at best
    error = failure(ErrorValue(code="user.x", message="m", details=details), retry=False, delay=None, local=local)
    told = Failure()
    await data_converter(storage, KEYRING).encode_failure(error, told)
    assert (storage.size > 0) is local


async def test_many_computations_outside_the_workflow_task_take_turns(engine: Engine) -> None:
    node = {"type": "transform", "config": {"expression": "($count($map([1..20000], function($i) { $i })); input)"}}
    assert (await engine.run(beside_each_other(100, node), input=SHORT_OF_LARGE)).output == "ended"


@pytest.mark.slow
async def test_computations_that_wait_for_their_turn_are_cancelled_at_once(engine: Engine) -> None:
    long = "$count($map([1..9999], function($n) { $count($sort([1..9999])) }))"
    node = {"type": "transform", "config": {"expression": long}}
    handle = await engine.start(beside_each_other(50, node))
    await asyncio.sleep(0.5)
    await handle.cancel()
    assert (await ended(handle, within=15)).status == "cancelled"
    assert set(engine.statuses(handle).values()) == {"cancelled"}


async def test_large_configs_are_handed_over_a_few_at_a_time(engine: Engine) -> None:
    node = {"type": "test.work", "config": {"value": "${{ input }}"}}
    large: list[JsonValue] = ["x" * 1_000] * 15_000
    assert (await engine.run(beside_each_other(6, node), input=large)).output == "ended"
