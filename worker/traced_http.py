"""Makes spans of the requests of activities, and tells the other side to which trace they belong."""

import httpx2
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, get_current_span

from runtime.trace_context import HEADER, read, written


class TracedTransport(httpx2.AsyncBaseTransport):
    """A span names the host alone: path and query may hold what a tenant keeps secret. A `traceparent` that an author
    wrote stays as it is."""

    def __init__(self, transport: httpx2.AsyncBaseTransport, tracer: Tracer):
        self._transport = transport
        self._tracer = tracer

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        attempt = get_current_span().get_span_context()
        if not attempt.is_valid:
            return await self._transport.handle_async_request(request)
        with self._tracer.start_as_current_span(
            request.method,
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": request.method,
                "server.address": request.url.host,
                "server.port": request.url.port or (443 if request.url.scheme == "https" else 80),
            },
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            before = read(request.headers.get(HEADER, ""))
            if HEADER not in request.headers or (before is not None and before.trace_id == attempt.trace_id):
                request.headers[HEADER] = written(span.get_span_context())
            try:
                response = await self._transport.handle_async_request(request)
            except httpx2.TransportError as broken:
                span.set_attribute("error.type", type(broken).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise
            span.set_attribute("http.response.status_code", response.status_code)
            return response

    async def aclose(self) -> None:
        """Close what is underneath."""
        await self._transport.aclose()
