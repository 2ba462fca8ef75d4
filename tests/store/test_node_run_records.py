"""What attempts tell of node runs, added up."""

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import JsonValue

from store import journal, node_run_reading, node_run_records
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.journal import Note, Step
from store.node_run_reading import Filters
from store.session import session
from tests.store.telling import BEGAN, whole

EX = ExecutionId("ex_1")


def ended(path: str, number: int, at: float, **more: JsonValue) -> Note:
    status = "failed" if "error" in more else "succeeded"
    data: dict[str, JsonValue] = {"type": "demo.run", "attempt": number, "seconds": 0.5, "worker": "1@here", **more}
    return Note(EX, f"attempt.{status}", path, BEGAN + at, data)


def progress(fraction: float, at: float) -> Note:
    return Note(EX, "node.progress", "a", BEGAN + at, {"fraction": fraction, "message": f"{at:g} s", "attempt": 1})


async def test_attempts_are_listed_and_added_up_however_often_they_come(store: Database, tenant: TenantId) -> None:
    error: Mapping[str, JsonValue] = {"code": "network", "message": "It is away."}
    first = ended("a", 1, 1, cpu_seconds=0.25, cost={"eur": 0.1}, error=dict(error), log_dropped=3)
    second = ended("a", 2, 2, cpu_seconds=0.5, cost={"eur": 0.2, "tokens": 7})
    other = ended("b", 1, 3, cpu_seconds=1.0, cost={"eur": 0.3})
    batches = [[first, progress(0.5, 1.5)], [Step(event) for event in whole()], [second, progress(0.2, 1.2), other]]
    for batch in [*batches, *reversed(batches)]:
        async with session(store, tenant) as opened:
            await journal.write(opened, batch)
    async with session(store, tenant) as opened:
        run = await node_run_reading.detail(opened, EX, "a", attempt=1)
        runs = await node_run_reading.page(opened, EX, Filters(), attempt=1, after=0, limit=9)
        total = await node_run_records.usage(opened, EX, attempt=1)
    assert (run.attempts_ended, run.cpu_seconds, run.cost) == (2, 0.75, {"eur": 0.3, "tokens": 7})
    assert read(run.progress) == {"fraction": 0.5, "message": "1.5 s", "attempt": 1}
    assert [(each.path, each.attempts_ended) for each in runs] == [("a", 2), ("b", 1)]
    told = [(each.attempt, each.status, each.worker, each.cost, each.log_dropped) for each in run.attempts]
    assert told == [(1, "failed", "1@here", {"eur": 0.1}, 3), (2, "succeeded", "1@here", {"eur": 0.2, "tokens": 7}, 0)]
    assert (run.attempts[0].ended_at - run.attempts[0].started_at).total_seconds() == 0.5
    assert run.attempts[0].error == error
    assert (total.attempts, total.cpu_seconds, total.cost) == (3, 1.75, {"eur": 0.6, "tokens": 7})


async def test_what_attempts_told_stays_when_a_node_run_is_told_anew(store: Database, tenant: TenantId) -> None:
    async with session(store, tenant) as opened:
        await journal.write(opened, [ended("a", 1, 1, cpu_seconds=0.25), *map(Step, whole())])
    other = [*whole(nodes="b")]
    async with session(store, tenant) as opened:
        await journal.write(opened, [Step(event, replayed=True) for event in other])
    async with session(store, tenant) as opened:
        total = await node_run_records.usage(opened, EX, attempt=1)
        assert (total.attempts, total.cpu_seconds) == (1, 0.25)


def read(fragment: Any) -> JsonValue:
    return orjson.loads(orjson.dumps(fragment))
