"""Monitoring says how things stand now, also while Temporal is away."""

import asyncio
from typing import Any

import pytest

from runtime.settings import Settings
from store.database import Database
from store.ids import TenantId
from tests.api.service import Caller, calling, serving
from tests.api.test_analytics import ran
from tests.api.test_tasks import approval, asking
from tests.temporal import free_port


async def metrics(me: Caller) -> Any:
    answer = await me.http.get("/workflows/monitoring/metrics")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("working")
async def test_what_is_open_says_what_it_waits_for_and_workers_are_seen(me: Caller, stranger: Caller) -> None:
    execution, _ = await asking(me, approval())
    async with asyncio.timeout(30):
        told = await metrics(me)
        while not told["waits"] or told["open"][0]["status"] != "waiting":
            await asyncio.sleep(0.02)  # the journal follows at once, but not in the same moment
            told = await metrics(me)
    assert [(each["status"], each["count"]) for each in told["open"]] == [("waiting", 1)]
    assert [each["execution"] for each in told["oldest"]] == [execution]
    assert told["waits"] == [{"type": "approval", "count": 1}]
    assert told["last_hour"]["started"] == 1
    assert told["journal"] == {"unchecked": 0, "oldest_unchecked": None, "unfolded": told["journal"]["unfolded"]}
    async with asyncio.timeout(30):
        while not told["workers"]["known"]:  # it may not have answered in the little time that one request gives it
            await asyncio.sleep(0.05)
            told = await metrics(me)
    assert {each["kind"]: each["pollers"] > 0 for each in told["workers"]["queues"]} == {
        "workflow": True,
        "activity": True,
    }
    assert (await metrics(stranger))["open"] == []


async def test_while_temporal_is_away_the_rest_is_told(
    api_settings: Settings, store: Database, tenant: TenantId
) -> None:
    away = api_settings.model_copy(update={"temporal_address": f"127.0.0.1:{free_port()}"})
    async with serving(away) as api, calling(api, store, tenant) as me:
        await ran(store, tenant, 1, "2026-03-28T22:50:00Z")
        told = await metrics(me)
    assert told["workers"] == {
        "known": False,
        "asked_at": None,
        "hint": "Temporal has not answered: is it running?",
        "queues": [],
    }
    assert told["open"] == []
