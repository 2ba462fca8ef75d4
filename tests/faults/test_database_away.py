"""PostgreSQL is away for a minute: no execution fails, most go on, and the journal catches up."""

import asyncio
import secrets
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
from temporalio.client import WorkflowExecutionStatus

from runtime import local_postgres
from store.database import StoreUnavailable
from store.ids import ExecutionId
from tests.activities.http_server import Request, json_reply, serving
from tests.faults.effects import chain
from tests.faults.standing import Installation, standing
from tests.postgres import PASSWORD, ready
from tests.store.telling import stored
from tests.worker.journals import is_whole
from worker.rebuilding import rebuild

AWAY = 60.0
EACH = 12
SECONDS_TO_FINISH = 120.0
SECONDS_TO_WHOLE = 120.0
LARGE = b'{"much": "' + secrets.token_hex(150_000).encode() + b'"}'
"""A body that is kept outside the history, in the database; compressed too it is large."""


def documents(port: int) -> dict[str, dict[str, Any]]:
    """By name: one that needs the database for nothing but its journal; one whose node needs it, and may try once."""

    def waits(seconds: int) -> dict[str, Any]:
        return {"type": "delay", "config": {"for": f"{seconds}s"}}

    there = f"http://127.0.0.1:{port}"
    large = {"type": "http.request", "needs": ["late"], "config": {"url": f"{there}/large/${{{{ execution.id }}}}"}}
    token = {"Authorization": "${{ secrets.token }}"}
    secret = {"type": "http.request", "needs": ["late"], "config": {"url": f"{there}/secret", "headers": token}}
    once = {"retry": {"max_attempts": 1}}
    documents: dict[str, dict[str, Any]] = {
        "apart": {"late": waits(20), **chain(port, "a", 4, ["late"]), "later": {**waits(5), "needs": ["a3"]}},
        "large": {"late": waits(20), "large": {**large, **once}},
        "secret": {"late": waits(20), "secret": {**secret, **once}},
    }
    return {name: {"language": 1, "name": name, "nodes": nodes} for name, nodes in documents.items()}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_an_outage_of_the_database_fails_no_execution(tmp_path: Path) -> None:
    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(json_reply(LARGE if request.target.startswith("/large/") else b"{}"))

    async with serving(answer) as server, standing(tmp_path) as running:
        assert (await running.ask("PUT", "/secrets/token", json={"value": "hush"})).is_success
        for document in documents(server.port).values():
            answered = await running.ask("POST", "/workflows?publish=true", json=document)
            assert answered.status_code == 201, answered.text
        ids = {name: [await running.started(name) for _ in range(EACH)] for name in documents(server.port)}
        every = [id for some in ids.values() for id in some]

        await asyncio.to_thread(running.postgres.kill, signal.SIGQUIT)
        away = time.monotonic()
        answers = [await asked(running, f"/workflows/executions/{every[0]}") for _ in range(5)]
        while await closed(running, ids["apart"]) < EACH:
            assert time.monotonic() - away < AWAY, "what needs no database goes on without it"
            await asyncio.sleep(0.5)
        finished = time.monotonic() - away
        await asyncio.sleep(max(0.0, AWAY - (time.monotonic() - away)))
        answers += [await asked(running, "/workflows")]
        assert await closed(running, ids["large"] + ids["secret"]) == 0, "what needs it waits"
        local_postgres.prepare(tmp_path / "postgres", password=PASSWORD)
        running.postgres.start()
        ready(running.server)
        back = time.monotonic()

        assert {answer.status_code for answer in answers} == {503}
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
        async with asyncio.timeout(SECONDS_TO_FINISH):
            for id in every:
                told = await running.ended(id)
                assert told["status"] == "succeeded", told
        all_ended = time.monotonic() - back
        async with asyncio.timeout(SECONDS_TO_WHOLE):
            for id in every:
                while not await whole(running, id):
                    await asyncio.sleep(0.5)
        all_whole = time.monotonic() - back
        for id in every:
            found = await rebuild(running.client, running.store, running.tenant, ExecutionId(id), check=True)
            assert not found.differences
        print(
            f"{EACH} that need no database ended {finished:.1f} s into an outage of {AWAY:.0f} s; {2 * EACH} others and"
            f" all journals were told as ended {all_ended:.1f} s after it, whole {all_whole:.1f} s after it"
        )


async def asked(running: Installation, path: str) -> httpx2.Response:
    return await running.http.get(path)


async def closed(running: Installation, ids: list[str]) -> int:
    """How many have ended, as Temporal knows."""
    handles = [running.client.get_workflow_handle(f"{running.tenant}/{id}") for id in ids]
    described = await asyncio.gather(*(handle.describe() for handle in handles))
    return sum(each.status is not WorkflowExecutionStatus.RUNNING for each in described)


async def whole(running: Installation, id: str) -> bool:
    with suppress(StoreUnavailable):
        return is_whole(await stored(running.store, running.tenant, id))
    return False
