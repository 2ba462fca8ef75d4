"""The activity that computes what exceeds the budget of a workflow task: the same computation, with a larger budget."""

import asyncio
from collections.abc import Mapping
from typing import Any

from temporalio import activity

from dag.expressions import WIDE, ExpressionBudget, Moment
from interpreter.compute import Computed, Job, compute, failure


@activity.defn(name="perdure.evaluate")
async def evaluate(job: Job, scope: Mapping[str, Any], moment: Moment) -> Computed:
    """Compute in a thread of its own; exceeding this budget too is the result."""
    try:
        return await asyncio.to_thread(compute, job, scope, moment, WIDE)
    except ExpressionBudget as error:
        return failure(error.value())
