"""Values of megabytes and lists of a hundred thousand items pass through, or end in an error that says why."""

import time
from typing import Any

import orjson
import pytest
from pydantic import JsonValue

from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine

LONG = "x" * 2_000_000
MANY: list[JsonValue] = [{"n": n, "text": f"item {n}"} for n in range(100_000)]


async def assert_alive(engine: Engine) -> None:
    assert (await engine.run(document({"a": computing("1 + 1")}))).output == 2


@pytest.mark.parametrize(
    ("node", "size"),
    [
        ({"type": "map", "config": {"items": "input", "expression": "$length(item)"}}, 0),
        ({"type": "map", "config": {"items": "input", "expression": "item"}}, 2_000_000),
        ({"type": "filter", "config": {"items": "input", "condition": "$contains(item, 'x')"}}, 2_000_000),
        ({"type": "sort", "config": {"items": "input", "by": "item"}}, 2_000_000),
        ({"type": "group", "config": {"items": "input", "by": "$substring(item, 0, 1)"}}, 2_000_000),
        ({"type": "set", "config": {"values": {"v": "input"}}}, 2_000_000),
        (work("${{ input }}"), 2_000_000),
        (work("so: ${{ input }}, and ${{ input }}", type="test.read"), 4_000_000),
    ],
    ids=["length", "map", "filter", "sort", "group", "set", "work", "read"],
)
async def test_text_of_two_megabytes_passes_through(engine: Engine, node: dict[str, Any], size: int) -> None:
    flow = document({"a": node, "b": computing("nodes.a.output", ["a"])}, vars={"v": None})
    result = await engine.run(flow, LONG)
    assert result.status == "succeeded", result.failure
    assert size <= len(orjson.dumps(result.output)) < size + 100


@pytest.mark.parametrize(
    ("node", "expression", "expected"),
    [
        ({"type": "map", "config": {"items": "input", "expression": "item.n * 2"}}, "$sum(O)", 100_000 * 99_999),
        ({"type": "filter", "config": {"items": "input", "condition": "item.n % 4 = 0"}}, "$count(O)", 25_000),
        ({"type": "sort", "config": {"items": "input", "by": "-item.n"}}, "O[0].n", 99_999),
        ({"type": "group", "config": {"items": "input", "by": "item.n % 3"}}, "$count(O.`0`)", 33_334),
        ({"type": "split", "config": {"items": "input", "size": 30_000}}, "$count(O[3])", 10_000),
        (
            {"type": "reduce", "config": {"items": "input", "initial": "0", "expression": "result + item.n"}},
            "O",
            50_000 * 99_999,
        ),
    ],
    ids=["map", "filter", "sort", "group", "split", "reduce"],
)
async def test_a_hundred_thousand_items_are_worked_through(
    engine: Engine, node: dict[str, Any], expression: str, expected: int
) -> None:
    began = time.monotonic()
    result = await engine.run(
        document({"a": node, "b": computing(expression.replace("O", "nodes.a.output"), ["a"])}), MANY
    )
    assert result.output == expected, result
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "node",
    [
        work(["${{ input }}"] * 2_000),
        work("${{ input }}" * 2_000),
        work({f"k{n}": "${{ input }}" for n in range(2_000)}, type="test.read"),
        {"type": "stop", "config": {"output": ["${{ input }}"] * 2_000}},
        {"type": "map", "config": {"items": "[1..2000]", "expression": "input"}},
        computing("[1..2000].$$.input"),
        computing("$join([1..2000].($$.input))"),
    ],
    ids=["list", "text", "object", "stop", "map", "path", "join"],
)
async def test_what_would_multiply_a_large_value_thousands_of_times_ends_in_an_error(
    engine: Engine, node: dict[str, Any]
) -> None:
    began = time.monotonic()
    error = (await engine.run(document({"a": node}), "x" * 500_000)).error
    assert error.code in ("expression.budget", "payload.too_large")
    assert error.path == "a"
    assert time.monotonic() - began < 30
    await assert_alive(engine)


async def test_an_output_too_large_for_a_node_is_an_error_of_its_attempt(engine: Engine) -> None:
    flow = document(
        {"a": work(["${{ input }}"] * 9), "b": work(["${{ nodes.a.output }}", "${{ nodes.a.output }}"], ["a"])}
    )
    error = (await engine.run(flow, LONG)).error
    assert (error.code, error.path) in [("payload.too_large", "b"), ("expression.budget", "b")]
    await assert_alive(engine)
