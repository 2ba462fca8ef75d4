"""The workflow by which the API has a worker find out why a condition held or did not. It stands by itself, since the
sandbox of the tests reads all that workflow code imports."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from dag.why import WHY, Answer, Asking

LONGEST = timedelta(seconds=20)
"""Of all replays for one question."""


@workflow.defn(name=WHY)
class Why:
    """One question."""

    @workflow.run
    async def run(self, asked: Asking) -> Answer:
        """Have it answered."""
        return await workflow.execute_activity(
            WHY,
            asked,
            result_type=Answer,
            start_to_close_timeout=LONGEST * 2,
            heartbeat_timeout=timedelta(seconds=10),
            retry_policy=RetryPolicy(maximum_attempts=2),
        )
