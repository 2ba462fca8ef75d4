"""Leads the step events of interpreters out of Temporal's sandbox to a sink; a replayer takes it just the same."""

from collections.abc import Callable

from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from dag.events import StepEvent

FUNCTION = "perdure_step_event"
"""The name by which workflow code finds the way out: `workflow.extern_functions()[FUNCTION](event, replaying)`."""


class StepEvents(Interceptor):
    """Gives every interpreter the sink's `step`."""

    def __init__(self, step: Callable[[StepEvent, bool], None]):
        self._step = step

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """Called once per worker or replayer."""
        input.unsafe_extern_functions[FUNCTION] = self._step  # pyright: ignore[reportUnknownMemberType]
        return None
