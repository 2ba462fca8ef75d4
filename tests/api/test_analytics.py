"""Analytics say what happened, in the range, the zone and the selection that are asked for."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
from pydantic import JsonValue

from store import journal, rollups
from store.database import Database
from store.ids import TenantId
from store.journal import Entry, Note, Step
from store.session import session
from tests.api.service import Caller
from tests.store.telling import STARTED, Strand

ERROR: Mapping[str, JsonValue] = {"code": "http.status", "message": "503"}


async def ran(
    store: Database,
    tenant: TenantId,
    number: int,
    at: str,
    *,
    took: float = 10,
    fails: bool = False,
    **started: JsonValue,
) -> None:
    """An execution with a loop of two turns, the last of which may fail."""
    strand = Strand(f"ex_{number:032x}")
    strand.say("execution.started", data={**STARTED, **started})
    for turn in range(2):
        strand.say("node.started", f"each[{turn}].price", {"type": "http.request"})
        if fails and turn:
            strand.say("node.failed", f"each[{turn}].price", {"error": {**ERROR}, "port": None})
        else:
            strand.say("node.succeeded", f"each[{turn}].price", {"output": 1, "port": "out"})
    if fails:
        strand.say("execution.failed", data={"error": {**ERROR}})
    else:
        strand.say("execution.succeeded", data={"output": 1})
    began = datetime.fromisoformat(at).timestamp()
    shares = [0, 0.1, 0.2, 0.3, 0.5, 1]
    said = [replace(event, at=began + took * share) for event, share in zip(strand.said, shares, strict=True)]
    entries: list[Entry] = [Step(event) for event in said]
    spent: JsonValue = {"attempt": 1, "seconds": took / 20, "cpu": 0.5, "cost": {"tokens": 100.5}}
    entries.append(Note(said[0].execution, "attempt.succeeded", "each[0].price", said[2].at, spent))
    async with session(store, tenant) as opened:
        await journal.write(opened, entries)


@pytest.fixture
async def ran_some(store: Database, me: Caller) -> None:
    """Four executions on the night in which Berlin's clocks went forward, some of whose sums are folded."""
    tenant = me.tenant
    await ran(store, tenant, 1, "2026-03-28T22:50:00Z")
    await ran(store, tenant, 2, "2026-03-28T23:05:00Z", took=20, trigger="schedule")
    async with session(store, tenant) as opened:
        await rollups.fold(opened)
    await ran(store, tenant, 3, "2026-03-29T21:59:00Z", fails=True, version=4)
    await ran(store, tenant, 4, "2026-03-29T22:10:00Z", workflow="other")
    await ran(store, tenant, 5, "2026-03-29T22:10:00Z", trigger="test")


RANGE = {"from": "2026-03-27T23:00:00Z", "to": "2026-03-30T22:00:00Z", "tz": "Europe/Berlin"}


async def asked(http: httpx2.AsyncClient, what: str, **parameters: Any) -> Any:
    answer = await http.get(f"/workflows/analytics/{what}", params={**RANGE, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("ran_some")
async def test_executions_are_counted_by_status_workflow_trigger_and_error(me: Caller) -> None:
    told = await asked(me.http, "stats")
    assert told["total"] == {
        "started": 4,
        "open": 0,
        "closed": 4,
        "by_status": {"failed": 1, "succeeded": 3},
        "success_rate": 0.75,
        "retried": 0,
    }
    assert [(each["workflow"], each["started"]) for each in told["workflows"]] == [("demo", 3), ("other", 1)]
    assert [(each["trigger"], each["closed"]) for each in told["triggers"]] == [("manual", 3), ("schedule", 1)]
    (family,) = told["errors"]
    assert (family["family"], family["count"], family["codes"][0]["code"]) == ("http", 1, "http.status")
    assert [each["execution"] for each in family["codes"][0]["examples"]] == [f"ex_{3:032x}"]
    assert (await asked(me.http, "stats", workflow="demo", trigger="schedule"))["total"]["started"] == 1
    assert (await asked(me.http, "stats", workflow="demo", version=4))["total"]["by_status"] == {"failed": 1}


@pytest.mark.usefixtures("ran_some")
async def test_lengths_of_time_are_told_of_executions_versions_and_nodes(me: Caller) -> None:
    told = await asked(me.http, "performance")
    assert (told["executions"]["count"], told["executions"]["mean"]) == (4, 12.5)
    assert told["executions"]["p50"] == pytest.approx(10, rel=0.026)
    assert told["executions"]["p99"] == pytest.approx(20, rel=0.026)
    assert [(each["workflow"], each["version"]) for each in told["versions"]] == [
        ("demo", 3),
        ("demo", 4),
        ("other", 3),
    ]
    node = told["nodes"][0]
    assert (node["workflow"], node["node"], node["type"], node["runs"]) == ("demo", "each.price", "http.request", 6)
    assert (node["by_status"], node["seconds"]) == ({"failed": 1, "succeeded": 5}, pytest.approx(12))
    assert (node["attempts"], node["busy_seconds"], node["cpu_seconds"]) == (3, 2, 1.5)
    assert node["waiting_share"] == pytest.approx(1 - 2 / 12)
    assert [(each["node"], each["share"]) for each in told["bottlenecks"]] == [
        ("each.price", pytest.approx(12 / 50)),
        ("each.price", pytest.approx(3 / 50)),
    ]


@pytest.mark.usefixtures("ran_some")
async def test_days_are_those_of_the_zone_and_are_compared_with_as_many_before(me: Caller) -> None:
    told = await asked(me.http, "trends", bucket="day")
    assert [(each["from"], each["counts"]["closed"]) for each in told["points"]] == [
        ("2026-03-27T23:00:00Z", 1),
        ("2026-03-28T23:00:00Z", 2),
        ("2026-03-29T22:00:00Z", 1),
    ]
    assert told["points"][1]["per_hour"] == pytest.approx(2 / 23)
    assert (told["total"]["counts"]["closed"], told["before"]["counts"]["closed"]) == (4, 0)
    later = await asked(me.http, "trends", **{"from": "2026-03-29T22:00:00Z", "to": "2026-03-30T21:00:00Z"})
    assert (later["total"]["counts"]["closed"], later["before"]["counts"]["closed"]) == (1, 2)
    in_utc = await asked(me.http, "trends", bucket="day", tz="UTC")
    assert [each["counts"]["closed"] for each in in_utc["points"]] == [0, 2, 2, 0]


@pytest.mark.usefixtures("ran_some")
async def test_cost_is_told_by_workflow_and_node_and_as_time_goes_by(me: Caller) -> None:
    told = await asked(me.http, "cost", unit="tokens", bucket="day")
    assert told["total"] == {
        "attempts": 4,
        "busy_seconds": 2.5,
        "cpu_seconds": 2,
        "cost": {"tokens": 402},
    }
    assert [(each["workflow"], each["cost"]) for each in told["workflows"]] == [
        ("demo", {"tokens": 301.5}),
        ("other", {"tokens": 100.5}),
    ]
    assert [(each["workflow"], each["node"]) for each in told["nodes"]] == [
        ("demo", "each.price"),
        ("other", "each.price"),
    ]
    assert [each["cost"].get("tokens") for each in told["points"]] == [100.5, 201, 100.5]


@pytest.mark.usefixtures("ran_some")
async def test_nobody_sees_the_numbers_of_another_tenant(stranger: Caller) -> None:
    assert (await asked(stranger.http, "stats"))["total"]["started"] == 0
    assert (await asked(stranger.http, "performance"))["nodes"] == []


async def test_a_range_that_makes_no_sense_is_refused(me: Caller) -> None:
    senseless = [
        {"tz": "Europe/Atlantis"},
        {"tz": "localtime/../../etc/passwd"},
        {"last": "24h", "from": "2026-01-01T00:00:00Z"},
        {"to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2025-01-01T00:00:00Z"},
        {"from": "2000-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"version": 1},
        {"last": "90d", "bucket": "hour"},
        {"last": "1y"},
    ]
    for parameters in senseless:
        answer = await me.http.get("/workflows/analytics/trends", params=parameters)
        assert (answer.status_code, answer.json()["code"]) == (422, "request.invalid"), (parameters, answer.text)


async def test_the_last_days_end_with_what_has_just_happened(store: Database, me: Caller) -> None:
    await ran(store, me.tenant, 1, datetime.now(UTC).isoformat(), took=0.001)
    answer = await me.http.get("/workflows/analytics/stats", params={"last": "24h"})
    assert answer.json()["total"]["closed"] == 1
