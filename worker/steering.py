"""The activity by which an execution tells its children and batches to pause, or to go on. It may be run any number of
times: what is said has a serial."""

from collections.abc import Awaitable, Callable, Sequence

from temporalio import activity
from temporalio.client import Client

from dag.steering import STEER, TELL_OTHERS, Passing
from dag.strands import StrandId
from runtime.gone import unless_gone
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
                other, _, strand = target.partition("/")
                told = StrandId(tenant, other or execution, strand)
                await patiently(lambda told=told: _signal(client, told, asked))

    return [tell]


async def _signal(client: Client, told: StrandId, asked: Passing) -> None:
    with unless_gone():
        await client.get_workflow_handle(str(told)).signal(STEER, asked.command)
