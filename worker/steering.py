"""The activity by which an execution tells its children and batches to pause, or to go on. It may be run any number of
times: what is said has a serial."""

from collections.abc import Awaitable, Callable, Sequence

from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dag.steering import STEER, TELL_OTHERS, Passing
from runtime.patience import patiently
from worker.own_attempt import own_attempt, whose

Activity = Callable[..., Awaitable[object]]


def steering_activities(client: Client) -> Sequence[Activity]:
    """Make the activity."""

    @activity.defn(name=TELL_OTHERS)
    async def tell(asked: Passing) -> None:
        """Tell each of them; who has ended needs no word."""
        tenant, execution = whose()
        async with own_attempt(asked.path):
            for target in asked.targets:
                id = f"{tenant}/{execution}{target}" if target.startswith("/") else f"{tenant}/{target}"
                await patiently(lambda id=id: _signal(client, id, asked))

    return [tell]


async def _signal(client: Client, id: str, asked: Passing) -> None:
    try:
        await client.get_workflow_handle(id).signal(STEER, asked.command)
    except RPCError as gone:
        if gone.status != RPCStatusCode.NOT_FOUND:
            raise
