"""The header If-Match: the revision of a draft that its author saw, as the header ETag told it."""

from typing import Annotated

from fastapi import Depends, Header

from api.dependencies import Caller
from dag.errors import PerdureError

_IF_MATCH = Header(
    pattern=r'^(\*|"[0-9]{1,9}")$',
    description='The draft\'s revision that you saw, as in `ETag`: `"3"`. `*`: whatever it is.',
)


class PreconditionMissing(PerdureError):
    """Say by the header If-Match which revision of the draft you saw, as ETag told it; `*` for whatever it is."""

    code = "precondition.missing"


def entity_tag(revision: int) -> str:
    """Write a revision for the header ETag."""
    return f'"{revision}"'


async def seen(caller: Caller, if_match: Annotated[str | None, _IF_MATCH] = None) -> int | None:
    """The revision that the author saw. None: whatever it is."""
    return None if if_match is None or if_match == "*" else int(if_match.strip('"'))


async def certainly_seen(caller: Caller, if_match: Annotated[str | None, _IF_MATCH] = None) -> int | None:
    """The same, where a change without it could undo somebody else's."""
    if if_match is None:
        raise PreconditionMissing
    return await seen(caller, if_match)


Seen = Annotated[int | None, Depends(seen)]
CertainlySeen = Annotated[int | None, Depends(certainly_seen)]
