"""Reads a task where it is asked."""

from dataclasses import asdict

from fastapi import Response

from api.json_answers import answer
from api.means import Means
from api.tasks.finding import find
from dag.task_ids import TaskPlace
from store.ids import TenantId


async def detail(means: Means, tenant: TenantId, place: TaskPlace) -> Response:
    """Read it. Raises TaskUnknown."""
    found = await find(await means.temporal.client(), tenant, place)
    return answer({**asdict(found.task), "execution": place.execution})
