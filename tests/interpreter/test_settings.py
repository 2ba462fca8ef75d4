"""What the settings of a workflow, and of its nodes, do: values to be found by, stored outputs."""

from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended


async def test_the_values_that_an_execution_is_found_by_are_told_as_it_begins(engine: Engine) -> None:
    search = {"invoice": "${{ input.invoice }}", "kind": "paid-${{ input.n }}", "none": "${{ input.x }}"}
    written = document({"a": work(1)}, settings={"search": search})
    handle = await engine.start(written, {"invoice": "INV-7", "n": 3})
    await ended(handle)
    said = [event for event in engine.events(handle) if event.type == "execution.search"]
    assert [event.data for event in said] == [{"values": {"invoice": "INV-7", "kind": "paid-3"}}]


async def test_a_value_to_be_found_by_that_cannot_be_computed_fails_nothing(engine: Engine) -> None:
    written = document({"a": work(1)}, settings={"search": {"wrong": "${{ input.n + 'x' }}"}})
    handle = await engine.start(written, {"n": 3})
    assert (await ended(handle)).status == "succeeded"
    (said,) = [event for event in engine.events(handle) if event.type == "execution.search"]
    assert isinstance(said.data, dict)
    assert isinstance(said.data["error"], dict)
    assert said.data["error"]["code"] == "expression.type"


async def test_a_stored_output_is_used_again_for_the_same_config_and_key_only(engine: Engine) -> None:
    cached = {"cache": {"key": "input.day", "ttl": "1h"}}
    written = document({"a": {**work("${{ input.n }}"), **cached}})
    for day, n in (("mon", 1), ("mon", 1), ("tue", 1), ("mon", 2), ("mon", 1)):
        assert (await engine.run(written, {"day": day, "n": n})).output == {"value": n}
    assert engine.witness.runs.total() == 3


async def test_the_journal_says_that_an_output_was_stored_before(engine: Engine) -> None:
    written = document({"a": {**work(1), "cache": {"ttl": "1h"}}})
    await engine.run(written)
    handle = await engine.start(written)
    await ended(handle)
    (said,) = [event for event in engine.events(handle) if event.type == "node.succeeded"]
    assert said.data == {"output": {"value": 1}, "cached": True, "port": "out"}


async def test_a_stored_output_is_never_compensated(engine: Engine) -> None:
    undone = {"type": "test.work", "config": {"value": "undone"}}
    written = document(
        {
            "a": {**work(1), "cache": {"ttl": "1h"}, "compensate": undone},
            "b": {"type": "fail", "needs": ["a"], "config": {"code": "user.no"}},
        }
    )
    first = await engine.start(written)
    await ended(first)
    second = await engine.start(written)
    await ended(second)
    assert "a.compensate" in engine.statuses(first)
    assert "a.compensate" not in engine.statuses(second)
