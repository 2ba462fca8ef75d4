"""A process that runs the hand-written workflows: `python -m benchmarks.handwritten.worker ADDRESS QUEUE PAYLOADS`."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from benchmarks.handwritten.activities import read, step
from benchmarks.handwritten.workflows import Calling, Chain, Empty, FanOut, ReadChain, WatchedFanOut, Window
from benchmarks.serving import serve
from runtime.settings import Settings
from worker import host


def worker(client: Client, settings: Settings) -> Worker:
    """The same settings as worker/host.py has, down to doing without the sandbox."""
    return Worker(
        client,
        task_queue=settings.queue,
        workflows=[Calling, Chain, Empty, FanOut, ReadChain, WatchedFanOut, Window],
        activities=[read, step],
        build_id=host.BUILD,
        workflow_runner=host.RUNNER,
        max_cached_workflows=settings.max_cached_executions,
        max_concurrent_workflow_tasks=settings.max_workflow_tasks,
        max_concurrent_activities=settings.max_activities,
        max_concurrent_local_activities=settings.max_activities,
        max_eager_activity_reservations_per_workflow_task=100,
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        max_heartbeat_throttle_interval=timedelta(seconds=2),
        default_heartbeat_throttle_interval=timedelta(seconds=2),
        graceful_shutdown_timeout=settings.graceful_shutdown,
    )


if __name__ == "__main__":
    serve(worker)
