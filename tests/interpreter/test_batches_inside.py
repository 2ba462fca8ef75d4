"""What turns of large loops do and see is the same as in small ones, wherever the loop stands and whatever is in it."""

from typing import Any

import pytest
from pydantic import JsonValue

from runtime.events import publish
from store import ids
from store.emitted_events import Sent
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended
from tests.interpreter.family import Family, calling, family
from tests.interpreter.histories import readable
from tests.interpreter.large_loops import SMALL, batch, loop, said

__all__ = ["family"]

TEXT = '\u00fc\u2028\U0001f600\\"'
SHAPES: list[JsonValue] = [None, True, 0, -1.5, 2**53 - 1, 1e300, "", TEXT, [], {}, [[None]], {"": {"a b": []}}]
FAILS = {"type": "fail", "config": {"code": "user.no", "message": "No."}}


@pytest.mark.parametrize("mode", ["list", "full"])
async def test_values_of_every_shape_go_in_and_come_out_as_they_are(engine: Engine, mode: str) -> None:
    body = {"same": work("${{ item }}", type="test.read")}
    handle = await engine.start(document({"loop": loop("input", body, result=mode)}), SHAPES, tuning=SMALL)
    found: Any = (await ended(handle)).output
    outputs = found if mode == "list" else [row["output"] for row in found]
    assert outputs == [{"value": value} for value in SHAPES]
    assert len(said(engine, handle, "batch.ended")) == 4


@pytest.mark.parametrize("size", [30_000, 900_000])
async def test_large_items_and_outputs_pass_through(engine: Engine, size: int) -> None:
    """One item alone, or a batch of them, is more than Temporal takes in one piece."""
    items: list[JsonValue] = [str(n) * size for n in range(6)]
    flow = document({"loop": loop("input", {"same": computing("item & '!'")})})
    assert (await engine.run(flow, items, tuning=SMALL)).output == [f"{item}!" for item in items]


def around(inner: dict[str, Any]) -> dict[str, Any]:
    """A loop within everything that graphs can be in."""
    within: dict[str, Any] = {"low": computing("item * 100"), "all": {**inner, "needs": ["low"]}}
    each = {**loop("[7, 8]", within, concurrency=1), "needs": ["mid"]}
    turn = {"nodes": {"mid": computing("'mid' & loop.index"), "each": each}}
    twice = {"type": "repeat", "config": {"times": 2, "body": turn}}
    tried = {
        "body": {"nodes": {"bad": {**FAILS, "config": {"code": "user.caught", "message": "No."}}}},
        "catch": [{"as": "problem", "body": {"nodes": {"twice": twice}}}],
    }
    branches = {
        "one": {"vars": {"mark": "branch ${{ input }}"}, "nodes": {"guard": {"type": "try", "config": tried}}},
        "two": {"nodes": {"x": computing("1")}},
    }
    return document(
        {
            "wrong": {**FAILS, "on_error": "continue"},
            "skipped": {"type": "delay", "when": "false", "config": {"for": "1d"}, "needs": ["wrong"]},
            "both": {"type": "parallel", "needs": ["skipped", "wrong"], "config": {"branches": branches}},
        },
        vars={"mark": "root", "top": "${{ input }}"},
    )


async def test_everything_around_is_seen_from_inside(engine: Engine) -> None:
    seen = {
        "error": "nodes.wrong.error.code",
        "status": "nodes.skipped.status",
        "port": "nodes.wrong.port",
        "caught": "problem.code",
        "vars": "vars.mark & vars.top",
        "mid": "nodes.mid.output",
        "low": "nodes.low.output",
        "names": "[item, deep, loop.index, loop.count]",
        "env": "env.rate",
        "workflow": "execution.workflow & execution.attempt",
    }
    fields = ", ".join(f"'{name}': {expression}" for name, expression in seen.items())
    inner = loop("[1..4]", {"see": computing(f"{{{fields}}}")}, **{"as": "deep"})
    flow = around(inner)
    plain = await engine.run(flow, "in", env={"rate": 3})
    handle = await engine.start(flow, "in", env={"rate": 3}, tuning=SMALL)
    assert await ended(handle) == plain
    assert plain.status == "succeeded", plain.failure
    paths = {f"both.one.guard.catch[0].twice[{n}].each[{m}].all" for n in (0, 1) for m in (0, 1)}
    assert {path for _, path, _ in said(engine, handle, "batch.started")} == paths


async def test_turns_retry_and_undo_with_secrets_that_nobody_writes_down(engine: Engine) -> None:
    undo = {"type": "test.work", "config": {"value": ["${{ output.value }}", "${{ secrets.token }}"]}}
    config = {"fail": "e", "fail_times": 1, "retryable": True}
    retry = {"max_attempts": 2, "initial": "10ms"}
    pay = work("${{ item }}", config=config, retry=retry, compensate=undo)
    handle = await engine.start(
        document({"loop": loop("[0..4]", {"pay": pay}), "bad": {**FAILS, "needs": ["loop"]}}), tuning=SMALL
    )
    assert (await ended(handle)).error.code == "user.no"
    assert sorted(engine.witness.runs.values()) == [1] * 5 + [2] * 5
    assert "t0p-s3cret" not in await readable(handle) + await readable(batch(engine, handle, 0))


async def test_turns_call_workflows_wait_for_events_and_emit_them(family: Family) -> None:
    await family.publish("double", {"x": computing("input * 2")})
    told = {"name": "done", "key": "item", "payload": "${{ nodes.call.output }}"}
    body = {
        "call": calling("double", "${{ item }}"),
        "told": {"type": "emit_event", "needs": ["call"], "config": told},
        "paid": {"type": "wait_event", "needs": ["told"], "config": {"events": [{"name": "done", "key": "item"}]}},
        "out": computing("nodes.paid.output.payload", ["paid.received"]),
    }
    await family.publish("parent", {"loop": loop("[1..5]", body)})
    handle = await family.start("parent", tuning=SMALL)
    assert (await ended(handle)).output == [2, 4, 6, 8, 10]
    assert {event.strand for event in family.events(handle)} == {"", "loop/0", "loop/1"}


async def test_an_event_for_any_turn_goes_to_one_of_them(family: Family) -> None:
    go = {"type": "wait_event", "config": {"events": [{"name": "go"}]}}
    await family.publish("parent", {"loop": loop("[1..6]", {"go": go}, concurrency=6)})
    handle = await family.start("parent", tuning=SMALL)

    def waiting() -> int:
        return [*family.statuses(handle).values()].count("waiting")

    await family.until(lambda: waiting() == 6)
    for left in reversed(range(6)):
        await publish(family.client, family.store, family.tenant, Sent(ids.event(), "go", None, left))
        await family.until(lambda left=left: waiting() == left)
    output: Any = (await ended(handle)).output
    assert sorted(each["payload"] for each in output) == [*range(6)]
