"""What an activity type of a plug-in reports as its cost comes out of analytics: through API, worker and journal."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from runtime.settings import Settings
from store import rollups
from store.database import Database
from store.session import session
from tests.activities.test_registry import anew, install
from tests.api.service import Api, Caller, calling, serving
from tests.api.working import definition, published, working_on
from tests.postgres import another_tenant

TRANSLATE = """
'''Reports what it costs, before it fails or not.'''
from datetime import timedelta
from pydantic import BaseModel
from activities.activity_type import ActivityType
from activities.errors import ConfigInvalid

class Config(BaseModel):
    words: int
    fails: bool = False

class Output(BaseModel):
    words: int

async def run(config, context):
    '''Translate.'''
    context.cost("eur", config.words / 1000)
    context.cost("tokens.input", config.words * 2)
    if config.fails:
        raise ConfigInvalid("No.")
    return Output(words=config.words)

TYPE = ActivityType("acme.translate", "Translate", Config, Output, run, timeout=timedelta(seconds=5))
"""


__all__ = ["anew"]


@pytest.fixture
async def paid(
    api_settings: Settings, store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: None
) -> AsyncGenerator[Api]:
    """An API and a worker that know the type."""
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "acme_translate", TRANSLATE, acme__translate="acme_translate:TYPE")
    try:
        async with serving(api_settings) as api, working_on(api_settings, store):
            yield api
    finally:
        sys.modules.pop("acme_translate", None)


async def test_what_attempts_cost_is_told_by_unit_node_and_workflow_once_it_is_written(
    paid: Api, store: Database
) -> None:
    turn = {"type": "acme.translate", "config": {"words": "${{ item }}"}}
    fails = {"type": "acme.translate", "needs": ["each"], "config": {"words": 500, "fails": True}}
    nodes = {"each": {"type": "for_each", "config": {"items": "[1000, 250]", "body": {"nodes": {"one": turn}}}}}
    async with calling(paid, store, await another_tenant(store)) as me:
        await published(me, definition("letters", nodes={**nodes, "last": {**fails, "on_error": "continue"}}))
        ended = await me.http.post("/workflows/letters/executions?wait=30", json={})
        assert ended.json()["status"] == "succeeded", ended.text
        spent = {"attempts": 3, "cost": {"eur": 1.75, "tokens.input": 3500}}
        assert await _cost(me, attempts=3) == spent, "of changes that are not folded yet"
        async with session(store, me.tenant) as opened:
            assert not await rollups.fold(opened)
        assert await _cost(me, attempts=3) == spent
        told = (await me.http.get("/workflows/analytics/cost?unit=eur&last=24h")).json()
        assert [(each["node"], each["cost"]["eur"]) for each in told["nodes"]] == [("each.one", 1.25), ("last", 0.5)]
        assert [(each["workflow"], each["cost"]["tokens.input"]) for each in told["workflows"]] == [("letters", 3500)]
        assert sum(point["cost"].get("eur", 0) for point in told["points"]) == 1.75
        usage = (await me.http.get(f"/workflows/executions/{ended.json()['id']}/usage")).json()
        assert usage["cost"] == {"eur": 1.75, "tokens.input": 3500}


async def _cost(me: Caller, *, attempts: int) -> dict[str, object]:
    """What it comes to, once so many attempts are written."""
    while True:
        total = (await me.http.get("/workflows/analytics/cost?workflow=letters")).json()["total"]
        if total["attempts"] >= attempts:
            return {"attempts": total["attempts"], "cost": total["cost"]}
        await asyncio.sleep(0.02)
