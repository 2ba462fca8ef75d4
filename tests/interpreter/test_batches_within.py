"""Large loops within large loops: what ends one of them ends what is to end, however deep it is."""

from typing import Any

from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, until
from tests.interpreter.histories import Handle
from tests.interpreter.large_loops import FOREVER, SMALL, loop, said, waiting

FAILS = {"type": "fail", "config": {"code": "user.no", "message": "No."}}


def deep(node: dict[str, Any]) -> dict[str, Any]:
    """Two loops, of which the turn [1][3] runs a node, and the others something that lasts."""
    body: dict[str, Any] = {
        "chosen": {"type": "if", "config": {"condition": "a = 1 and b = 3"}},
        "now": {**node, "needs": ["chosen.true"]},
        "lasts": {**FOREVER, "needs": ["chosen.false"]},
    }
    inner = loop("[0..3]", body, concurrency=8, **{"as": "b"})
    return {"outer": loop("[0..3]", {"inner": inner}, concurrency=8, **{"as": "a"})}


async def assert_over(engine: Engine, handle: Handle) -> None:
    """Every batch that has begun has ended, and nothing waits."""
    begun = [(strand, path, data["batch"]) for strand, path, data in said(engine, handle, "batch.started")]
    over = [(strand, path, data["batch"]) for strand, path, data in said(engine, handle, "batch.ended")]
    assert sorted(begun) == sorted(over)
    await until(lambda: len(said(engine, handle, "strand.ended")) == len(begun))  # it tells of its end before it ends
    assert not waiting(engine, handle)


NOW = "outer[1].inner[3].now"


async def test_a_failure_deep_inside_ends_everything(engine: Engine) -> None:
    handle = await engine.start(document(deep(FAILS)), tuning=SMALL)
    failed = await ended(handle)
    assert (failed.error.code, failed.error.path) == ("user.no", NOW)
    await assert_over(engine, handle)


async def test_a_stop_deep_inside_ends_the_execution(engine: Engine) -> None:
    stop = {"type": "stop", "config": {"output": "${{ [a, b] }}"}}
    handle = await engine.start(document(deep(stop)), tuning=SMALL)
    assert (await ended(handle)).output == [1, 3]
    await assert_over(engine, handle)


async def test_a_cancel_reaches_what_is_deep_inside(engine: Engine) -> None:
    handle = await engine.start(document(deep(FOREVER)), tuning=SMALL)
    await until(lambda: waiting(engine, handle) == 4 * 4)
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    await assert_over(engine, handle)


async def test_what_is_deep_inside_is_undone_in_reverse(engine: Engine) -> None:
    undo = {"type": "test.read", "config": {"value": "${{ output.value }}"}}
    pay = work("${{ [a, b] }}", type="test.read", compensate=undo)
    inner = loop("[0..3]", {"pay": pay}, **{"as": "b"})
    nodes = {"outer": loop("[0..3]", {"inner": inner}, **{"as": "a"}), "bad": {**FAILS, "needs": ["outer"]}}
    handle = await engine.start(document(nodes), tuning=SMALL)
    assert (await ended(handle)).error.code == "user.no"
    undone = [path for _, path, _ in said(engine, handle, "node.started") if path.endswith(".compensate")]
    assert undone == [f"outer[{a}].inner[{b}].pay.compensate" for a in (3, 2, 1, 0) for b in (3, 2, 1, 0)]


async def test_a_break_ends_the_loop_around_it_alone(engine: Engine) -> None:
    body = {
        "first": {"type": "if", "config": {"condition": "b = 0"}},
        "leave": {"type": "break", "needs": ["first.true"]},
        "lasts": {**FOREVER, "needs": ["first.false"]},
    }
    inner = loop("[0..3]", body, **{"as": "b"})
    flow = document({"outer": loop("[0..3]", {"inner": inner, "x": computing("a", ["inner"])}, **{"as": "a"})})
    assert (await engine.run(flow, tuning=SMALL)).output == [0, 1, 2, 3]
