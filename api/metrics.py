"""What the API counts of requests, and who may read it."""

import hmac
import ipaddress
import time
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.dependencies import Settings
from api.route_names import method, template
from runtime import metrics
from runtime.metrics import REGISTRY

PATH = "/metrics"
NO_ROUTE = "none"
FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

REQUESTS = Counter(
    "perdure_api_requests",
    "Requests that were answered, by route, method and status.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "perdure_api_request_seconds",
    "How long requests took, by route and method; those with `wait` wait, and streams are left out.",
    ["route", "method"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
STREAMS = Gauge("perdure_api_open_streams", "WebSockets and event streams that are open.", registry=REGISTRY)

router = APIRouter(include_in_schema=False)


async def reader(request: Request, settings: Settings) -> None:
    """Let in who has the operator's token; without one, who asks from this machine, and through no proxy."""
    token = settings.metrics_token
    if token is not None:
        given = request.headers.get("authorization", "")
        allowed = hmac.compare_digest(given.encode(), f"Bearer {token.get_secret_value()}".encode())
    else:
        asks = request.client.host if request.client else ""
        allowed = _is_near(asks) and not any(name in request.headers for name in FORWARDED)
    if not allowed:
        raise HTTPException(404)


@router.get(PATH)
async def read_metrics(_: Annotated[None, Depends(reader)]) -> Response:
    """What this process counts, for Prometheus."""
    return Response(metrics.text(), media_type=metrics.CONTENT_TYPE)


class MeteredRequests:
    """Wraps the app, so that it sees the status of every answer."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with STREAMS.track_inprogress():
                await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        began, status, streams = time.perf_counter(), 500, False

        async def sends(message: Message) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                if Headers(raw=message.get("headers", [])).get("content-type", "").startswith("text/event-stream"):
                    streams = True
                    STREAMS.inc()
            await send(message)

        try:
            await self._app(scope, receive, sends)
        finally:
            route, verb = template(scope) or NO_ROUTE, method(scope)
            REQUESTS.labels(route, verb, str(status)).inc()
            if streams:
                STREAMS.dec()
            else:
                SECONDS.labels(route, verb).observe(time.perf_counter() - began)


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
