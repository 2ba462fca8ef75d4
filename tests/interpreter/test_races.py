"""Three of five, and the first of five, with activities that really run: by a join of edges, and by `parallel`."""

import re
from collections import Counter
from typing import Any

import pytest
from pydantic import JsonValue

from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, until
from tests.interpreter.histories import Handle

BOTH = pytest.mark.parametrize("kind", ["join", "parallel"])
LONG: dict[str, JsonValue] = {"sleep": 25}
"""Nobody waits for it: an activity that is not told to stop would succeed after all."""
FAILS: dict[str, JsonValue] = {"fail": "user.no"}
THREE: JsonValue = {"count": 3}


def race(kind: str, wait: JsonValue, *runners: dict[str, JsonValue]) -> dict[str, Any]:
    """A document in which runners race; those that do not run long start when they are told to. What is lost is caught,
    and gives the error's code and how many failures it names."""
    if kind == "join":
        nodes: dict[str, Any] = {}
        for place, runner in enumerate(runners):
            nodes |= running(place, runner)
        nodes["race"] = computing("'won'", [f"r{place}" for place in range(len(runners))], join=wait)
    else:
        branches = {f"b{place}": {"nodes": running(place, runner)} for place, runner in enumerate(runners)}
        config: dict[str, Any] = {"wait": wait, "branches": branches}
        nodes = {"fan": {"type": "parallel", "config": config}, "race": computing("'won'", ["fan"])}
    lost = computing("error.code & ' ' & $count(error.cause)")
    catch = [{"codes": ["join.unsatisfiable"], "body": {"nodes": {"lost": lost}}}]
    body = {"nodes": nodes, "output": "${{ nodes.race.output }}"}
    return document({"guard": {"type": "try", "config": {"body": body, "catch": catch}}})


def running(place: int, runner: dict[str, JsonValue]) -> dict[str, Any]:
    if runner is LONG:
        return {f"r{place}": work(place, config=runner)}
    gate = {"type": "wait_event", "config": {"events": [{"name": f"go{place}"}]}}
    return {f"g{place}": gate, f"r{place}": work(place, [f"g{place}.received"], config=runner)}


class Race:
    """One that has begun: all that run long really run, the others wait to be told."""

    def __init__(self, engine: Engine, handle: Handle):
        self.engine, self.handle = engine, handle

    async def go(self, place: int) -> None:
        """Let one run, and wait until it has ended."""
        await self.engine.board.emit(f"go{place}")
        await until(lambda: self.statuses().get(place) in ("succeeded", "failed"))

    def statuses(self) -> dict[int, str]:
        """How the runners stand, by their places."""
        said = self.engine.statuses(self.handle).items()
        return {int(found[1]): status for path, status in said if (found := re.search(r"\.r(\d)$", path))}

    def is_open(self) -> bool:
        """Whether nothing has been decided."""
        return self.engine.statuses(self.handle)["guard"] not in ("succeeded", "failed")

    async def is_over(self, output: str) -> None:
        """It ends so, and nothing of it runs any more."""
        assert (await ended(self.handle)).output == output
        await until(lambda: not self.engine.witness.running)
        assert set(self.engine.witness.runs.values()) == {1}


async def begun(engine: Engine, flow: dict[str, Any], *, long: int, gates: int) -> Race:
    handle = await engine.start(flow)
    await until(lambda: engine.witness.running == long and len(engine.board.waits) == gates)
    return Race(engine, handle)


@BOTH
async def test_three_of_five_go_on_when_the_third_is_done_and_stop_the_rest(engine: Engine, kind: str) -> None:
    race_on = await begun(engine, race(kind, THREE, {}, LONG, {}, LONG, {}), long=2, gates=3)
    for place in (4, 0):
        await race_on.go(place)
    assert race_on.is_open()
    assert engine.witness.running == 2
    await race_on.go(2)
    await race_on.is_over("won")
    assert race_on.statuses() == {place: "cancelled" if place in (1, 3) else "succeeded" for place in range(5)}
    assert [attempt.status for attempt in engine.sink.attempts].count("cancelled") == 2, "they were told to stop"


@BOTH
async def test_three_failures_of_five_end_three_of_five_at_once_and_can_be_caught(engine: Engine, kind: str) -> None:
    race_on = await begun(engine, race(kind, THREE, FAILS, LONG, FAILS, LONG, FAILS), long=2, gates=3)
    for place in (2, 4):
        await race_on.go(place)
    assert race_on.is_open()
    assert engine.witness.running == 2
    await race_on.go(0)
    await race_on.is_over("join.unsatisfiable 3")
    assert race_on.statuses() == {place: "cancelled" if place in (1, 3) else "failed" for place in range(5)}


@BOTH
async def test_any_of_five_takes_the_first_success_after_three_failures(engine: Engine, kind: str) -> None:
    race_on = await begun(engine, race(kind, "any", FAILS, FAILS, {}, {}, FAILS), long=0, gates=5)
    for place in (0, 4, 1):
        await race_on.go(place)
    assert race_on.is_open()
    await race_on.go(3)
    await race_on.is_over("won")
    assert Counter(race_on.statuses().values()) == {"failed": 3, "skipped": 1, "succeeded": 1}


@BOTH
async def test_any_of_five_fails_only_when_all_have_failed(engine: Engine, kind: str) -> None:
    race_on = await begun(engine, race(kind, "any", FAILS, FAILS, FAILS, FAILS, FAILS), long=0, gates=5)
    for place in range(4):
        await race_on.go(place)
    assert race_on.is_open()
    await race_on.go(4)
    await race_on.is_over("join.unsatisfiable 5")
