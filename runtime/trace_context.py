"""How a trace is carried: W3C `traceparent` in Temporal's headers, and span ids that all processes make alike.

The span of a node run is written when it ends, by whichever worker sees that, while its attempts run in others. So its
id is not drawn but computed, and needs no word between them."""

import re
from dataclasses import dataclass
from hashlib import blake2b

from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, format_span_id, format_trace_id
from temporalio.api.common.v1 import Payload

from interpreter.payloads import json_payload

HEADER = "traceparent"
_FORM = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


@dataclass(frozen=True)
class Trace:
    """What an execution was started with: the span that started it."""

    parent: SpanContext
    execution: str

    def of(self, path: str) -> SpanContext:
        """The span of a node run; with an empty path, of the execution."""
        known = f"{written(self.parent)}\n{self.execution}\n{path}".encode()
        id = int.from_bytes(blake2b(known, digest_size=8).digest()) or 1
        return SpanContext(self.parent.trace_id, id, is_remote=True, trace_flags=self.parent.trace_flags)


def written(span: SpanContext) -> str:
    """As a header says it."""
    return f"00-{format_trace_id(span.trace_id)}-{format_span_id(span.span_id)}-{span.trace_flags:02x}"


def read(text: str) -> SpanContext | None:
    """What a header says, if it is one."""
    form = _FORM.fullmatch(text)
    if form is None:
        return None
    span = SpanContext(int(form[1], 16), int(form[2], 16), is_remote=True, trace_flags=TraceFlags(int(form[3], 16) & 1))
    return span if span.is_valid else None


def payload(span: SpanContext) -> Payload:
    """As Temporal's headers carry it; there is nothing secret in it."""
    return json_payload(f'"{written(span)}"'.encode())


def trace(header: Payload | None, execution: str) -> Trace | None:
    """What Temporal's header of an execution or of one of its activities says."""
    parent = None if header is None else read(header.data.decode(errors="replace").strip('"'))
    return None if parent is None else Trace(parent, execution)


def remote(span: SpanContext) -> NonRecordingSpan:
    """A span that another process writes, to be the parent of one here."""
    return NonRecordingSpan(span)


def enclosing(path: str) -> str:
    """The node run around one: `each[2].pay` is in `each`, `all.left.pay` in `all`; what stands outside is in the
    execution itself."""
    place = path.rpartition(".")[0]
    return place[: place.rindex("[")] if place.endswith("]") else place.rpartition(".")[0]
