"""Finds where in an execution a task is asked: in its own strand, or in a batch of a large loop, as its path tells."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from api.problems import TemporalUnavailable
from api.temporal_patience import soon
from dag.limits import DEFAULTS
from dag.strands import StrandId, strands_of
from dag.task_ids import TaskPlace
from dag.task_messages import TASK, Task
from dag.task_refusals import TaskUnknown
from store.ids import TenantId

Strand = WorkflowHandle[Any, Any]


@dataclass(frozen=True)
class Found:
    """A task, and who asks it."""

    strand: Strand
    task: Task


async def find(client: Client, tenant: TenantId, place: TaskPlace) -> Found:
    """Ask whoever may know of it. Raises TaskUnknown, TemporalUnavailable, RPCError."""
    for strand in _candidates(client, tenant, place):
        try:
            task = await soon(strand.query(TASK, place.path, result_type=Task))
        except RPCError as silence:
            match silence.status:
                case RPCStatusCode.NOT_FOUND:
                    continue
                case RPCStatusCode.FAILED_PRECONDITION:  # no worker has asked for work for a while
                    raise TemporalUnavailable("No worker runs that could tell.") from None
                case _:
                    raise
        except WorkflowQueryFailedError:  # an execution of a version that did not ask people
            continue
        if task is not None and task.attempt == place.attempt:
            return Found(strand, task)
    raise TaskUnknown


async def asker(client: Client, tenant: TenantId, place: TaskPlace) -> Strand:
    """Who asks a task. One that is in no loop needs no search. Raises as `find`."""
    first, *others = _candidates(client, tenant, place)
    return (await find(client, tenant, place)).strand if others else first


def strands_to_ask(place: TaskPlace) -> Iterator[str]:
    """What no path of a real task can name is cut off: each is a question to Temporal."""
    return islice(strands_of(place.path), DEFAULTS.levels + 1)


def _candidates(client: Client, tenant: TenantId, place: TaskPlace) -> Iterator[Strand]:
    for strand in strands_to_ask(place):
        yield client.get_workflow_handle(str(StrandId(tenant, place.execution, strand)))
