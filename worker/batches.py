"""The activities by which strands begin the batches of large loops, look after them and report. Each may be run any
number of times."""

from collections.abc import Awaitable, Callable, Sequence

import orjson
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue

from dag.batches import (
    BEGIN_BATCH,
    END_BATCH,
    LOOK_AT_BATCH,
    REPORT_BATCH,
    Beginning,
    EndBatch,
    Looking,
    Report,
    written,
)
from runtime import batches
from runtime.converter import raw
from runtime.patience import patiently
from worker.own_attempt import own_attempt

Activity = Callable[..., Awaitable[object]]


def batch_activities(client: Client) -> Sequence[Activity]:
    """Make the activities."""

    @activity.defn(name=BEGIN_BATCH)
    async def begin(asked: Beginning) -> None:
        """Start a batch."""
        info = activity.info()
        strand = client.get_workflow_handle(str(info.workflow_id), run_id=info.workflow_run_id)
        async with own_attempt(asked.path):
            await patiently(lambda: batches.begin(client, strand, asked, queue=info.task_queue))

    @activity.defn(name=END_BATCH)
    async def end(asked: EndBatch) -> None:
        """Have a batch end."""
        async with own_attempt(asked.path):
            await patiently(lambda: batches.end(client, _strand(), asked))

    @activity.defn(name=LOOK_AT_BATCH)
    async def look(asked: Looking) -> RawValue:
        """Ask whether a batch has ended without a word; gives a BatchEnd, or null."""
        async with own_attempt(asked.path):
            found = await patiently(lambda: batches.end_of(client, _strand(), asked.batch))
            return raw(orjson.dumps(None if found is None else written(found)), outside=True)

    @activity.defn(name=REPORT_BATCH)
    async def report(asked: Report) -> None:
        """Tell the strand that waits how this batch has ended."""
        async with own_attempt(asked.path):
            await patiently(lambda: batches.report(client, asked))

    return [begin, end, look, report]


def _strand() -> str:
    return str(activity.info().workflow_id)
