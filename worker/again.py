"""The activity that finds out what an execution that goes on, or a rerun, can take over: it replays what was done.

A history has every output, exactly; the journal has not, since it masks and bounds them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
from temporalio import activity
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.service import RPCError, RPCStatusCode

from dag.again import REUSE, Wanted
from dag.strands import StrandId, strand_id
from interpreter.reusable import reusable
from interpreter.start import Start
from runtime.again import TooOld
from runtime.converter import raw
from runtime.executions import begun
from runtime.patience import patiently
from worker.histories import LONGEST_REPLAY, Incomplete, histories
from worker.own_attempt import own_attempt
from worker.remembering import Memory, takes
from worker.replaying import replayer

Activity = Callable[..., Awaitable[object]]


def again_activities(client: Client) -> Sequence[Activity]:
    """Make the activity."""

    @activity.defn(name=REUSE)
    async def reuse(asked: Wanted) -> RawValue:
        """Find out what a strand can take over; gives a Reusable."""
        mine = strand_id(str(activity.info().workflow_id))
        async with own_attempt(asked.path):
            found = await patiently(lambda: _found(client, replace(mine, execution=asked.execution), asked))
            return raw(orjson.dumps(found), outside=True)

    return [reuse]


async def _found(client: Client, strand: StrandId, wanted: Wanted) -> dict[str, Any]:
    memory = await _remembered(client, strand, wanted.run)
    if strand.strand:  # what is to be undone of a batch, the strand around it knows
        memory.due.clear()
        memory.undo.clear()
    return takes(memory, wanted)


async def _remembered(client: Client, strand: StrandId, run: str) -> Memory:
    """What one attempt has done, with what it took over itself."""
    start = await _start(client, strand, run)
    again = start.again
    memory = Memory(start.attempt, knows=again is None or not again.run)
    try:
        async for history in histories(client, str(strand), run, whole=True):
            async with asyncio.timeout(LONGEST_REPLAY.total_seconds()):
                await replayer(client, memory.step, remember=memory).replay_workflow(history)
    except Incomplete:
        raise TooOld from None
    if not memory.knows:  # it ended before it had found out
        assert again is not None
        asked = Wanted("", again.kind, again.execution, again.run, start.attempt, again.anew)
        before = await _found(client, replace(strand, execution=again.execution), asked)
        memory.took_over(reusable(orjson.loads(orjson.dumps(before))))
    return memory


async def _start(client: Client, strand: StrandId, run: str) -> Start:
    try:
        return (await begun(client, client.get_workflow_handle(str(strand), run_id=run))).start
    except RPCError as unknown:
        if unknown.status != RPCStatusCode.NOT_FOUND:
            raise
        raise TooOld from None
