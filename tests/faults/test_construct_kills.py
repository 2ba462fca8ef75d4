"""Loops, waits and compensations outlive the death of their worker: each turn, event and undoing counts once."""

import asyncio
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from dag.event_messages import EmittedEvent
from dag.strands import BATCH
from interpreter.start import Start, Tuning
from runtime.client import connect
from runtime.database_storage import DatabaseStorage
from runtime.executions import start
from runtime.settings import Settings
from store import strands
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.faults.effects import effect
from tests.faults.processes import Process, Recorder, recording
from tests.interpreter.engine import ended
from tests.interpreter.histories import Handle
from tests.interpreter.publishing import published
from tests.store.telling import stored
from tests.worker.journals import is_whole
from worker.healing import heal

pytestmark = pytest.mark.usefixtures("no_schedule")

MEMORY = 500 * 1024 * 1024
"""Bytes that the worker of a large loop may take at most."""


@dataclass
class Stand:
    """A worker process that can be killed, and what is needed to run something on it."""

    client: Client
    worker: Process
    queue: str
    store: Database
    tenant: TenantId

    async def start(
        self, nodes: dict[str, Any], input: Any = None, *, tuning: Tuning | None = None, **fields: Any
    ) -> Handle:
        plan = published({"language": 1, "name": "hardy", "nodes": nodes, **fields})
        id = ExecutionId(f"ex_{uuid.uuid4().hex}")
        begin = Start(input=input, tuning=tuning or Tuning())
        return await start(self.client, plan, begin, tenant=self.tenant, execution=id, queue=self.queue)

    async def assert_journal_is_whole(self, handle: Handle, *, batches: int) -> None:
        """Once it has been made so, in the execution's own strand and in that of each batch."""
        id = ExecutionId(handle.id.partition("/")[2])
        await heal(self.client, self.store, self.tenant, id)
        journal = await stored(self.store, self.tenant, id)
        assert is_whole(journal)
        ends = {row.strand for row in journal if row.type == "strand.ended"}
        assert ends == {f"each/{number}" for number in range(batches)}
        async with session(self.store, self.tenant) as opened:
            assert not await strands.not_whole(opened, id)

    async def kill(self) -> None:
        """Kill the worker, and start another after a while."""
        self.worker.kill()
        await asyncio.sleep(0.5)
        self.worker.start()


@asynccontextmanager
async def standing(
    temporal: str, folder: Path, store: Database, tenant: TenantId, installation: dict[str, str]
) -> AsyncGenerator[Stand]:
    queue = f"q-{uuid.uuid4().hex}"
    env = {
        **installation,
        "PERDURE_TEMPORAL_ADDRESS": temporal,
        "PERDURE_QUEUE": queue,
        "PERDURE_EGRESS_ALLOW": "127.0.0.0/8",
    }
    worker = Process([sys.executable, "-m", "worker"], folder / "worker.log", env)
    settings = Settings(temporal_address=temporal)
    client = await connect(settings, storage=DatabaseStorage(store), keyring=store.keyring)
    worker.start()
    try:
        yield Stand(client, worker, queue, store, tenant)
    finally:
        worker.kill()


@pytest.fixture
async def stand(
    temporal: str, tmp_path: Path, store: Database, tenant: TenantId, installation: dict[str, str]
) -> AsyncGenerator[Stand]:
    async with standing(temporal, tmp_path, store, tenant, installation) as ready:
        yield ready


STEPS = 5


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("undone", range(1, STEPS + 1))
async def test_a_death_between_any_two_compensations_undoes_each_effect_once(stand: Stand, undone: int) -> None:
    async with recording(_soon) as (recorder, port):
        nodes: dict[str, Any] = {}
        for n in range(STEPS):
            undo = effect(port, f"undo{n}")
            nodes[f"do{n}"] = effect(port, f"do{n}", [f"do{n - 1}"] if n else None) | {
                "compensate": {"type": undo["type"], "config": undo["config"], "retry": undo["retry"]}
            }
        nodes["no"] = {"type": "fail", "needs": [f"do{STEPS - 1}"], "config": {"code": "user.no"}}
        handle = await stand.start(nodes)
        await _until(lambda: _undone(recorder) >= undone)
        await stand.kill()
        assert (await ended(handle)).error.code == "user.no"
        reached = [target.rpartition("/")[2] for target in recorder.keys]
        assert reached == [*(f"do{n}" for n in range(STEPS)), *(f"undo{n}" for n in reversed(range(STEPS)))]
        assert all(len(set(keys)) == 1 for keys in recorder.keys.values()), "each under one key"


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_long_loop_and_many_signals_are_counted_exactly_over_two_deaths(stand: Stand) -> None:
    turns, signals = 20_000, 1_000
    counting = {"set": {"type": "set", "config": {"values": {"turns": "vars.turns + 1"}}}}
    hearing = {
        "tick": {"type": "wait_event", "config": {"events": [{"name": "tick"}]}},
        "add": {
            "type": "set",
            "needs": ["tick.received"],
            "config": {"values": {"ticks": "vars.ticks + 1", "sum": "vars.sum + nodes.tick.output.payload"}},
        },
    }
    branches = {
        "turns": {"nodes": {"loop": {"type": "repeat", "config": {"times": turns, "body": {"nodes": counting}}}}},
        "ticks": {"nodes": {"hear": {"type": "repeat", "config": {"times": signals, "body": {"nodes": hearing}}}}},
    }
    handle = await stand.start(
        {"both": {"type": "parallel", "config": {"branches": branches}}},
        vars={"turns": 0, "ticks": 0, "sum": 0},
        output={"turns": "${{ vars.turns }}", "ticks": "${{ vars.ticks }}", "sum": "${{ vars.sum }}"},
    )
    for n in range(signals):
        event = EmittedEvent(f"ev_{n}", "tick", None, n, "2030-01-01T00:00:00Z")
        await handle.signal("event", event)
        if n in (signals // 3, 2 * signals // 3):
            await stand.kill()
    result = await asyncio.wait_for(handle.result(), 500)
    assert result == {"turns": turns, "ticks": signals, "sum": sum(range(signals))}
    id = ExecutionId(handle.id.partition("/")[2])
    await heal(stand.client, stand.store, stand.tenant, id)
    assert is_whole(await stored(stand.store, stand.tenant, id))


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_ten_thousand_items_keep_their_order_and_their_window_over_a_death(stand: Stand) -> None:
    count, width = 10_000, 50
    async with recording(_soon) as (recorder, port):
        url = f"http://127.0.0.1:{port}/${{{{ item }}}}"
        call = {
            "type": "http.request",
            "config": {"method": "POST", "url": url},
            "retry": {"max_attempts": 10, "initial": "100ms"},
        }
        body = {"nodes": {"call": call}, "output": "${{ item }}"}
        handle = await stand.start(
            {"each": {"type": "for_each", "config": {"items": "input", "concurrency": width, "body": body}}},
            list(range(count)),
            output={"same": "${{ nodes.each.output = input }}", "sum": "${{ $sum(nodes.each.output) }}"},
        )
        await _until(lambda: recorder.requests > count // 2, 400)
        await stand.kill()
        result, memory = await _result_and_memory(stand, handle)
        assert result == {"same": True, "sum": sum(range(count))}
        assert len(recorder.keys) == count
        assert all(len(set(keys)) == 1 for keys in recorder.keys.values())
        assert recorder.most <= width, "over all batches"
        assert memory < MEMORY
        await stand.assert_journal_is_whole(handle, batches=count // BATCH)
        print(f"{recorder.requests - count} repeated effects, worker at most {memory / 2**20:.0f} MiB")


@pytest.mark.slow
@pytest.mark.timeout(60)
async def test_batches_of_which_no_worker_runs_go_on_where_they_were(stand: Stand) -> None:
    count, size, width = 12, 2, 8
    async with recording(_soon) as (recorder, port):
        nodes = {
            "before": effect(port, "before/${{ item }}"),
            "wait": {"type": "delay", "needs": ["before"], "config": {"for": "1s"}},
            "after": effect(port, "after/${{ item }}", ["wait"]),
        }
        each = {"items": f"[1..{count}]", "concurrency": width, "body": {"nodes": nodes, "output": "${{ item }}"}}
        handle = await stand.start(
            {"each": {"type": "for_each", "config": each}}, tuning=Tuning(batch=size, batches_beyond=size)
        )
        await _until(lambda: recorder.requests == width)
        await asyncio.sleep(0.3)  # so that all of them wait
        await stand.kill()
        assert await asyncio.wait_for(handle.result(), 40) == [*range(1, count + 1)]
        assert [len(keys) for keys in recorder.keys.values()] == [1] * 2 * count
        assert recorder.most <= width
        await stand.assert_journal_is_whole(handle, batches=count // size)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_a_hundred_thousand_items_come_to_their_end(stand: Stand) -> None:
    count = 100_000
    body = {"nodes": {"twice": {"type": "transform", "config": {"expression": "item * 2"}}}}
    each = {"items": "input", "concurrency": 100, "body": body}
    handle = await stand.start(
        {"each": {"type": "for_each", "config": each}}, list(range(count)), output="${{ $sum(nodes.each.output) }}"
    )
    result, memory = await _result_and_memory(stand, handle)
    assert result == count * (count - 1)
    assert memory < 2 * MEMORY
    await stand.assert_journal_is_whole(handle, batches=count // BATCH)
    print(f"worker at most {memory / 2**20:.0f} MiB")


async def _result_and_memory(stand: Stand, handle: Handle) -> tuple[Any, int]:
    """What an execution gives, and the most memory that the worker had meanwhile."""
    memory = 0
    result = asyncio.ensure_future(handle.result())
    while not result.done():
        memory = max(memory, stand.worker.memory)
        await asyncio.wait([result], timeout=0.5)
    return result.result(), memory


async def _soon(_: int) -> None:
    await asyncio.sleep(0.02)


def _undone(recorder: Recorder) -> int:
    return sum("/undo" in target for target in recorder.keys)


async def _until(condition: Any, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
