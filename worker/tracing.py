"""Carries a trace through executions into their activities, without a word in workflow code.

What a replay could notice stays as it is: the header of a start is handed on to what the execution asks for, and spans
are written outside, from step events that are said for the first time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, NoReturn, cast

from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, use_span
from opentelemetry.trace.propagation import set_span_in_context
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ContinueAsNewInput,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from dag.events import ENDS, StepEvent
from dag.strands import strand_id
from runtime import namespace
from runtime.trace_context import HEADER, Trace, enclosing, remote, trace
from runtime.tracing import given_id, here

OURS = "perdure."
"""The beginning of the names of our own activities, which are no attempts."""
REMEMBERED = 10_000
"""Strands of which a process knows what has begun; the oldest is forgotten first."""
WRITTEN = 20_000
"""Spans that a process knows it has written: a workflow task that is given up is done again, and says the same."""
SPANNED = {"node.succeeded", "node.failed", "node.cancelled", *ENDS}
"""Events that end what has a span."""


class TracedActivities(Interceptor):
    """Hands a trace on, and makes a span of each attempt."""

    def __init__(self, tracer: Tracer):
        self._tracer = tracer

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        """Called for each activity."""
        return _Activity(next, self._tracer)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Called once a worker."""
        return _Workflow


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_HandsOn(outbound))


class _HandsOn(WorkflowOutboundInterceptor):
    """Gives the header that an execution was started with to whatever it asks for."""

    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        return super().start_activity(_with_header(input))

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:
        return super().start_local_activity(_with_header(input))

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:
        super().continue_as_new(_with_header(input))


def _with_header(input: Any) -> Any:
    header = workflow.info().headers.get(HEADER)
    if header is not None:
        input.headers = {**input.headers, HEADER: header}
    return input


class _Activity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, tracer: Tracer):
        super().__init__(next)
        self._tracer = tracer

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        """Run an attempt in a span of its own, below that of its node run."""
        info = activity.info()
        id = strand_id(info.workflow_id or "")
        known = trace(input.headers.get(HEADER), id.execution)
        if known is None:
            return await super().execute_activity(input)
        if info.activity_type.startswith(OURS):
            asked = input.args[0] if input.args else None
            here.set((known, str(getattr(asked, "path", info.activity_id))))
            return await super().execute_activity(input)
        span = self._tracer.start_span(
            info.activity_type,
            context=set_span_in_context(remote(known.of(info.activity_id))),
            attributes={
                "perdure.tenant": id.tenant,
                "perdure.execution": id.execution,
                "perdure.workflow": info.workflow_type or "",
                "perdure.node": info.activity_id,
                "perdure.attempt": info.attempt,
            },
        )
        with use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                return await super().execute_activity(input)
            except ApplicationError as failed:
                # The code alone: what a message says is the tenant's.
                span.set_attribute("error.type", failed.type or "none")
                span.set_status(Status(StatusCode.ERROR if failed.type else StatusCode.UNSET))
                raise


@dataclass
class _Open:
    """What has begun in one strand, and when."""

    version: int | None = None
    began: dict[str, tuple[float, str | None]] = field(default_factory=dict[str, tuple[float, str | None]])


class StepSpans:
    """Makes spans of executions and node runs, as step events tell them. A span is written when it ends; where a worker
    took an execution over, its replay has told when it began."""

    def __init__(self, tracer: Tracer, step: Callable[[StepEvent, bool], None]):
        self._tracer = tracer
        self._step = step
        self._open: OrderedDict[tuple[str, str, str], _Open] = OrderedDict()
        self._written: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def step(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 see Sink
        """Take what an interpreter says; called on the threads that run workflow tasks."""
        self._step(event, replaying)
        info = workflow.info()
        known = trace(info.headers.get(HEADER), event.execution)
        if known is None or not known.parent.trace_flags.sampled:
            return
        data = cast(Mapping[str, Any], event.data or {})
        if event.type in ("execution.started", "node.started"):
            strand = self._strand(event)
            strand.began[event.path] = (event.at, data.get("type"))
            strand.version = data.get("version", strand.version)
        elif event.type in SPANNED:
            strand = self._strand(event)
            began, type = strand.began.pop(event.path, (info.start_time.astimezone(UTC).timestamp(), None))
            if not replaying:
                # A batch, and a run that goes on, do not say which version they run; Temporal knows.
                version = strand.version or info.typed_search_attributes.get(namespace.VERSION)
                self._write(event, known, info.workflow_type, version, began, type, data)
        if event.type == "strand.ended" or event.type in ENDS:
            with self._lock:
                self._open.pop((event.tenant, event.execution, event.strand), None)

    def _strand(self, event: StepEvent) -> _Open:
        key = (event.tenant, event.execution, event.strand)
        with self._lock:
            strand = self._open.setdefault(key, _Open())
            self._open.move_to_end(key)
            if len(self._open) > REMEMBERED:
                self._open.popitem(last=False)
        return strand

    def _is_first(self, id: int) -> bool:
        with self._lock:
            if id in self._written:
                return False
            self._written[id] = None
            if len(self._written) > WRITTEN:
                self._written.popitem(last=False)
            return True

    def _write(
        self,
        event: StepEvent,
        known: Trace,
        name: str,
        version: int | None,
        began: float,
        type: str | None,
        data: Mapping[str, Any],
    ) -> None:
        id = known.of(event.path).span_id
        if not self._is_first(id):
            return
        parent = known.of(enclosing(event.path)) if event.path else known.parent
        about: dict[str, str | int] = {
            "perdure.tenant": event.tenant,
            "perdure.execution": event.execution,
            "perdure.workflow": name,
            "perdure.execution.attempt": event.attempt,
            "perdure.status": event.type.partition(".")[2],
        }
        if version is not None:
            about["perdure.version"] = version
        if event.path:
            about["perdure.node"] = event.path
        if type is not None:
            about["perdure.node.type"] = type
        given = given_id.set(id)
        try:
            span = self._tracer.start_span(
                event.path or name,
                context=set_span_in_context(remote(parent)),
                kind=SpanKind.INTERNAL,
                attributes=about,
                start_time=_nanoseconds(began),
            )
        finally:
            given_id.reset(given)
        if error := data.get("error"):
            span.set_attribute("error.type", error["code"])
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(max(began, event.at)))


def _nanoseconds(at: float) -> int:
    return int(at * 1_000_000_000)
