"""Errors that are large, nested or many: an execution fails with them, and is not stuck with them."""

from typing import Any

import orjson
import pytest
from pydantic import JsonValue

from dag.errors import ErrorValue
from interpreter.failures import causes, fitting
from tests.interpreter.engine import Engine, ended


def document(nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"language": 1, "name": "flow", "nodes": nodes, **fields}


@pytest.mark.parametrize("field", ["message", "details"])
async def test_an_error_of_many_megabytes_ends_its_execution(engine: Engine, field: str) -> None:
    config = {"code": "user.large", "message": "m", field: "${{ input }}"}
    outcome = await engine.run(document({"a": {"type": "fail", "config": config}}), input="x" * 3_000_000)
    assert outcome.status == "failed"
    assert outcome.failure is not None
    assert outcome.failure.code == "user.large"
    assert len(outcome.failure.model_dump_json()) < 100_000


async def test_a_join_tells_of_many_failures_in_little_room(engine: Engine) -> None:
    fails = {f"f{n}": {"type": "transform", "config": {"expression": "$error(input)"}} for n in range(1_000)}
    join = {"type": "if", "join": "any", "needs": [*fails], "config": {"condition": "true"}}
    outcome = await engine.run(document({**fails, "join": join}), input="x" * 1_000)
    assert outcome.failure is not None
    assert outcome.failure.code == "join.unsatisfiable"
    assert isinstance(outcome.failure.cause, list)
    assert len(outcome.failure.cause) > 10
    assert len(orjson.dumps(outcome.failure.cause)) < 20_000


async def test_joins_that_fail_each_other_hundreds_deep_end_the_execution(engine: Engine) -> None:
    nodes: dict[str, Any] = {"n0": {"type": "test.work", "config": {"fail": "user.x"}}}
    for n in range(1, 400):
        nodes[f"n{n}"] = {"type": "test.work", "join": "any", "needs": [f"n{n - 1}"], "config": {}}
    handle = await engine.start(document(nodes))
    outcome = await ended(handle)
    assert outcome.failure is not None
    assert outcome.failure.code == "join.unsatisfiable"
    assert engine.statuses(handle) == dict.fromkeys(nodes, "failed")


def test_an_error_is_cut_where_it_is_too_large() -> None:
    deep: JsonValue = 1
    for _ in range(200):
        deep = [deep]
    cut = fitting(ErrorValue(code="user." + "x" * 1_000, message="m" * 100_000, details=deep, cause={"a": deep}))
    assert len(cut.model_dump_json()) < 5_000
    small = ErrorValue(code="user.x", message="m", details=[1], cause={"code": "user.y"})
    assert fitting(small) == small


def test_causes_are_told_whole_as_long_as_there_is_room() -> None:
    small = [ErrorValue(code="user.x", message="m", node=f"n{n}", path=f"n{n}") for n in range(20)]
    assert causes(small) == [error.model_dump(exclude_none=True) for error in small]
    large = ErrorValue(code="user.x", message="m" * 1_000, details="d" * 50_000, node="a", path="a")
    [cut] = causes([large])
    assert cut == {"code": "user.x", "message": "m" * 199 + "…", "node": "a", "path": "a", "retryable": False}
