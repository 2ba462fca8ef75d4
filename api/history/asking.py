"""What requests for the history of an execution say: which attempt, which part of it, from where on."""

from typing import Annotated

from fastapi import Depends, Query

from api.executions.node_asking import PATH
from api.parameters import Whole
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
