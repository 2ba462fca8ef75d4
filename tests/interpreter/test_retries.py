"""Attempts that fail are made again as the definition says: how often, how soon, and not beyond the node's time."""

import time
from itertools import pairwise
from typing import Any

import pytest

from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended

BOTH = pytest.mark.parametrize("type", ["test.work", "test.read"])
"""With effects, and without: the first attempt of the latter is a local activity."""


def flaky(fail_times: int, type: str, *, retry: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A node whose first attempts fail."""
    config = {"fail": "user.flaky", "fail_times": fail_times, "retryable": True, **fields.pop("config", {})}
    return document({"a": work("ok", type=type, config=config, retry=retry, **fields)})


@BOTH
async def test_every_attempt_has_its_number_and_all_have_one_key(engine: Engine, type: str) -> None:
    handle = await engine.start(flaky(2, type, retry={"max_attempts": 4, "initial": "10ms"}))
    assert (await ended(handle)).output == {"value": "ok"}
    [key] = engine.witness.runs
    assert engine.witness.runs[key] == 3
    attempts = [(each.path, each.attempt, each.status) for each in engine.sink.attempts]
    assert attempts == [("a", 1, "failed"), ("a", 2, "failed"), ("a", 3, "succeeded")]


@BOTH
@pytest.mark.parametrize("most", [1, 2, 3])
async def test_no_more_attempts_are_made_than_allowed(engine: Engine, type: str, most: int) -> None:
    result = await engine.run(flaky(99, type, retry={"max_attempts": most, "initial": "10ms"}))
    assert (result.error.code, result.error.attempt, result.error.path) == ("user.flaky", most, "a")
    assert list(engine.witness.runs.values()) == [most]


@BOTH
async def test_waits_grow_by_the_factor_up_to_the_longest(engine: Engine, type: str) -> None:
    retry = {"max_attempts": 5, "initial": "100ms", "factor": 3, "max": "400ms"}
    await engine.run(flaky(99, type, retry=retry))
    began = engine.witness.began
    waits = [after - before for before, after in pairwise(began)]
    for wait, least in zip(waits, [0.1, 0.3, 0.4, 0.4], strict=True):
        assert least <= wait < least + 0.5


@BOTH
async def test_the_other_side_may_ask_for_more_time(engine: Engine, type: str) -> None:
    retry = {"max_attempts": 3, "initial": "10ms"}
    assert (await engine.run(flaky(2, type, retry=retry, config={"retry_after": 0.8}))).status == "succeeded"
    first, second, third = engine.witness.began
    assert 0.8 <= second - first < 2
    assert 0.8 <= third - second < 2


@BOTH
async def test_an_attempt_beyond_the_nodes_time_is_not_waited_for(engine: Engine, type: str) -> None:
    began = time.monotonic()
    error = (await engine.run(flaky(99, type, retry={"max_attempts": 3, "initial": "99s"}, timeout="30s"))).error
    assert (error.code, error.path) == ("timeout.node", "a")
    assert isinstance(error.cause, dict)
    assert error.cause["code"] == "user.flaky"
    assert time.monotonic() - began < 20
    assert len(engine.witness.began) == 1


@BOTH
async def test_the_nodes_time_counts_all_its_attempts(engine: Engine, type: str) -> None:
    began = time.monotonic()
    retry = {"max_attempts": 1000, "initial": "200ms", "factor": 1}
    error = (await engine.run(flaky(999, type, retry=retry, timeout="900ms"))).error
    assert error.code == "timeout.node"
    assert time.monotonic() - began < 20
    assert 2 <= len(engine.witness.began) <= 5


@BOTH
async def test_a_nodes_time_ends_the_attempt_that_runs(engine: Engine, type: str) -> None:
    error = (await engine.run(document({"a": work(type=type, config={"sleep": 20}, timeout="300ms")}))).error
    assert (error.code, error.path) == ("timeout.node", "a")


@BOTH
async def test_an_attempt_that_takes_too_long_may_be_made_again(engine: Engine, type: str) -> None:
    node = work(type=type, config={"sleep": 20}, attempt_timeout="200ms", retry={"max_attempts": 2, "initial": "10ms"})
    error = (await engine.run(document({"a": node}))).error
    assert (error.code, error.attempt) == ("timeout.attempt", 2)
    assert list(engine.witness.runs.values()) == [2]


@BOTH
async def test_errors_that_are_never_or_not_then_tried_again_are_not(engine: Engine, type: str) -> None:
    retry = {"max_attempts": 3, "initial": "10ms"}
    never = await engine.run(flaky(9, type, retry={**retry, "never": ["user"]}))
    assert never.error.attempt == 1
    asked = await engine.run(flaky(9, type, retry={**retry, "when": "error.attempt < 2"}))
    assert asked.error.attempt == 2
    other = await engine.run(flaky(1, type, retry={**retry, "never": ["user.flak", "http"]}))
    assert other.status == "succeeded"


async def test_what_need_not_be_tried_again_may_still_be_rescued(engine: Engine) -> None:
    flow = flaky(9, "test.read", retry={"max_attempts": 2, "initial": "10ms"})
    flow["nodes"]["rescue"] = work("${{ nodes.a.error.attempt }}", ["a.error"])
    assert (await engine.run(flow)).output == {"rescue": {"value": 2}}


async def test_a_nodes_time_counts_the_wait_for_a_worker(engine: Engine) -> None:
    error = (await engine.run(document({"a": work(1, queue="gpu", timeout="500ms")}))).error
    assert (error.code, error.path) == ("timeout.node", "a")
    assert not engine.witness.began
