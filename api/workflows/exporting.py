"""Definitions as files."""

import asyncio

from fastapi import Response

from dag.documents import Format, write
from store import drafts, versions
from store.session import Session
from store.tables.workflows import WorkflowRow


async def export(session: Session, workflow: WorkflowRow, *, format: Format, version: str | None) -> Response:
    """Write a version, or the draft, with its keys in their order."""
    if version is None:
        found = (await drafts.newest(session, workflow)).document
    else:
        found = (await versions.find(session, workflow, version)).document
    text = await asyncio.to_thread(write, found, format)
    headers = {"Content-Disposition": f'attachment; filename="{workflow.name}.{format}"'}
    return Response(text, media_type=f"application/{format}", headers=headers)
