"""A worker dies in mid-attempt: whether the attempt is made again is the definition's to say, and it is seen soon."""

import asyncio
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from interpreter import terms
from tests.faults.processes import Process, recording
from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended

pytestmark = pytest.mark.usefixtures("no_schedule")

RETRIES: dict[str, dict[str, Any]] = {
    "once": {"max_attempts": 1},
    "never": {"max_attempts": 3, "initial": "100ms", "never": ["worker"]},
    "asked": {"max_attempts": 3, "initial": "100ms", "when": "error.code != 'worker.lost'"},
    "again": {"max_attempts": 2, "initial": "100ms"},
}


async def hang_at_first(times: int) -> None:
    if times == 1:
        await asyncio.sleep(60)


def pool(client: Client, queue: str, log: Path, installation: dict[str, str]) -> Process:
    """A worker process of a pool of its own."""
    env = {
        **installation,
        "PERDURE_TEMPORAL_ADDRESS": client.service_client.config.target_host,
        "PERDURE_QUEUE": f"{queue}.gpu",
        "PERDURE_EGRESS_ALLOW": "127.0.0.0/8",
    }
    return Process([sys.executable, "-m", "worker"], log, env)


@pytest.mark.slow
async def test_a_lost_attempt_is_made_again_if_it_may_be(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installation: dict[str, str]
) -> None:
    monkeypatch.setattr(terms, "LOST_AFTER", timedelta(seconds=4))
    worker = pool(engine.client, engine.queue, tmp_path / "worker.log", installation)
    async with recording(hang_at_first) as (recorder, port):
        try:
            worker.start()
            nodes = {
                name: {
                    "type": "http.request",
                    "config": {"method": "POST", "url": f"http://127.0.0.1:{port}/{name}"},
                    "retry": retry,
                    "queue": "gpu",
                    "on_error": "continue",
                }
                for name, retry in RETRIES.items()
            }
            output = {name: f"${{{{ [nodes.{name}.status, nodes.{name}.error.code] }}}}" for name in nodes}
            handle = await engine.start(document(nodes, output=output))
            while len(recorder.keys) < len(nodes):
                await asyncio.sleep(0.05)
            worker.kill()
            began = time.monotonic()
            worker.start()
            result = await ended(handle)
            assert time.monotonic() - began < 15
        finally:
            worker.kill()
    lost = ["failed", "worker.lost"]
    assert result.output == {"once": lost, "never": lost, "asked": lost, "again": ["succeeded"]}
    assert {name: len(keys) for name, keys in recorder.keys.items()} == {
        "/once": 1,
        "/never": 1,
        "/asked": 1,
        "/again": 2,
    }
    assert len(set(recorder.keys["/again"])) == 1, "under the same key"


async def test_a_node_of_a_pool_waits_for_a_worker_of_the_pool(
    engine: Engine, tmp_path: Path, installation: dict[str, str]
) -> None:
    worker = pool(engine.client, engine.queue, tmp_path / "worker.log", installation)
    there = {"type": "code.python", "config": {"code": "result = 6 * 7"}, "queue": "gpu"}
    handle = await engine.start(document({"here": work(1), "there": there}))
    while not engine.sink.attempts:
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    assert engine.statuses(handle)["there"] == "started"
    try:
        worker.start()
        assert (await ended(handle)).output == {"here": {"value": 1}, "there": 42}
    finally:
        worker.kill()
    assert [attempt.path for attempt in engine.sink.attempts] == ["here"], "the other ran in another process"
