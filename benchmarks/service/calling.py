"""An execution that starts another one and waits for its end, beside a child workflow written by hand."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from benchmarks.case import OURS, Contender, Stage
from benchmarks.executions import contender
from benchmarks.handwritten import contenders as by_hand
from benchmarks.interpreted import definitions
from benchmarks.servers.service import Service, service
from benchmarks.step import start
from interpreter.start import Start
from runtime import executions


@asynccontextmanager
async def calls(stage: Stage) -> AsyncGenerator[Sequence[Contender]]:
    """From the start of the parent to its result, which is the child's, which is its input."""
    async with service(stage) as running:
        yield [await _ours(running), by_hand.calling(stage)]


async def _ours(running: Service) -> Contender:
    child = await running.publish(definitions.echo())
    parent = await running.publish(definitions.calling(child.name))
    begin = Start(input=start().model_dump())
    return contender(
        OURS,
        running.client,
        lambda id: executions.start(
            running.client, parent.plan, begin, tenant=running.store.tenant, execution=id, queue=running.queue
        ),
        result=start().model_dump(),
    )
