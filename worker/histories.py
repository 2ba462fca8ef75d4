"""What Temporal has in its history of an execution: that of each run, the runs having continued each other."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta
from typing import Any

from temporalio.client import Client, WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

LONGEST_REPLAY = timedelta(minutes=2)


class Incomplete(Exception):
    """What was before is older than what Temporal keeps."""


async def histories(
    client: Client,
    workflow_id: str,
    last: str,
    *,
    whole: bool = False,
    before: Callable[[WorkflowHandle[Any, Any]], Awaitable[str]] | None = None,
) -> AsyncGenerator[WorkflowHistory]:
    """The runs up to the last one, oldest first, one in memory at a time. With `whole`, raises Incomplete when not all
    are there. `before` says of the first of them what else comes before it."""
    runs: list[WorkflowHandle[Any, Any]] = []
    run: str | None = last
    while run:
        handle = client.get_workflow_handle(workflow_id, run_id=run)
        try:
            first = await anext(aiter(handle.fetch_history_events(page_size=1)))
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            if whole:
                raise Incomplete from None
            break
        runs.append(handle)
        run = first.workflow_execution_started_event_attributes.continued_execution_run_id
        if not run and before is not None:
            run = await before(handle)
    while runs:
        yield await runs.pop().fetch_history()
