"""What requests for tasks say."""

from typing import Annotated

from fastapi import Depends, Header, Path

from api.bodies import INPUT, body, described
from api.executions.shapes import PRINTABLE
from api.tasks.shapes import DecisionIn
from dag.task_ids import TaskPlace, task_place

DECISION_BODY = described(DecisionIn, example={"verdict": "approve", "by": "user:ann"})
"""For OpenAPI."""

_ID = Path(alias="task", description="The id of a task.", json_schema_extra={"pattern": "^task_[A-Za-z0-9_-]+$"})
"""What has another form is found nowhere, as any other that there is not."""


async def place(id: Annotated[str, _ID]) -> TaskPlace:
    """Where the task of an address is asked."""
    return task_place(id)


Place = Annotated[TaskPlace, Depends(place)]
Decision = Annotated[DecisionIn, Depends(body(DecisionIn, limits=INPUT))]
DecisionKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=PRINTABLE,
        description="Repeated with the same key, a decision is answered as it was. The same decision is anyway.",
    ),
]
