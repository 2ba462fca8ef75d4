"""The timeline of an execution, a page at a time: what stands directly in a graph, or the turns of a loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dag import node_places
from dag.node_places import LOOPS, Placed
from store import executions, node_run_counts, node_run_reading, plans, timeline
from store.attempts import Attempt
from store.ids import ExecutionId
from store.node_run_counts import Counted
from store.node_run_reading import Filters, NodeRunUnknown
from store.session import Session
from store.timeline import Span, Turn


@dataclass(frozen=True)
class Bar:
    """A line of the picture: a node run, or a turn of a loop."""

    kind: Literal["node", "turn"]
    path: str
    type: str | None
    status: str | None
    started_at: datetime | None
    ended_at: datetime | None
    spans: Sequence[Span]
    attempts: Sequence[Attempt]
    statuses: Mapping[str, int] | None
    place: int
    """Where it stands in the list."""


async def bars(
    session: Session, id: ExecutionId, *, path: str | None, attempt: int | None, after: int | None, limit: int
) -> list[Bar]:
    """What stands directly in the document's graph or in that of a node run; of a loop its turns, and of a turn what
    stands in it. Raises ExecutionUnknown, AttemptUnknown, VersionUnknown, NodeRunUnknown."""
    number = await executions.attempt(session, id, attempt)
    placed = [*node_places.nodes(await plans.of_execution(session, id))]
    around = node_places.place(path or "")
    holder = next((each for each in placed if each.place == around), None)
    if path is not None and holder is not None and holder.node.type in LOOPS and not path.endswith("]"):
        last = -1 if after is None else after
        found = await timeline.turns(session, id, attempt=number, path=path, after=last, limit=limit)
        return [_turn(path, each) for each in found]
    children = [each for each in placed if node_places.is_inside(each, around)]
    if path is not None and not children:
        raise NodeRunUnknown(f"No node has a graph at `{path}`.")
    filters = Filters(within=path, places=[each.place for each in children])
    runs = await node_run_reading.page(session, id, filters, attempt=number, after=after or 0, limit=limit)
    times = await timeline.times(session, id, runs, attempt=number)
    inside = await _inside(session, id, number, children, path) if runs else {}
    return [
        Bar(
            kind="node",
            path=run.path,
            type=run.type,
            status=run.status,
            started_at=run.started_at,
            ended_at=run.ended_at,
            spans=times[run.path].spans,
            attempts=times[run.path].attempts,
            statuses=inside.get(node_places.place(run.path)),
            place=run.seq,
        )
        for run in runs
    ]


async def _inside(
    session: Session, id: ExecutionId, attempt: int, children: Sequence[Placed], path: str | None
) -> dict[str, dict[str, int]]:
    """How the node runs stand that are anywhere inside the nodes with graphs; not across the turns of a loop around,
    in which a page may hold many runs of one node."""
    holders = [each.place for each in children if each.node.graphs]
    if not holders:
        return {}
    counted = await node_run_counts.by_place(session, id, attempt=attempt, under=path)
    return {holder: _sum(counted, holder) for holder in holders}


def _sum(counted: Mapping[str, Counted], holder: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, each in counted.items():
        if place.startswith(f"{holder}."):
            for status, count in each.statuses.items():
                found[status] = found.get(status, 0) + count
    return found


def _turn(path: str, turn: Turn) -> Bar:
    status = next(
        (each for each in ("running", "waiting", "failed", "cancelled") if each in turn.statuses), "succeeded"
    )
    ended = None if status in ("running", "waiting") else turn.ended_at
    at = f"{path}[{turn.turn}]"
    return Bar("turn", at, None, status, turn.started_at, ended, [], [], turn.statuses, turn.turn)
