"""The worker as a process: `python -m worker`."""

import asyncio
import os
import signal
import sys
import uuid
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from temporalio.client import Client

from dag.plan import Plan, PlanGraph, PlanNode, Sees, Template
from interpreter.start import Start
from runtime.executions import start

TWICE = PlanNode("twice", "transform", config=Template({"expression": "input * 2"}), sees=Sees(roots=("input",)))
PLAN = Plan("doubling", 1, PlanGraph((TWICE,), ends=(0,)))


@asynccontextmanager
async def process(**settings: str) -> AsyncGenerator[Process]:
    env = {**os.environ, **{f"PERDURE_{name.upper()}": value for name, value in settings.items()}}
    worker = await asyncio.create_subprocess_exec(sys.executable, "-m", "worker", stdout=PIPE, stderr=STDOUT, env=env)
    try:
        yield worker
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()


async def rest(worker: Process) -> str:
    assert worker.stdout is not None
    return (await asyncio.wait_for(worker.stdout.read(), 30)).decode()


async def test_it_runs_executions_until_it_is_asked_to_stop_and_ends_well(temporal: str, client: Client) -> None:
    queue = f"q-{uuid.uuid4()}"
    async with process(temporal_address=temporal, queue=queue) as worker:
        handle = await start(client, PLAN, Start(input=21), tenant="acme", execution=f"{uuid.uuid4()}", queue=queue)
        assert await asyncio.wait_for(handle.result(), 30) == 42
        worker.send_signal(signal.SIGTERM)
        log = await rest(worker)
        assert await worker.wait() == 0
    assert "execution.succeeded" in log
    assert "ERROR" not in log


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("max_activities", "hunter2", "PERDURE_MAX_ACTIVITIES"),
        ("temporal_address", "127.0.0.1:1", "does not answer"),
    ],
)
async def test_what_keeps_it_from_starting_is_told_in_a_line(variable: str, value: str, told: str) -> None:
    async with process(**{variable: value}) as worker:
        log = await rest(worker)
        assert await worker.wait() == 1
    assert told in log
    assert "Traceback" not in log
    assert "hunter2" not in log
