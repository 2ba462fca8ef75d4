"""Why an execution does not move, as the API says it."""

import asyncio
from typing import Any

import pytest

from api.executions.shapes import WaitOut
from tests.api.service import Caller
from tests.api.test_executions import EXECUTIONS, becomes, begun, run
from tests.api.working import definition, published, waiting


async def waits(me: Caller, id: str) -> dict[str, WaitOut]:
    """By path."""
    answer = await me.http.get(f"{EXECUTIONS}/{id}/waiting")
    assert answer.status_code == 200, answer.text
    return {each["path"]: WaitOut.model_validate(each) for each in answer.json()["items"]}


@pytest.mark.usefixtures("working")
async def test_everything_that_a_node_waits_for_is_told_by_its_reason(me: Caller) -> None:
    await published(me, waiting("child"))
    url = "http://nowhere.invalid/"
    patient = {"max_attempts": 2, "initial": "1h", "max": "2h"}
    await published(
        me,
        definition(
            "stuck",
            nodes={
                "ask": {"type": "approval", "config": {"title": "Pay?", "assignees": ["group:finance"], "due": "1d"}},
                "hear": {"type": "wait_event", "config": {"events": [{"name": "order.paid", "key": "42"}]}},
                "pause": {"type": "delay", "config": {"for": "1h"}},
                "call": {"type": "workflow", "config": {"name": "child"}},
                "send": {"type": "http.request", "config": {"method": "POST", "url": url}, "retry": patient},
                "look": {"type": "http.request", "config": {"url": url}, "retry": patient},
            },
        ),
    )
    id = (await begun(me, "stuck"))["id"]
    found: dict[str, WaitOut] = {}
    async with asyncio.timeout(60):
        while len(found) < 6:
            found = await waits(me, id)
            await asyncio.sleep(0.1)
    reasons = {path: wait.reason for path, wait in found.items()}
    assert reasons == {
        "ask": "person", "hear": "event", "pause": "time", "call": "execution",
        "send": "retry", "look": "retry",
    }  # fmt: skip
    assert "`group:finance`" in found["ask"].text
    assert found["ask"].task is not None
    assert found["hear"].events == [{"name": "order.paid", "key": 42}]
    assert found["call"].execution is not None
    assert found["send"].error_code == "http.network"
    assert (found["send"].attempt, found["look"].attempt) == (2, 2)
    for path in ("ask", "pause", "send", "look"):
        assert found[path].until is not None
    await me.http.post(f"{EXECUTIONS}/{id}/cancel")


async def test_an_execution_that_no_worker_takes_says_so(me: Caller) -> None:
    await published(me, waiting())
    id = (await begun(me))["id"]
    async with asyncio.timeout(60):
        while not (found := await waits(me, id)):
            await asyncio.sleep(0.2)
    assert found[""].reason == "worker"
    assert "No worker asks for work on queue" in found[""].text


@pytest.mark.usefixtures("working")
async def test_what_has_ended_waits_for_nothing(me: Caller) -> None:
    await published(me, definition())
    ended: dict[str, Any] = await run(me, "greeting", input={"name": "Ada"})
    assert await waits(me, ended["id"]) == {}


@pytest.mark.usefixtures("working")
async def test_one_behind_a_limit_waits_for_it(me: Caller) -> None:
    nodes = {"pause": {"type": "delay", "config": {"for": "1h"}}}
    await published(me, definition("single", nodes=nodes, settings={"concurrency": {"limit": 1}}))
    first = (await begun(me, "single"))["id"]
    await becomes(me, first, "waiting")
    second = (await begun(me, "single"))["id"]
    async with asyncio.timeout(60):
        while "" not in (found := await waits(me, second)) or found[""].reason != "limit":
            await asyncio.sleep(0.05)
    assert found[""].text.startswith("At most 1 executions")
    for id in (second, first):
        await me.http.post(f"{EXECUTIONS}/{id}/cancel")
