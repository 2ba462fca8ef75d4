"""What the API counts, who may read it, and that the page about metrics is complete."""

import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from temporalio.runtime import MetricBuffer, Runtime, TelemetryConfig

import api.metrics
import worker.metrics
from api.route_names import METHODS
from runtime.metrics import REGISTRY, Pool, collecting
from runtime.settings import Settings
from store.database import Database
from tests.api.service import Api, Caller, serving
from worker.metrics import SinkState
from worker.sdk_metrics import SdkMetrics
from worker.sink import BufferedSink, Entry

PAGE = Path(__file__).parents[2] / "docs" / "watching.md"
OURS = (api.metrics, worker.metrics)
"""Imported for what they count."""


@pytest.fixture
async def asks() -> AsyncGenerator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(trust_env=False) as client:
        yield client


async def test_requests_are_counted_by_route_and_never_by_what_they_name(
    api: Api, me: Caller, asks: httpx2.AsyncClient
) -> None:
    name = f"/workflows/w-{me.tenant}"
    assert (await me.http.get(name)).status_code == 404
    await asks.get(f"{api.url}/nowhere/{me.tenant}")
    await asks.request("BREW", f"{api.url}/api/v1/health/live")
    reply = await asks.get(f"{api.url}/metrics")
    assert (reply.status_code, me.tenant in reply.text) == (200, False)
    found = {
        (sample.name, sample.labels.get("route"), sample.labels.get("method"), sample.labels.get("status"))
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    assert ("perdure_api_requests_total", "/api/v1/workflows/{workflow}", "GET", "404") in found
    assert ("perdure_api_request_seconds_count", "/api/v1/workflows/{workflow}", "GET", None) in found
    assert ("perdure_api_requests_total", "none", "GET", "404") in found
    assert {method for _, _, method, _ in found if method is not None} <= {*METHODS, "other"}
    assert "perdure_database_connections" in reply.text


async def test_who_asks_through_a_proxy_or_without_the_token_finds_nothing(
    api: Api, api_settings: Settings, asks: httpx2.AsyncClient
) -> None:
    reply = await asks.get(f"{api.url}/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
    async with serving(api_settings.model_copy(update={"metrics_token": SecretStr("letmein")})) as guarded:
        url = f"{guarded.url}/metrics"
        for sent in ({}, {"Authorization": "Bearer other"}, {"Authorization": "letmein"}):
            assert (await asks.get(url, headers=sent)).status_code == 404
        assert (await asks.get(url, headers={"Authorization": "Bearer letmein"})).status_code == 200


async def test_every_metric_stands_in_the_page_about_them_and_none_besides(store: Database) -> None:
    async def writes(batch: Sequence[Entry]) -> None: ...

    buffer = MetricBuffer(10)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    with collecting(SinkState(BufferedSink(writes)), Pool(store), SdkMetrics(buffer)):
        names = {name for family in REGISTRY.collect() for name in _names(family.name, family.type)}
    del runtime
    told = set(re.findall(r"^\| `(perdure_\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert told == {name for name in names if name.startswith("perdure_")}


def _names(name: str, type: str) -> list[str]:
    return [f"{name}_total" if type == "counter" else name]
