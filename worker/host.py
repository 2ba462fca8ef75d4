"""Sets up the Temporal worker that runs interpreters and activities."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from pydantic_monty import AsyncMonty
from temporalio.client import Client
from temporalio.worker import Interceptor, Worker, WorkflowRunner

from activities.activity_type import AnyActivityType
from interpreter.workflow import Interpreter
from runtime.settings import Settings
from runtime.storage import Contents
from runtime.tracing import Tracing
from worker import egress
from worker.adapter import node_activity
from worker.again import again_activities
from worker.attempt import Means
from worker.batches import batch_activities
from worker.cache import Cache
from worker.evaluation import evaluate
from worker.local_calls import LocalCalls
from worker.replaying import BUILD, RUNNER
from worker.secrets import Secrets
from worker.sink import Sink
from worker.step_events import StepEvents
from worker.tracing import StepSpans, TracedActivities


@asynccontextmanager
async def means(
    settings: Settings,
    *,
    types: Mapping[str, AnyActivityType],
    secrets: Secrets,
    cache: Cache,
    storage: Contents,
    tracing: Tracing | None = None,
) -> AsyncGenerator[Means]:
    """Open what the activities of one process share."""
    async with egress.client(settings.egress_allow, tracing) as http, AsyncMonty() as python:
        yield Means(
            types=types,
            secrets=secrets,
            cache=cache,
            http=http,
            python=python,
            keep=storage.keep,
            reachable=storage.reachable,
        )


def worker(
    client: Client,
    settings: Settings,
    *,
    means: Means,
    sink: Sink,
    workflow: type = Interpreter,
    runner: WorkflowRunner = RUNNER,
    workflows: Sequence[type] = (),
    activities: Sequence[Callable[..., Any]] = (),
    tracing: Tracing | None = None,
) -> Worker:
    """Make a worker for executions and for all that they call; `workflows` and `activities` are Perdure's own."""
    calls = LocalCalls()
    return Worker(
        client,
        task_queue=settings.queue,
        build_id=BUILD,
        workflows=[workflow, *workflows],
        activities=[
            node_activity(means, sink, calls, identity=client.identity),
            evaluate,
            *batch_activities(client),
            *again_activities(client),
            *activities,
        ],
        interceptors=[calls, *_interceptors(sink, tracing)],
        workflow_runner=runner,
        max_cached_workflows=settings.max_cached_executions,
        # With nothing cached the SDK (1.35) has room for one run. A task of another one that comes in between takes its
        # place: its local activities are broken off, and its task is given out again after the task timeout only.
        max_concurrent_workflow_tasks=settings.max_workflow_tasks if settings.max_cached_executions else 1,
        max_concurrent_activities=settings.max_activities,
        max_concurrent_local_activities=settings.max_activities,
        # A fan-out hands its activities straight to this process while it has room; with the default of 3 it is a
        # fifth slower (413 instead of 512 activities a second, measured).
        max_eager_activity_reservations_per_workflow_task=100,
        # When a worker dies, others take its cached executions so much later; the default is 10 s.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=1),
        # A cancel comes with the answer to a heartbeat, and by default heartbeats are held back for up to a minute.
        max_heartbeat_throttle_interval=timedelta(seconds=2),
        default_heartbeat_throttle_interval=timedelta(seconds=2),
        # Past it, running activities are cut off and tried again elsewhere, if they may be.
        graceful_shutdown_timeout=settings.graceful_shutdown,
    )


def _interceptors(sink: Sink, tracing: Tracing | None) -> Sequence[Interceptor]:
    """Without traces nothing stands between an interpreter and the sink. The last one sees the way out as the others
    have made it."""
    if tracing is None:
        return [StepEvents(sink.step)]
    return [TracedActivities(tracing.tracer), StepEvents(StepSpans(tracing.tracer, sink.step).step)]
