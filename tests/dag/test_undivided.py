"""Which loops must see variables as they are, and so never run in batches."""

from typing import Any

import pytest

from dag.plan import PlanGraph
from tests.interpreter.publishing import published

READS = {"type": "transform", "config": {"expression": "item + vars.rate"}}
OWN = {"type": "transform", "config": {"expression": "item + vars.mine"}}
SETS: dict[str, Any] = {"type": "set", "config": {"values": {"rate": "2"}}}
OTHER: dict[str, Any] = {"type": "set", "config": {"values": {"other": "2"}}}


def loop(node: Any = READS, **config: Any) -> dict[str, Any]:
    body = {"vars": {"mine": 1}, "nodes": {"read": node}}
    return {"type": "for_each", "config": {"items": "[1..3]", "body": body, **config}}


def needing(node: dict[str, Any], *needs: str, **more: Any) -> dict[str, Any]:
    return {**node, "needs": [*needs], **more}


BRANCHES = {"left": {"nodes": {"each": loop()}}, "right": {"nodes": {"put": SETS}}}
ONE_BRANCH = {"left": {"nodes": {"put": SETS, "each": needing(loop(), "put")}}, "right": {"nodes": {"x": OTHER}}}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ({"each": loop(), "put": SETS}, True),
        ({"each": loop(OWN), "put": SETS}, False),
        ({"each": loop(), "put": OTHER}, False),
        ({"put": SETS, "each": needing(loop(), "put")}, False),
        ({"each": loop(), "put": needing(SETS, "each")}, False),
        ({"a": OTHER, "each": loop(), "put": needing(SETS, "each", "a", join="any")}, True),
        ({"each": loop(concurrency=1), "put": SETS}, False),
        ({"fan": {"type": "parallel", "config": {"branches": BRANCHES}}}, True),
        ({"fan": {"type": "parallel", "config": {"branches": ONE_BRANCH}}}, False),
        (
            {
                "try": {
                    "type": "try",
                    "config": {"body": {"nodes": {"each": loop()}}, "finally": {"nodes": {"x": OTHER}}},
                },
                "put": SETS,
            },
            True,
        ),
        (
            {
                "each": loop({"type": "for_each", "config": {"items": "[1]", "body": {"nodes": {"deep": READS}}}}),
                "put": SETS,
            },
            True,
        ),
    ],
    ids=[
        "set beside it",
        "a variable of its own",
        "another variable",
        "set before it",
        "set after it",
        "perhaps set before it has ended",
        "in order",
        "set in another branch",
        "set before it in its branch",
        "set beside what holds it",
        "read in a loop within it",
    ],
)
def test_a_loop_is_undivided_exactly_when_what_it_reads_may_be_set_while_it_runs(
    nodes: dict[str, Any],
    expected: bool,  # noqa: FBT001 as parametrized
) -> None:
    plan = published({"language": 1, "name": "x", "vars": {"rate": 1, "other": 1}, "nodes": nodes})
    [outermost, *_] = loops(plan.graph)
    assert outermost == expected


def loops(graph: PlanGraph) -> list[bool]:
    """Every loop, an outer one before those within it."""
    found: list[bool] = []
    for node in graph.nodes:
        if node.type == "for_each":
            found.append(node.undivided)
        for inner in node.graphs.values():
            found += loops(inner)
    return found
