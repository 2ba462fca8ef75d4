"""Runs any activity type as a Temporal activity: what Temporal says goes in, what Temporal must hear comes out."""

import asyncio
import logging
import math
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from pydantic import JsonValue
from temporalio import activity
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from dag.errors import PerdureError
from dag.invocation import USUAL, Invocation
from dag.strands import strand_id
from runtime.converter import Json, raw
from runtime.storage import THRESHOLD
from worker import attempt, reuse
from worker.attempt import Call, Means
from worker.failures import Unexpected, WorkerStopped, delay, error_value, failure, worth_another
from worker.local_calls import LocalCalls
from worker.notes import Notes
from worker.recording import Records
from worker.redaction import current
from worker.sink import Sink
from worker.watch import Watch

logger = logging.getLogger(__name__)

JSON = Json()

NodeActivity = Callable[[Sequence[RawValue]], Awaitable[RawValue]]


def node_activity(means: Means, sink: Sink, calls: LocalCalls, *, identity: str = "") -> NodeActivity:
    """Make the one activity that stands for every activity type. It is given the node's rendered config and an
    Invocation, and gives its output; the workflow id is that of the strand it runs in, the activity id the node's path.

    What local activities give goes into one message to Temporal with that of many others, and so leaves the history
    sooner."""

    records, watch = Records(sink, identity), Watch()

    @activity.defn(dynamic=True)
    async def node(args: Sequence[RawValue]) -> RawValue:
        info = activity.info()
        local = info.is_local
        config, invocation = _handed(calls, info) if local else _read(args)
        whose = strand_id(info.workflow_id or "")
        notes = Notes(whose, info.activity_id, info.attempt + invocation.earlier_attempts, sink)
        current.set(notes.redaction)  # within this attempt's own task, so it ends with it
        started_at = time.time()
        call = Call(
            means,
            notes,
            whose,
            info.workflow_id or "",
            info.workflow_type or "",
            info.activity_id,
            info.activity_type,
            config,
            invocation,
            watch.begin(shown=not local),
            _seconds(info.start_to_close_timeout) if local else math.inf,
        )
        try:
            try:
                run = attempt.run if invocation.cache is None else reuse.run
                output = await run(call)
                if not local and len(output) >= THRESHOLD:
                    # It is kept once this has returned, when nobody tells Temporal any more that it goes on.
                    await means.reachable()
            finally:
                call.going.end()
                notes.stop()
        except asyncio.CancelledError:
            why = activity.cancellation_details() or activity.ActivityCancellationDetails()
            if why.worker_shutdown:
                problem = WorkerStopped()
            elif not _was_cancelled():
                problem = _unexpected(info, notes)
            elif local and why.timed_out:
                # It lasts, so it begins again as a normal activity. This was no attempt, and nobody hears this answer.
                raise ApplicationError("It lasts.", category=ApplicationErrorCategory.BENIGN) from None
            else:
                records.keep(call, started_at, "cancelled")
                raise
        except PerdureError as expected:
            problem = expected.with_traceback(None)  # or the frames it ran in would stay in memory for a while
        except Exception:  # noqa: BLE001 a bug of one activity type is told as such, and is none of the worker's
            problem = _unexpected(info, notes)
        else:
            records.keep(call, started_at, "succeeded", output=output)
            return raw(output, outside=local, cached=notes.cached is True)
        # Not within `except`: Temporal would write the exception caught there into the history, secrets and all.
        error = error_value(problem, path=info.activity_id, attempt=notes.attempt, redact=notes.redaction)
        records.keep(call, started_at, "failed", error=error)
        again = await worth_another(error, invocation)
        raise failure(error, retry=again, delay=delay(problem, info.retry_policy, info.attempt), local=local)

    return node


def _read(args: Sequence[RawValue]) -> tuple[bytes, Invocation]:
    return args[0].payload.data, JSON.from_payload(args[1].payload, Invocation) if len(args) > 1 else USUAL


def _handed(calls: LocalCalls, info: activity.Info) -> tuple[JsonValue, Invocation]:
    call = calls.call(info.workflow_run_id, info.activity_id)
    if call is None:
        raise ApplicationError("Nobody waits for it.", category=ApplicationErrorCategory.BENIGN)
    return call


def _seconds(span: timedelta | None) -> float:
    return math.inf if span is None else span.total_seconds()


def _was_cancelled() -> bool:
    """Whether somebody cancelled this attempt, rather than it only saying so."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _unexpected(info: activity.Info, notes: Notes) -> Unexpected:
    """Write the exception that is being handled into the process log, and there alone: it may hold a tenant's data."""
    trace = notes.redaction(traceback.format_exc())
    logger.error("%s of %s failed unexpectedly\n%s", info.activity_type, info.workflow_id, trace)
    return Unexpected(f"The activity type `{info.activity_type}` failed unexpectedly; the worker's log says how.")
