"""However wide a graph is, only so many of its activities run at once, and all of them come to their end."""

from typing import Any

import pytest
from temporalio.client import Client

from interpreter.start import Tuning
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, engine_on

BOTH = pytest.mark.parametrize("type", ["test.work", "test.read"])


def fan(size: int, node: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Nodes beside each other, and one after them all."""
    nodes = {f"n{n}": node for n in range(size)}
    return document({**nodes, "end": computing("'met'", list(nodes))}, **fields)


@BOTH
@pytest.mark.parametrize(("size", "in_flight"), [(10, 1), (200, 50), pytest.param(1_200, 500, marks=pytest.mark.slow)])
async def test_no_more_activities_run_at_once_than_may(client: Client, type: str, size: int, in_flight: int) -> None:
    async with engine_on(client, max_activities=2_000) as engine:
        flow = fan(size, work(type=type, config={"sleep": 0.2 if size < 1_000 else 1}))
        handle = await engine.start(flow, tuning=Tuning(in_flight=in_flight))
        assert (await ended(handle)).output == "met"
        assert len(engine.witness.runs) == size
        assert set(engine.witness.runs.values()) == {1}
        assert in_flight / 4 <= engine.witness.most <= in_flight


@BOTH
async def test_attempts_that_are_made_again_keep_to_the_bound(engine: Engine, type: str) -> None:
    config = {"fail": "user.flaky", "fail_times": 1, "retryable": True, "sleep": 0.05}
    node = work(type=type, config=config, retry={"max_attempts": 2, "initial": "500ms"})
    handle = await engine.start(fan(120, node), tuning=Tuning(in_flight=20))
    assert (await ended(handle)).output == "met"
    assert set(engine.witness.runs.values()) == {2}
    assert engine.witness.most <= 20


async def test_a_loop_with_too_many_turns_at_once_is_refused_with_the_limit(engine: Engine) -> None:
    loop = {"items": "input", "concurrency": 3_000, "body": {"nodes": {"t": computing("item")}}}
    ended = await engine.run(document({"each": {"type": "for_each", "config": loop}}), list(range(3_000)))
    assert ended.error.code == "limit.turns"
    assert (await engine.run(document({"each": {"type": "for_each", "config": loop}}), [1, 2])).output == [1, 2]


@pytest.mark.slow
async def test_graphs_within_graphs_have_a_bound_all_together(engine: Engine) -> None:
    hold = {"nodes": {"d": {"type": "delay", "config": {"for": "1h"}}}}
    inner = {"nodes": {"in": {"type": "for_each", "config": {"items": "input", "concurrency": 1_000, "body": hold}}}}
    loop = {"items": "input", "concurrency": 1_000, "body": inner}
    ended = await engine.run(document({"each": {"type": "for_each", "config": loop}}), list(range(1_000)))
    assert ended.error.code == "limit.graphs"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_thousands_of_waits_at_once_are_not_too_much_for_temporal(engine: Engine) -> None:
    wait = {"nodes": {"w": {"type": "wait_event", "config": {"events": [{"name": "never"}], "timeout": "1s"}}}}
    loop = {"items": "input", "concurrency": 2_000, "body": wait, "result": "none"}
    handle = await engine.start(document({"each": {"type": "for_each", "config": loop}}), list(range(2_000)))
    assert (await ended(handle, within=500)).output is None
