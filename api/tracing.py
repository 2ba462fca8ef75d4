"""A span for each request, named after its route: neither a path nor a query, which may hold what is the caller's."""

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation import set_span_in_context
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.route_names import method, template
from runtime.trace_context import HEADER, read, remote

QUIET = ("/metrics", "/api/v1/health/")
"""What is asked all the time, and tells nothing."""


class TracedRequests:
    """Wraps the app. The trace of a caller is gone on with only if the operator trusts callers: they could choose what
    is recorded, and where it shows; otherwise the request's own trace names it."""

    def __init__(self, app: ASGIApp, tracer: Tracer, *, trust: bool):
        self._app = app
        self._tracer = tracer
        self._trust = trust

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(QUIET):
            await self._app(scope, receive, send)
            return
        caller = read(Headers(scope=scope).get(HEADER, ""))
        followed = caller if self._trust else None
        with self._tracer.start_as_current_span(
            method(scope),
            context=Context() if followed is None else set_span_in_context(remote(followed), Context()),
            links=[Link(caller)] if caller is not None and followed is None else [],
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method(scope)},
            record_exception=False,
        ) as span:

            async def sends(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            try:
                await self._app(scope, receive, sends)
            finally:
                route = template(scope)
                if route is not None:
                    span.update_name(f"{method(scope)} {route}")
                    span.set_attribute("http.route", route)
