"""What requests for the history of an execution say: which attempt, which part of it, from where on."""

from typing import Annotated

import fastapi
from fastapi import Depends, Query

from api.executions.asking import ID_PATTERN, Attempt, Id
from api.executions.node_asking import PATH
from api.history.comparing import Asked
from api.parameters import Flag, Whole
from store.ids import ExecutionId
from store.logs import Filters, Level

Path = Annotated[
    str | None, Query(pattern=PATH, description="The path of a node run with a graph inside, or of one of its turns.")
]


async def log_filters(
    path: Annotated[
        str | None, Query(pattern=PATH, description="A path: lines of the node run itself, and of all inside it.")
    ] = None,
    level: Annotated[Level | None, Query(description="This one, or a graver one.")] = None,
    text: Annotated[
        str | None, Query(max_length=200, description="Parts of the message, in whatever case; all must be there.")
    ] = None,
    attempt: Annotated[
        Whole | None, Query(ge=1, lt=2**31, description="One of the attempts at the execution; otherwise all.")
    ] = None,
) -> Filters:
    """What must hold of the lines of a log."""
    return Filters(under=path, attempt=attempt, level=level, words=text)


LogFilters = Annotated[Filters, Depends(log_filters)]


async def comparison(
    *,
    id: Id,
    other: Annotated[str, fastapi.Path(pattern=ID_PATTERN, description="The id of another execution.")],
    attempt: Attempt = None,
    other_attempt: Annotated[
        Whole | None, Query(ge=1, lt=2**31, description="One of the attempts at the other one; otherwise the newest.")
    ] = None,
    differing: Annotated[Flag, Query(description="Only node runs that differ.")] = False,
) -> Asked:
    """What is compared."""
    return Asked(id, ExecutionId(other), attempt, other_attempt, differing)


Compared = Annotated[Asked, Depends(comparison)]
