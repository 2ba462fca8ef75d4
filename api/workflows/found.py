"""The workflow that an address names."""

from typing import Annotated

from fastapi import Depends, Path

from api.dependencies import Session
from store import workflows
from store.tables.workflows import WorkflowRow

Reference = Annotated[
    str, Path(alias="workflow", pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="The id or the name of a workflow.")
]


async def found(session: Session, reference: Reference) -> WorkflowRow:
    """Find it."""
    return await workflows.find(session, reference)


async def locked(session: Session, reference: Reference) -> WorkflowRow:
    """Find it, and let nobody else change it until the answer."""
    return await workflows.find(session, reference, lock=True)


Found = Annotated[WorkflowRow, Depends(found)]
Locked = Annotated[WorkflowRow, Depends(locked)]
