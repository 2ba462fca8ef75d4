"""What is the same in all of Perdure's own activities that run for a node: whose they are, and how they fail."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from dag.errors import PerdureError
from dag.strands import strand_id
from store.ids import ExecutionId, TenantId
from worker.watch import Watch


def whose() -> tuple[TenantId, ExecutionId]:
    """The workflow id says it: `<tenant>/<execution>`, and perhaps a strand of it."""
    own = strand_id(str(activity.info().workflow_id))
    return TenantId(own.tenant), ExecutionId(own.execution)


@asynccontextmanager
async def own_attempt(path: str) -> AsyncGenerator[None]:
    """Show Temporal that it goes on, and tell an author's mistake as such."""
    going = Watch().begin(shown=not activity.info().is_local)
    try:
        yield
    except PerdureError as wrong:
        told = wrong.value().at(path.rpartition(".")[2], path).model_dump(mode="json")
        raise ApplicationError(
            wrong.message, told, type=wrong.code, non_retryable=True, category=ApplicationErrorCategory.BENIGN
        ) from None
    finally:
        going.end()
