"""What requests for the history of an execution say: which attempt, which part of it, from where on."""

from typing import Annotated

from fastapi import Query

from api.executions.node_asking import PATH

Path = Annotated[
    str | None, Query(pattern=PATH, description="The path of a node run with a graph inside, or of one of its turns.")
]
