"""Leads the step events of interpreters out of Temporal's sandbox to a sink; a replayer takes it just the same."""

from collections.abc import Callable
from typing import Any, cast

from temporalio.worker import Interceptor, WorkflowInboundInterceptor, WorkflowInterceptorClassInput

from dag.events import StepEvent
from interpreter.reusable import REMEMBER, Remember

FUNCTION = "perdure_step_event"
"""The name by which workflow code finds the way out: `workflow.extern_functions()[FUNCTION](event, replaying)`."""


class StepEvents(Interceptor):
    """Gives every interpreter the sink's `step`."""

    def __init__(self, step: Callable[[StepEvent, bool], None], *, remember: Remember | None = None):
        self._step = step
        self._remember = remember

    def workflow_interceptor_class(
        self, input: WorkflowInterceptorClassInput
    ) -> type[WorkflowInboundInterceptor] | None:
        """Called once per worker or replayer."""
        input.unsafe_extern_functions[FUNCTION] = self._step  # pyright: ignore[reportUnknownMemberType]
        if self._remember is not None:
            input.unsafe_extern_functions[REMEMBER] = cast(Any, self._remember)  # pyright: ignore[reportUnknownMemberType]
        return None
