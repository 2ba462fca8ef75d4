"""Sets up the Temporal worker that runs interpreters and activities."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import PollerBehaviorAutoscaling, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from interpreter.workflow import Interpreter
from runtime.settings import Settings
from worker.adapter import node_activity
from worker.attempt import Means
from worker.sink import Sink
from worker.step_events import StepEvents

RUNNER = SandboxedWorkflowRunner(
    # Loading our own modules anew for every execution would cost 3 ms instead of 0.3 (measured), and a plan is to be one
    # object per process. They are deterministic by their own tests.
    restrictions=SandboxRestrictions.default.with_passthrough_modules("dag", "interpreter", "jlens", "orjson", "pydantic")
)
"""Replayers must use it too."""


def worker(
    client: Client,
    settings: Settings,
    *,
    means: Means,
    sink: Sink,
    activities: Sequence[Callable[..., Any]] = (),
    workflow: type = Interpreter,
) -> Worker:
    """Make a worker for executions and for all that they call. `activities` are our own named ones, beside the dynamic one
    that stands for every activity type."""
    return Worker(
        client,
        task_queue=settings.queue,
        workflows=[workflow],
        activities=[node_activity(means, sink), *activities],
        interceptors=[StepEvents(sink.step)],
        workflow_runner=RUNNER,
        max_cached_workflows=settings.max_cached_executions,
        max_concurrent_workflow_tasks=settings.max_workflow_tasks,
        max_concurrent_activities=settings.max_activities,
        max_concurrent_local_activities=settings.max_activities,
        # A fan-out hands its activities straight to this process while it has room: 413 → 512 per second over the default of 3.
        max_eager_activity_reservations_per_workflow_task=min(100, settings.max_activities),
        # When a worker dies, its cached executions wait this long before another takes them.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        # A cancel reaches an activity on the answer to a heartbeat, and heartbeats are held back for this long.
        max_heartbeat_throttle_interval=timedelta(seconds=2),
        default_heartbeat_throttle_interval=timedelta(seconds=2),
        graceful_shutdown_timeout=settings.graceful_shutdown,
    )
