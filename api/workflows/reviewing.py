"""Tells everything that is wrong with a definition, unreadable text included."""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from pydantic import JsonValue

from api.bodies import document
from api.dependencies import ActivityTypes, Caller, Session
from dag.documents import DocumentInvalid
from dag.problems import Problem
from dag.publish import review
from store.surroundings import around


@dataclass(frozen=True)
class Review:
    """All problems of a definition."""

    problems: tuple[Problem, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong."""
        return all(problem.severity != "error" for problem in self.problems)


async def readable(request: Request, caller: Caller) -> JsonValue | DocumentInvalid:
    """The definition in a request's body, or why it cannot be read."""
    try:
        return await document(request, caller)
    except DocumentInvalid as unreadable:
        return unreadable


async def reviewed(
    definition: Annotated[JsonValue | DocumentInvalid, Depends(readable)], session: Session, types: ActivityTypes
) -> Review:
    """Review the definition in a request's body."""
    if isinstance(definition, DocumentInvalid):
        return Review(definition.problems)
    known = await around(session)
    # Large graphs take seconds: other requests go on meanwhile.
    return Review(await asyncio.to_thread(review, definition, catalog=types, surroundings=known))


Reviewed = Annotated[Review, Depends(reviewed)]
