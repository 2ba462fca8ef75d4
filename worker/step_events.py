"""Shows interpreters the ways out: for step events to a sink, for activities to Temporal. A replayer takes it just the
same."""

from collections.abc import Callable
from typing import Any, cast

from temporalio import workflow
from temporalio.worker import (
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from dag.events import StepEvent
from interpreter.reusable import REMEMBER, Remember

FUNCTION = "perdure_step_event"
"""The name by which workflow code finds the way out: `workflow.extern_functions()[FUNCTION](event, replaying)`."""


class StepEvents(Interceptor):
    """Gives every interpreter the sink's `step`."""

    def __init__(self, step: Callable[[StepEvent, bool], None], *, remember: Remember | None = None):
        self._step = step
        self._remember = remember

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Called once per worker or replayer."""
        input.unsafe_extern_functions[FUNCTION] = self._step  # pyright: ignore[reportUnknownMemberType]
        if self._remember is not None:
            input.unsafe_extern_functions[REMEMBER] = cast(Any, self._remember)  # pyright: ignore[reportUnknownMemberType]
        return _Outward


class _Outward(WorkflowInboundInterceptor):
    """Tells an interpreter, before it runs, where what it starts goes out; interceptors before this one are on the
    way."""

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        """Called as a workflow is made."""
        self._outbound = outbound
        super().init(outbound)

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:
        """Called as it begins to run."""
        use = getattr(workflow.instance(), "use_outbound", None)  # no isinstance: the sandbox imports classes anew
        if use is not None:
            use(self._outbound)
        return await super().execute_workflow(input)
