"""What requests for node runs say: which ones, by what is known of them."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime

from api.dependencies import Session
from api.executions.asking import Id
from api.executions.shapes import NodeStatus
from dag import node_places
from store import plans
from store.node_run_reading import Filters

PATH = r"^[^\x00-\x1f]{1,1000}$"


async def node_filters(
    session: Session,
    id: Id,
    status: Annotated[list[NodeStatus], Query(default_factory=list, max_length=7, description="Any of them.")],
    type: Annotated[str | None, Query(pattern=r"^[a-z_.]{1,127}$", description="Of the nodes.")] = None,
    under: Annotated[
        str | None, Query(pattern=PATH, description="A path: the node run itself, and all inside it.")
    ] = None,
    inside: Annotated[
        str | None,
        Query(
            pattern=r"^[^\x00-\x1f]{0,1000}$",
            description="A path, with or without the number of a turn, or the name of a branch: what stands directly "
            "in its graphs, and nothing in theirs. Empty: what stands in the workflow's own graph.",
        ),
    ] = None,
    node: Annotated[
        str | None,
        Query(pattern=PATH, description="A node of the definition: a path without the numbers of turns."),
    ] = None,
    started_after: AwareDatetime | None = None,
    started_before: AwareDatetime | None = None,
) -> Filters:
    """What must hold of the node runs in a list."""
    places = None if node is None else [node]
    if inside is not None:
        around = node_places.place(inside)
        plan = await plans.of_execution(session, id)
        children = [each.place for each in node_places.nodes(plan) if node_places.is_inside(each, around)]
        places = children if places is None else [each for each in children if each in places]
    return Filters(
        status=status,
        type=type,
        under=under,
        within=inside or None,
        places=places,
        started_after=started_after,
        started_before=started_before,
    )


NodeFilters = Annotated[Filters, Depends(node_filters)]
