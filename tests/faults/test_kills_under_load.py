"""Workers and the API are killed again and again under load: every journal is as a replay of its history says."""

import asyncio
import random
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from store.ids import ExecutionId
from tests.activities.http_server import Request, json_reply, serving
from tests.faults.effects import chain, effect
from tests.faults.standing import Installation, standing
from tests.store.telling import stored
from tests.worker.journals import is_whole
from worker.rebuilding import rebuild

KILLING = 150.0
"""Seconds for which somebody is killed."""
BETWEEN = (0.5, 3.0)
READY = "Working on queue"
AT_ONCE = 8
SECONDS_TO_FINISH = 200.0
SECONDS_TO_WHOLE = 90.0
ITEMS = 2_100
"""A loop over so many runs in batches."""


def documents(port: int) -> dict[str, dict[str, Any]]:
    """A workflow of each kind."""

    def named(name: str, nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"language": 1, "name": name, "nodes": nodes, **more}

    def asks(place: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{port}/{place}/${{{{ execution.id }}}}"
        return {"type": "http.request", "config": {"method": "POST", "url": url}}

    call = {"type": "workflow", "config": {"name": "child", "input": "${{ item }}"}}
    turn = {
        "wait": {"type": "delay", "config": {"for": "1s"}},
        "work": effect(port, "turn/${{ item }}", ["wait"]),
    }
    many = {"items": f"[1..{ITEMS}]", "concurrency": 50, "body": {"nodes": {"twice": computed("item * 2")}}}
    return {
        "child": named("child", {"pause": {"type": "delay", "config": {"for": "500ms"}}, **chain(port, "c", 2)}),
        "chains": named("chains", {**chain(port, "a", 6), **chain(port, "b", 6)}),
        "family": named("family", {"each": loop("[1..4]", {"call": call}), **chain(port, "f", 2, ["each"])}),
        "loops": named("loops", {**chain(port, "l", 2), "each": loop("[1..8]", turn)}),
        "batches": named("batches", {"many": {"type": "for_each", "config": many}}),
        "flaky": named(
            "flaky",
            {"once": {**asks("flaky"), "retry": {"max_attempts": 5, "initial": "300ms"}}, **chain(port, "y", 3)},
        ),
        "broken": named(
            "broken",
            {
                **chain(port, "n", 2),
                "once": {**asks("broken"), "needs": ["n1"], "retry": {"max_attempts": 1}},
                **chain(port, "m", 2, ["once"]),
            },
        ),
    }


def computed(expression: str) -> dict[str, Any]:
    return {"type": "transform", "config": {"expression": expression}}


def loop(items: str, nodes: dict[str, Any]) -> dict[str, Any]:
    return {"type": "for_each", "config": {"items": items, "concurrency": 3, "body": {"nodes": nodes}}}


KINDS = ["chains", "family", "loops", "flaky", "broken", "chains", "family", "loops", "flaky", "broken", "batches"]


async def followed(running: Installation, workflow: str) -> tuple[str, dict[str, Any]]:
    """Run an execution to its end; what fails goes on with further attempts until it has succeeded."""
    execution = await running.started(workflow)
    told = await running.ended(execution)
    while told["status"] != "succeeded":
        assert workflow == "broken", told
        answer = await running.ask("POST", f"/workflows/executions/{execution}/retry", json={})
        # Whoever was killed before it could answer has had it go on all the same.
        assert answer.status_code in (200, 202, 409), answer.text
        told = await running.ended(execution, attempt=told["attempt"] + (answer.status_code != 409))
    return execution, told


async def killing(running: Installation, seconds: float) -> Counter[str]:
    """Kill one after the other, each in the midst of its work, and start it again."""
    chance = random.Random(7)
    victims = {"api": running.api, **{f"worker{n}": each for n, each in enumerate(running.workers)}}
    kills: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(chance.uniform(*BETWEEN))
        name = chance.choice([*victims])
        victim = victims[name]
        await asyncio.to_thread(victim.kill)
        kills[name] += 1
        starts = victim.said.count(READY)
        await asyncio.sleep(chance.uniform(0, 1))
        victim.start()
        while name != "api" and victim.said.count(READY) == starts:
            await asyncio.sleep(0.1)
    return kills


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_after_minutes_of_kills_every_journal_is_whole_and_as_a_replay_says(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        seen[request.target] += 1
        await asyncio.sleep(0.05)
        fails = request.target.startswith(("/flaky/", "/broken/")) and seen[request.target] == 1
        writer.write(json_reply(b"{}", 500 if fails else 200))

    async with serving(answer) as server, standing(tmp_path) as running:
        for document in documents(server.port).values():
            answered = await running.ask("POST", "/workflows?publish=true", json=document)
            assert answered.status_code == 201, answered.text
        killed = asyncio.create_task(killing(running, KILLING))
        ended: list[tuple[str, dict[str, Any]]] = []
        number = 0

        async def keep_busy() -> None:
            nonlocal number
            while not killed.done():
                number += 1
                ended.append(await followed(running, KINDS[number % len(KINDS)]))

        busy = asyncio.gather(*(keep_busy() for _ in range(AT_ONCE)))
        await asyncio.wait({busy, killed}, return_when=asyncio.FIRST_COMPLETED)
        if busy.done():
            await busy
        kills = await killed
        over = time.time()
        async with asyncio.timeout(SECONDS_TO_FINISH):
            await busy
        finished = time.time() - over
        page = await running.ask("GET", "/workflows/executions?limit=500")
        everything = [item["id"] for item in page.json()["items"]]
        assert page.json()["next"] is None
        assert {execution for execution, _ in ended} <= {*everything}

        waits: list[float] = []
        rows = 0
        for execution in everything:
            async with asyncio.timeout(SECONDS_TO_WHOLE):
                while not is_whole(journal := await stored(running.store, running.tenant, execution)):
                    await asyncio.sleep(0.5)
            rows += len(journal)
            told = await running.ended(execution)
            waits.append(time.time() - datetime.fromisoformat(told["closed_at"]).timestamp())
        differing: dict[str, Any] = {}
        events = 0
        for execution in everything:
            found = await rebuild(running.client, running.store, running.tenant, ExecutionId(execution), check=True)
            events += found.events
            if found.differences or found.left:
                differing[execution] = (found.differences[:5], found.left)
        withdrawn = [execution for execution in everything if await _replaced(running, execution)]
        print(
            f"{sum(kills.values())} kills in {KILLING:.0f} s ({dict(kills)}); {len(everything)} executions of which"
            f" {len(ended)} started from outside; the last ended {finished:.1f} s after the last kill; {rows} rows,"
            f" {events} step events compared, journals with replaced rows: {len(withdrawn)}"
        )
        assert not differing


async def _replaced(running: Installation, execution: str) -> bool:
    journal = await stored(running.store, running.tenant, execution)
    return any(row.type in ("replaced", "journal.replaced") for row in journal)
