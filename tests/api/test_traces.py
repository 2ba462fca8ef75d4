"""One trace from a request to what comes of it, as a collector of OpenTelemetry receives it."""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack
from ipaddress import ip_network

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from pydantic import JsonValue

from runtime.settings import Settings
from runtime.tracing import tracing
from store.database import Database
from store.ids import TenantId
from tests.activities import http_server
from tests.api.service import calling, serving
from tests.api.working import published, working_on

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
COLLECTED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
CALLERS = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


async def test_a_start_is_one_trace_down_to_the_request_that_a_node_sends(
    api_settings: Settings, store: Database, tenant: TenantId, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_server.serving(COLLECTED) as collector, http_server.serving(OK) as elsewhere:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        settings = api_settings.model_copy(update={"egress_allow": (ip_network("127.0.0.0/8"),)})
        fetch: JsonValue = {"type": "http.request", "config": {"url": f"{elsewhere.url}/secret/path?key=1"}}
        inner: JsonValue = {
            "language": 1,
            "name": "inner",
            "nodes": {"send": {"type": "http.request", "config": {"url": elsewhere.url, "method": "POST"}}},
        }
        outer: JsonValue = {
            "language": 1,
            "name": "outer",
            "nodes": {
                "each": {"type": "for_each", "config": {"items": "[1, 2]", "body": {"nodes": {"fetch": fetch}}}},
                "shape": {"type": "transform", "needs": ["each"], "config": {"expression": "1"}},
                "sub": {"type": "workflow", "needs": ["shape"], "config": {"name": "inner"}},
            },
        }
        with ExitStack() as stack:
            traces = stack.enter_context(tracing("perdure-test"))
            async with (
                serving(settings, traces) as api,
                calling(api, store, tenant) as me,
                working_on(settings, store, traces=traces),
            ):
                await published(me, inner)
                await published(me, outer)
                headers = {"traceparent": CALLERS}
                reply = await me.http.post("/workflows/outer/executions?wait=30", json={}, headers=headers)
                assert (reply.status_code, reply.json()["status"]) == (200, "succeeded"), reply.text
            await asyncio.to_thread(stack.close)
        spans = received(collector.requests)
        sent = [request.header("traceparent") for request in elsewhere.requests]
    [request] = [span for span in spans if span.name == "POST /api/v1/workflows/{workflow}/executions"]
    one = [span for span in spans if span.trace_id == request.trace_id]
    by_id = {span.span_id: span for span in one}
    assert len(by_id) == len(one), "every span has its own id"

    def chain(span: Span) -> list[str]:
        parent = by_id.get(span.parent_span_id)
        return [span.name, *(chain(parent) if parent is not None else [])]

    start = ["start outer", request.name]
    assert sorted(" < ".join(chain(span)) for span in one) == sorted(
        " < ".join(names)
        for names in [
            [request.name],
            start,
            ["outer", *start],
            ["each", "outer", *start],
            *(
                way
                for n in range(2)
                for way in (
                    [f"each[{n}].fetch", "each", "outer", *start],
                    ["http.request", f"each[{n}].fetch", "each", "outer", *start],
                    ["GET", "http.request", f"each[{n}].fetch", "each", "outer", *start],
                )
            ),
            ["shape", "outer", *start],
            ["sub", "outer", *start],
            ["inner", "sub", "outer", *start],
            ["send", "inner", "sub", "outer", *start],
            ["http.request", "send", "inner", "sub", "outer", *start],
            ["POST", "http.request", "send", "inner", "sub", "outer", *start],
        ]
    )
    assert not request.parent_span_id, "a caller decides nothing about our traces unless the operator says so"
    assert [link.trace_id.hex() for link in request.links] == [CALLERS[3:35]]
    [execution] = [span for span in one if span.name == "outer"]
    about = attributes(execution)
    assert (about["perdure.execution"], about["perdure.version"]) == (reply.json()["id"], 1)
    assert (about["perdure.workflow"], about["perdure.status"]) == ("outer", "succeeded")
    attempts = [attributes(span) for span in one if span.name == "http.request"]
    assert {(each["perdure.node"], each["perdure.attempt"]) for each in attempts} == {
        ("each[0].fetch", 1),
        ("each[1].fetch", 1),
        ("send", 1),
    }
    calls = {f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01" for span in one if span.name in ("GET", "POST")}
    assert {*sent} == calls
    assert "secret" not in str(spans)


def received(requests: Sequence[http_server.Request]) -> list[Span]:
    found: list[Span] = []
    for request in requests:
        told = ExportTraceServiceRequest.FromString(request.body)
        found += [span for resource in told.resource_spans for scope in resource.scope_spans for span in scope.spans]
    return found
