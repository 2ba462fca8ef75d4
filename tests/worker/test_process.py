"""The worker as a process: `python -m worker`."""

import asyncio
import json
import os
import re
import signal
import sys
import uuid
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpx2
import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from psycopg import sql
from temporalio.client import Client

from dag.plan import Plan, PlanGraph, PlanNode, Sees, Template
from interpreter.start import Start
from runtime import local_temporal
from runtime.executions import start
from store.ids import TenantId
from tests.postgres import Server
from tests.temporal import free_port

pytestmark = pytest.mark.usefixtures("no_schedule")

TWICE = PlanNode("twice", "transform", config=Template({"expression": "input * 2"}), sees=Sees(roots=("input",)))
PLAN = Plan("doubling", 1, PlanGraph((TWICE,), ends=(0,)))


@asynccontextmanager
async def process(installation: Mapping[str, str], **settings: str) -> AsyncGenerator[Process]:
    env = {**os.environ, **installation, **{f"PERDURE_{name.upper()}": value for name, value in settings.items()}}
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


async def test_it_runs_executions_until_it_is_asked_to_stop_and_ends_well(
    temporal: str,
    client: Client,
    installation: dict[str, str],
    tenant: TenantId,
    postgres: Server,
    database_name: str,
) -> None:
    queue = f"q-{uuid.uuid4()}"
    async with process(
        installation, temporal_address=temporal, queue=queue, worker_metrics_port="0", log_format="json"
    ) as worker:
        handle = await start(client, PLAN, Start(input=21), tenant=tenant, execution=f"{uuid.uuid4()}", queue=queue)
        assert await asyncio.wait_for(handle.result(), 30) == 42
        await _counts(worker, tenant)
        worker.send_signal(signal.SIGTERM)
        log = await rest(worker)
        assert await worker.wait() == 0
    assert "ERROR" not in log
    with psycopg.connect(postgres.url(database_name, "postgres")) as connection:
        assert connection.execute("select status from executions").fetchall() == [("succeeded",)]


async def _counts(worker: Process, tenant: TenantId) -> None:
    """Scrape it where its log says, until its journal is written."""
    assert worker.stdout is not None
    while True:
        told = json.loads(await asyncio.wait_for(worker.stdout.readline(), 30))
        if found := re.search(r"http://127.0.0.1:\d+/metrics", told["message"]):
            break
    async with httpx2.AsyncClient(trust_env=False) as asks:
        while True:
            text = (await asks.get(found[0])).text
            counts = {
                sample.name: sample.value for each in text_string_to_metric_families(text) for sample in each.samples
            }
            if counts["perdure_journal_written_total"] >= 4:
                break
            await asyncio.sleep(0.05)
    assert counts["perdure_workflow_task_seconds_count"] >= 1
    assert counts["perdure_sink_dropped_total"] == 0
    assert PLAN.workflow not in text
    assert tenant not in text


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("max_activities", "hunter2", "PERDURE_MAX_ACTIVITIES"),
        ("temporal_address", "127.0.0.1:1", "Temporal does not answer at 127.0.0.1:1."),
        pytest.param("temporal_namespace", "nowhere", "Temporal has no namespace `nowhere`.", marks=pytest.mark.slow),
        pytest.param("database_url", "", "PERDURE_DATABASE_URL", marks=pytest.mark.slow),
        ("database_url", "postgresql://perdure_app:hunter2@127.0.0.1:1/perdure", "does not answer: connection failed"),
        pytest.param("master_key", "", "PERDURE_MASTER_KEY", marks=pytest.mark.slow),
        pytest.param("master_key", "hunter2", "32 bytes in base64", marks=pytest.mark.slow),
    ],
)
async def test_what_keeps_it_from_starting_is_told_in_a_line(
    temporal: str, installation: dict[str, str], variable: str, value: str, told: str
) -> None:
    settings = {"temporal_address": temporal, "start_timeout": "1", "log_level": "ERROR", variable: value}
    async with process(installation, **settings) as worker:
        log = await rest(worker)
        assert await worker.wait() == 1
    assert told in log
    assert len(log.splitlines()) == 1
    assert "hunter2" not in log


async def test_a_database_without_our_tables_is_told(
    temporal: str, postgres: Server, installation: dict[str, str]
) -> None:
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        name = f"test_{uuid.uuid4().hex}"
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    settings = {"temporal_address": temporal, "start_timeout": "0", "database_url": postgres.url(name)}
    async with process(installation, **settings) as worker:
        log = await rest(worker)
        assert await worker.wait() == 1
    assert "run `perdure migrate`" in log


async def test_it_starts_as_soon_as_the_database_and_temporal_are_there(installation: dict[str, str]) -> None:
    port = free_port()
    async with process(installation, temporal_address=f"127.0.0.1:{port}") as worker:
        assert worker.stdout is not None
        while b"Waiting for it" not in await asyncio.wait_for(worker.stdout.readline(), 30):
            pass
        server = await asyncio.create_subprocess_exec(*local_temporal.command(port), stdout=DEVNULL, stderr=DEVNULL)
        try:
            while b"Working on queue" not in await asyncio.wait_for(worker.stdout.readline(), 30):
                pass
        finally:
            server.kill()
            await server.wait()


async def test_it_can_be_stopped_while_it_waits(installation: dict[str, str]) -> None:
    async with process(installation, temporal_address="127.0.0.1:1") as worker:
        assert worker.stdout is not None
        while b"Waiting for it" not in await asyncio.wait_for(worker.stdout.readline(), 30):
            pass
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 20) == 0
