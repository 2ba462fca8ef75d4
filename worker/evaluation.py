"""The activity that computes what exceeds the budget of a workflow task: the same computation, with a larger budget."""

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from temporalio import activity
from temporalio.common import RawValue

from dag.expressions import WIDE, ExpressionBudget, Moment
from interpreter.compute import compute
from interpreter.job import Job, failure
from runtime.converter import raw


@activity.defn(name="perdure.evaluate")
async def evaluate(job: Job, scope: Mapping[str, Any], moment: Moment) -> RawValue:
    """Compute in a thread of its own; exceeding this budget too is the result."""
    try:
        computed = await asyncio.to_thread(compute, job, scope, moment, WIDE)
    except ExpressionBudget as error:
        computed = failure(error.value())
    return raw(orjson.dumps(computed), outside=True)
