"""The board of events that the tests have in place of a database does what the product's does."""

from typing import Any

from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended, until


def waiting(*names: str, **config: Any) -> dict[str, Any]:
    return {"type": "wait_event", "config": {"events": [{"name": name} for name in names], **config}}


async def test_an_event_reaches_every_execution_that_waits_for_it(engine: Engine) -> None:
    flow = document({"w": waiting("paid")}, output="${{ nodes.w.output.payload }}")
    handles = [await engine.start(flow) for _ in range(2)]
    await until(lambda: len(engine.board.waits) == 2)
    await engine.board.emit("paid", payload=7)
    assert [(await ended(handle)).output for handle in handles] == [7, 7]
    assert not engine.board.waits


async def test_an_event_of_another_name_or_key_reaches_nobody(engine: Engine) -> None:
    keyed = {"type": "wait_event", "config": {"events": [{"name": "paid", "key": "input.order"}]}}
    handle = await engine.start(document({"w": keyed}, output="${{ nodes.w.output.payload }}"), {"order": "o-1"})
    await until(lambda: engine.board.waits)
    await engine.board.emit("sent", "o-1", "other name")
    await engine.board.emit("paid", "o-2", "other key")
    await engine.board.emit("paid", "o-1", "this one")
    assert (await ended(handle)).output == "this one"


async def test_an_event_that_came_before_the_wait_counts_once_in_an_execution(engine: Engine) -> None:
    flow = document(
        {
            "before": work(config={"sleep": 0.5}),
            "first": {**waiting("paid"), "needs": ["before"]},
            "second": {**waiting("paid", timeout="300ms"), "needs": ["first.received"]},
            "end": {"type": "transform", "needs": ["second.timeout"], "config": {"expression": "'only once'"}},
        },
        output="${{ [nodes.first.output.payload, nodes.end.output] }}",
    )
    handle = await engine.start(flow)
    await until(lambda: engine.witness.running)
    await engine.board.emit("paid", payload=7)
    assert (await ended(handle)).output == [7, "only once"]


async def test_what_an_execution_emits_reaches_another(engine: Engine) -> None:
    handle = await engine.start(document({"w": waiting("paid")}, output="${{ nodes.w.output.payload }}"))
    await until(lambda: engine.board.waits)
    emitter = document({"e": {"type": "emit_event", "config": {"name": "paid", "payload": {"n": 1}}}})
    output = (await engine.run(emitter)).output
    assert (await ended(handle)).output == {"n": 1}
    assert output == {"id": next(iter(engine.board.events))}
