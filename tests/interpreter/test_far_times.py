"""Waits of a century and waits that are over before they begin."""

import asyncio

import pytest

from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, until


@pytest.mark.parametrize("config", [{"for": "36500d"}, {"until": "9999-12-31T23:59:59Z"}, {"until": "2500-01-01"}])
async def test_a_wait_beyond_all_lives_waits(engine: Engine, config: dict[str, str]) -> None:
    flow = document({"d": {"type": "delay", "config": config}, "a": work(1), "b": computing("1", ["a"])})
    handle = await engine.start(flow)
    await until(lambda: engine.statuses(handle).get("b") == "succeeded")
    await asyncio.sleep(0.3)
    assert engine.statuses(handle)["d"] == "waiting"
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"


@pytest.mark.parametrize("config", [{"for": "0s"}, {"until": "0001-01-01T00:00:00Z"}, {"until": "1969-12-31"}])
async def test_a_wait_that_is_over_goes_on_at_once(engine: Engine, config: dict[str, str]) -> None:
    flow = document({"d": {"type": "delay", "config": config}, "b": computing("nodes.d.status", ["d"])})
    assert (await engine.run(flow)).output == "succeeded"


async def test_waits_end_in_the_order_of_their_times(engine: Engine) -> None:
    times = {"c": 300, "a": 100, "b": 200, "now": 0}
    nodes = {name: {"type": "delay", "config": {"for": f"{time}ms"}} for name, time in times.items()}
    handle = await engine.start(document(nodes))
    assert (await ended(handle)).status == "succeeded"
    done = [event.path for event in engine.events(handle) if event.type == "node.succeeded"]
    assert done == ["now", "a", "b", "c"]
