"""The graph of an execution's definition, with how the runs of each node stand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dag import node_places
from dag.node_places import Placed, PlacedEdge
from store import executions, node_run_counts, plans
from store.ids import ExecutionId
from store.node_run_counts import Counted
from store.node_run_reading import NodeRunUnknown
from store.session import Session

_NONE = Counted({}, None, None, None, None)


@dataclass(frozen=True)
class GraphNode:
    """A node of the definition, and how its runs stand."""

    place: str
    id: str
    type: str | None
    title: str | None
    inside: str | None
    part: str | None
    runs: int
    statuses: Mapping[str, int]
    started_at: datetime | None
    ended_at: datetime | None
    seconds_p50: float | None
    seconds_max: float | None
    errors: Mapping[str, int]


@dataclass(frozen=True)
class Graph:
    """Nodes and edges; nodes around stand before those inside."""

    workflow: str
    version: int
    attempt: int
    path: str | None
    nodes: Sequence[GraphNode]
    edges: Sequence[PlacedEdge]


async def graph(session: Session, id: ExecutionId, *, attempt: int | None, path: str | None) -> Graph:
    """Draw all of it, or what is inside a path. Raises ExecutionUnknown, AttemptUnknown, VersionUnknown,
    NodeRunUnknown."""
    number = await executions.attempt(session, id, attempt)
    plan = await plans.of_execution(session, id)
    around = None if path is None else node_places.place(path)
    placed = [each for each in node_places.nodes(plan) if around is None or each.place.startswith(f"{around}.")]
    if path is not None and not placed:
        raise NodeRunUnknown(f"No node has a graph at `{path}`.")
    counted = await node_run_counts.by_place(session, id, attempt=number, under=path)
    nodes = [_node(each, counted.pop(each.place, _NONE)) for each in placed]
    nodes += [_unplanned(place, each) for place, each in counted.items()]
    known = {each.place for each in placed}
    edges = [edge for edge in node_places.edges(plan) if edge.source in known]
    return Graph(plan.workflow, plan.version, number, path, nodes, edges)


def _node(placed: Placed, counted: Counted) -> GraphNode:
    node = placed.node
    return GraphNode(placed.place, node.id, node.type, node.title, placed.inside, placed.part, **_states(counted))


def _unplanned(place: str, counted: Counted) -> GraphNode:
    return GraphNode(place, place, None, None, None, None, **_states(counted))


def _states(counted: Counted) -> dict[str, Any]:
    return {"runs": sum(counted.statuses.values()), **vars(counted)}
