"""Sends spans by OTLP over HTTP, as OpenTelemetry's own variables (OTEL_…) say."""

import os

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from runtime.tracing import given_id


def provider(service: str, exporter: SpanExporter | None = None) -> TracerProvider:
    """Make what spans come from; sampling and limits are those of the environment, and so is the service's name."""
    resource = Resource.create({} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service})
    made = TracerProvider(resource=resource, id_generator=_Ids(), shutdown_on_exit=False)
    made.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    return made


class _Ids(RandomIdGenerator):
    """Spans whose id is known elsewhere get that one."""

    def generate_span_id(self) -> int:
        """Draw an id, unless one is given."""
        return given_id.get() or super().generate_span_id()
