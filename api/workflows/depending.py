"""What requests with dependencies between workflows come to."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path

from api.bodies import body, described
from api.workflows.dependency_shapes import REFERENCE, DependencyIn
from dag.errors import PerdureError
from store import dependencies
from store.database import StoreUnavailable
from store.dependencies import Wanted
from store.session import Session
from store.tables.workflows import WorkflowRow

DEPENDENCY_BODY = described(
    DependencyIn,
    example={"depends_on": "import-orders", "within": "1d", "on_unmet": "wait", "wait_at_most": "2h"},
)
"""For OpenAPI."""

Other = Annotated[str, Path(alias="depends_on", pattern=REFERENCE, description="The id or the name of a workflow.")]


@dataclass(frozen=True)
class Review:
    """Whether a workflow can depend on another one, and why not."""

    code: str | None = None
    message: str | None = None

    @property
    def valid(self) -> bool:
        """Whether it can."""
        return self.code is None


async def wanted(asked: Annotated[DependencyIn, Depends(body(DependencyIn))]) -> Wanted:
    """The dependency in a request's body."""
    at_most = None if asked.wait_at_most is None else asked.wait_at_most.total_seconds()
    return Wanted(asked.depends_on, asked.within.total_seconds(), asked.on_unmet, at_most)


Dependency = Annotated[Wanted, Depends(wanted)]


async def review(session: Session, workflow: WorkflowRow, asked: Wanted) -> Review:
    """Tell what is wrong with a dependency, and change nothing."""
    try:
        await dependencies.check(session, workflow, asked)
    except StoreUnavailable:
        raise
    except PerdureError as wrong:
        return Review(wrong.code, wrong.message)
    return Review()
