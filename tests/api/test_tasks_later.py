"""Decisions while nothing runs that could take them."""

import asyncio

import pytest

from runtime.settings import Settings
from store.database import Database
from tests.api.service import Caller
from tests.api.test_tasks import approval, asking, decide, problem
from tests.api.working import working_on


async def test_a_decision_that_nobody_hears_is_answered_with_when_to_say_it_again_and_made_once(
    api_settings: Settings, store: Database, me: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.updates.PATIENCE", 0.5)
    async with working_on(api_settings, store):
        execution, task = await asking(me, approval(required=2))
    for _ in range(2):
        answer = await decide(me, task, verdict="approve", by="user:ann")
        assert problem(answer) == (503, "temporal.unavailable")
        assert int(answer.headers["retry-after"]) > 0
    monkeypatch.setattr("api.updates.PATIENCE", 10.0)
    async with working_on(api_settings, store):
        told = (await decide(me, task, verdict="approve", by="user:ann")).json()
        assert (told["status"], len(told["votes"])) == ("open", 1)
        assert len((await decide(me, task, verdict="approve", by="user:bob")).json()["votes"]) == 2
        while (await me.http.get(f"/workflows/executions/{execution}")).json()["status"] != "succeeded":
            await asyncio.sleep(0.02)
        events = (await me.http.get(f"/workflows/executions/{execution}/events?limit=100")).json()["items"]
        assert [each["type"] for each in events].count("task.voted") == 2
