"""How long executions and node runs took."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from api.analytics.asking import Range
from api.analytics.numbers import MICROSECONDS, counts, range_of, statuses
from store import rollup_reading
from store.durations import Durations, durations
from store.rollup_reading import Group, Sums, Top, Which
from store.session import Session

HOLDING = frozenset({"for_each", "while", "repeat", "parallel", "try", "workflow"})
"""Their time is that of what they hold."""
PATIENT = frozenset({"delay", "approval", "ask", "wait_event"})
"""Their time is what somebody else needs, or was told to wait."""
BOTTLENECKS = 10
READ = 150
"""Nodes with most time that are looked at, so that bottlenecks are among them however many loops there are."""


@dataclass(frozen=True)
class TimedNode:
    """How long runs of a node took."""

    workflow: str
    node: str
    type: str | None
    runs: int
    by_status: Mapping[str, int]
    cached: int
    durations: Durations
    seconds: float
    attempts: int
    retries: int
    busy_seconds: float | None
    waiting_share: float | None
    cpu_seconds: float | None


@dataclass(frozen=True)
class Timed:
    """How long executions took."""

    closed: int
    success_rate: float | None
    durations: Durations | None


async def performance(session: Session, range: Range, which: Which, top: int) -> dict[str, object]:
    """Tell how long executions and nodes of a range took."""
    span = [range.since, range.until]
    most = Top("time", top)
    versions = await rollup_reading.sums(session, span, which, kind="durations", by=["workflow", "version"], top=most)
    workflows = await rollup_reading.sums(session, span, which, kind="durations", by=["workflow"], top=most)
    total = (await rollup_reading.sums(session, span, which, kind="durations")).get((1,), {})
    longest = await rollup_reading.ranked(session, span, which, Top("time", READ), nodes=True, by=["workflow", "node"])
    nodes = await _nodes(session, span, which, longest[: top + BOTTLENECKS])
    if sum(map(_works, nodes)) < BOTTLENECKS:
        nodes += await _nodes(session, span, which, longest[top + BOTTLENECKS :])
    nodes.sort(key=lambda node: (-node.seconds, node.workflow, node.node))
    return {
        **await range_of(session, range),
        "executions": durations(total),
        "workflows": [{"workflow": w, **asdict(_timed(sums))} for (_, w), sums in _by_time(workflows)],
        "versions": [{"workflow": w, "version": v, **asdict(_timed(sums))} for (_, w, v), sums in _by_time(versions)],
        "nodes": nodes[:top],
        "bottlenecks": _bottlenecks(nodes, total),
    }


def _by_time(
    found: Mapping[Group, Sums],
) -> Sequence[tuple[Group, Sums]]:
    return sorted(found.items(), key=lambda one: (-one[1].get("time", 0), one[0]))


async def _nodes(session: Session, span: Sequence[datetime], which: Which, named: Sequence[Group]) -> list[TimedNode]:
    """How long nodes took, those of which anything is known."""
    found = await rollup_reading.sums(
        session, span, which, nodes=True, kind="durations", by=["workflow", "node"], among=named
    )
    return [
        _node(str(workflow), str(node), sums, took)
        for (_, workflow, node), sums in found.items()
        if (took := durations(sums)) is not None
    ]


def _works(node: TimedNode) -> bool:
    return node.type not in HOLDING | PATIENT


def _type(sums: Sums) -> str | None:
    types = sorted((-n, key.removeprefix("t:")) for key, n in sums.items() if key.startswith("t:"))
    return types[0][1] if types else None


def _timed(sums: Sums) -> Timed:
    told = counts(sums)
    return Timed(told.closed, told.success_rate, durations(sums))


def _node(workflow: str, node: str, sums: Sums, took: Durations) -> TimedNode:
    by_status, time, attempts = statuses(sums), sums.get("time", 0), sums.get("attempts", 0)
    busy = sums.get("busy") if attempts else None
    return TimedNode(
        workflow=workflow,
        node=node,
        type=_type(sums),
        runs=sum(by_status.values()),
        by_status=by_status,
        cached=sums.get("cached", 0),
        durations=took,
        seconds=time / MICROSECONDS,
        attempts=attempts,
        retries=sums.get("retries", 0),
        busy_seconds=None if busy is None else busy / MICROSECONDS,
        waiting_share=None if busy is None or not time else max(0.0, 1 - busy / time),
        cpu_seconds=None if "cpu" not in sums else sums["cpu"] / MICROSECONDS,
    )


def _bottlenecks(nodes: Sequence[TimedNode], total: Sums) -> list[dict[str, object]]:
    """Nodes that work, by how much of the time of executions is theirs."""
    time = total.get("time", 0) / MICROSECONDS
    working = [*filter(_works, nodes)]
    return [{**asdict(node), "share": node.seconds / time if time else None} for node in working[:BOTTLENECKS]]
