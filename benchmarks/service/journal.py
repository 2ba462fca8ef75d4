"""The journal as workers write it: events through the sink into PostgreSQL, sealed, as the role that processes have."""

import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from benchmarks.case import OURS, Contender, Facts, Stage
from benchmarks.executions import WrongResult
from benchmarks.servers.service import Store, store
from benchmarks.service.events import attempts, said
from dag.events import StepEvent
from store import executions
from store.ids import ExecutionId
from store.session import session
from worker.journal import writing
from worker.records import Attempt
from worker.sink import BufferedSink

EXECUTIONS = 100
NODES = 49
EVENTS = EXECUTIONS * 2 * (NODES + 1)
PATIENCE = 120.0


@asynccontextmanager
async def sink(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
    """Step events alone; then with the record of an attempt beside each node, as activities leave it."""
    async with store(stage) as opened:
        yield [_contender(OURS, opened), _contender(WITH_ATTEMPTS, opened, with_attempts=True)]


WITH_ATTEMPTS = f"Perdure, {EXECUTIONS * NODES:,} records of attempts as well"


def _contender(name: str, opened: Store, *, with_attempts: bool = False) -> Contender:
    latest: Facts = {}

    async def run() -> float:
        nonlocal latest
        events = said(opened.tenant, executions=EXECUTIONS, nodes=NODES)
        entries = list(attempts(events)) if with_attempts else events
        began, computed = time.perf_counter(), time.process_time()
        async with BufferedSink(writing(opened.database), patience=PATIENCE) as sink:
            for entry in entries:
                _hand_over(sink, entry)
        seconds = time.perf_counter() - began
        latest = {"ms of CPU in this process": round((time.process_time() - computed) * 1000)}
        if sink.dropped:
            raise WrongResult(f"The sink dropped {sink.dropped} of {len(entries)}")
        await _check(opened, events, len(entries) // EXECUTIONS)
        return seconds

    async def facts() -> Facts:
        return latest

    return Contender(name, run, facts)


def _hand_over(sink: BufferedSink, entry: StepEvent | Attempt) -> None:
    match entry:
        case StepEvent():
            sink.step(entry, False)
        case Attempt():
            sink.attempt(entry)


async def _check(opened: Store, events: Sequence[StepEvent], each: int) -> None:
    async with session(opened.database, opened.tenant) as s:
        for id in dict.fromkeys(event.execution for event in events):
            found = await executions.find(s, ExecutionId(id))
            if (found.status, found.seq) != ("succeeded", each):
                raise WrongResult(f"The journal of {id} is {found.status} with {found.seq} events instead of {each}")
