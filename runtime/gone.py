"""Speaking to a Temporal that may be away, of workflows that may have ended meanwhile."""

from collections.abc import Generator
from contextlib import contextmanager

from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

AWAY = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.ABORTED,
    }
)
"""What Temporal answers, or is answered for it, while it is away or has too much to do: it passes."""
KILLED = frozenset({WorkflowExecutionStatus.TERMINATED, WorkflowExecutionStatus.TIMED_OUT})
"""The ends of which a workflow itself says nothing."""


@contextmanager
def unless_gone() -> Generator[None]:
    """What has ended, or is forgotten, needs no word any more. Raises RPCError of everything else."""
    try:
        yield
    except RPCError as refused:
        if refused.status != RPCStatusCode.NOT_FOUND:
            raise
