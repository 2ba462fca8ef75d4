"""What differs between two versions of a workflow, or a version and the draft."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from fastapi import Response

from api.workflows.difference_shapes import DifferenceOut
from dag.changelog import changelog
from dag.comparing import compare
from dag.draft import Document
from store import drafts, versions
from store.session import Session
from store.tables.workflows import WorkflowRow


@dataclass(frozen=True)
class _Side:
    """A document, and what people call it."""

    name: str
    document: Document


async def compared(
    session: Session, workflow: WorkflowRow, old: str, new: str, *, format: Literal["json", "text"]
) -> Response:
    """Compare them, and write what differs for programs or for people."""
    sides = await _side(session, workflow, old), await _side(session, workflow, new)
    # Large graphs take seconds: other requests go on meanwhile.
    return await asyncio.to_thread(_written, *sides, format)


async def _side(session: Session, workflow: WorkflowRow, reference: str) -> _Side:
    if reference == versions.DRAFT:
        return _Side("the draft", (await drafts.newest(session, workflow)).document)
    found = await versions.find(session, workflow, reference)
    return _Side(f"version {found.version}", found.document)


def _written(old: _Side, new: _Side, format: Literal["json", "text"]) -> Response:
    found = compare(old.document, new.document)
    if format == "text":
        return Response(changelog(found, old=old.name, new=new.name), media_type="text/plain")
    told = {"old": old.name, "new": new.name, "same": found.same, "only_layout": found.only_layout, **vars(found)}
    shown = DifferenceOut.model_validate(told, from_attributes=True)
    return Response(shown.model_dump_json(), media_type="application/json")
