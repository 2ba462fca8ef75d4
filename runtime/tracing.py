"""Traces by OpenTelemetry, off unless the standard variables (OTEL_…) say where spans go to."""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from opentelemetry.trace import SpanKind, Tracer
from temporalio.client import Interceptor, OutboundInterceptor, StartWorkflowInput, WorkflowHandle

from dag.strands import strand_id
from runtime.trace_context import HEADER, Trace, payload

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")

here: ContextVar[tuple[Trace, str] | None] = ContextVar("perdure trace", default=None)
"""For which node run an activity of our own runs, if a traced execution asked for it."""
given_id: ContextVar[int | None] = ContextVar("perdure span id", default=None)
"""The id of the span that is made next."""


@dataclass(frozen=True)
class Tracing:
    """How one process writes spans."""

    tracer: Tracer

    def interceptor(self) -> Interceptor:
        """What a client to Temporal needs, so that the trace goes on in executions that it starts."""
        return _Starts(self.tracer)


def wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether spans are to be sent anywhere."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return exporter == "otlp" or (not exporter and any(environment.get(name) for name in ENDPOINTS))


@contextmanager
def tracing(service: str) -> Generator[Tracing | None]:
    """Write spans for as long as the block lasts, if that is wanted; what is left is sent at its end."""
    if not wanted():
        yield None
        return
    from runtime.otlp import provider  # the SDK takes a third of a second to import, which only this needs

    opened = provider(service)
    try:
        yield Tracing(opened.get_tracer("perdure"))
    finally:
        opened.shutdown()


class _Starts(Interceptor):
    def __init__(self, tracer: Tracer):
        self._tracer = tracer

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Start(next, self._tracer)


class _Start(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, tracer: Tracer):
        super().__init__(next)
        self._tracer = tracer

    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        """A batch goes on with the trace of its execution; what a node starts stands below that node; all else below
        the request that asks for it."""
        if input.workflow.startswith("perdure."):
            return await super().start_workflow(input)
        asks, id = here.get(), strand_id(input.id)
        if asks is not None:
            trace, path = asks
            span = trace.parent if trace.execution == id.execution else trace.of(path)
            input.headers = {**input.headers, HEADER: payload(span)}
            return await super().start_workflow(input)
        about = {"perdure.execution": id.execution, "perdure.tenant": id.tenant, "perdure.workflow": input.workflow}
        with self._tracer.start_as_current_span(
            f"start {input.workflow}", kind=SpanKind.PRODUCER, attributes=about, record_exception=False
        ) as span:
            input.headers = {**input.headers, HEADER: payload(span.get_span_context())}
            return await super().start_workflow(input)
