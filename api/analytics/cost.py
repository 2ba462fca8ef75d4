"""What attempts used: units of cost, seconds at work, seconds of CPU."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import pairwise

from api.analytics.asking import Range
from api.analytics.numbers import before, range_of, spent, together
from store import rollup_reading
from store.rollup_reading import Top, Which
from store.session import Session

MOST_UNITS = 50


async def cost(
    session: Session, range: Range, which: Which, points: Sequence[datetime], *, top: int, unit: str | None
) -> dict[str, object]:
    """Tell what was used in each bucket of a range and by whom, and in as much time before."""
    span, spans = [range.since, range.until], list(pairwise(before(points)))
    units = list(await rollup_reading.largest(session, before(points), which, "costs", nodes=False))[:MOST_UNITS]
    keys = ["attempts", "busy", "cpu", *units]
    most = Top("busy" if unit is None else f"c:{unit}", top)
    found = await rollup_reading.sums(session, before(points), which, kind="named", keys=keys)
    workflows = await rollup_reading.sums(session, span, which, kind="named", keys=keys, by=["workflow"], top=most)
    nodes = await rollup_reading.sums(
        session, span, which, nodes=True, kind="named", keys=keys, by=["workflow", "node"], top=most
    )
    parts = [found.get((number,), {}) for number, _ in enumerate(spans, 1)]
    return {
        **await range_of(session, range),
        "total": spent(together(parts[1:])),
        "before": spent(parts[0]),
        "workflows": [
            {"workflow": workflow, **asdict(spent(sums))}
            for (_, workflow), sums in sorted(workflows.items(), key=lambda one: (-one[1].get(most.key, 0), one[0]))
        ],
        "nodes": [
            {"workflow": workflow, "node": node, **asdict(spent(sums))}
            for (_, workflow, node), sums in sorted(nodes.items(), key=lambda one: (-one[1].get(most.key, 0), one[0]))
        ],
        "points": [
            {"from": since, "to": until, **asdict(spent(part))}
            for part, (since, until) in zip(parts[1:], spans[1:], strict=True)
        ],
    }
