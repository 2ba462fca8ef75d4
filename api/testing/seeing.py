"""Reads what assertions and coverage see of an execution."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from api.executions.temporal_word import with_output
from api.means import Means
from dag.errors import PerdureError
from dag.events import ENDS
from dag.plan import Plan
from dag.testing.coverage import Went
from dag.testing.places import definition_path
from dag.testing.scope import EventSeen, NodeSeen, scope_of
from store import events, executions, node_run_reading
from store.events import Event
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.node_run_reading import Filters, NodeRun
from store.session import Session, session

MOST_RUNS = 10_000
MOST_EVENTS = 20_000
PAGE = 500


class Unfinished(PerdureError):
    """The execution has not ended."""

    code = "execution.unfinished"


@dataclass(frozen=True)
class Seen:
    """An execution that has ended, with what it did."""

    execution: Execution
    runs: Sequence[NodeRun]
    events: Sequence[Event]
    truncated: bool

    @property
    def went(self) -> list[Went]:
        """The node runs, as far as coverage asks."""
        return [Went(run.path, run.status, run.port) for run in self.runs]

    def scope(self, plan: Plan | None) -> dict[str, JsonValue]:
        """What assertions see. Without a plan, nodes go by the paths of their runs."""
        ended = next((each for each in reversed(self.events) if each.type in ENDS), None)
        told = {} if ended is None else value_of(ended.data)
        told = told if isinstance(told, dict) else {}
        duration = told.get("duration")
        found = self.execution
        if not isinstance(duration, int | float):
            closed = found.closed_at or found.started_at
            duration = (closed - found.started_at).total_seconds()
        scope = scope_of(
            status=found.status,
            input=value_of(found.input),
            output=value_of(found.output),
            error=value_of(found.error),
            duration=duration,
            nodes=[_node(run, plan) for run in self.runs],
            events=[EventSeen(one.type, one.path, one.at.isoformat(), value_of(one.data)) for one in self.events],
        )
        return {**scope, "vars": told.get("vars", {})}


async def seen(means: Means, tenant: TenantId, id: ExecutionId) -> Seen:
    """Read all of it, within bounds. Raises ExecutionUnknown, Unfinished."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
        if found.closed_at is None:
            raise Unfinished
        runs = await _runs(s, found)
        entries = await _events(s, id)
    whole = await with_output(means, tenant, found)
    return Seen(whole, runs, entries, len(runs) >= MOST_RUNS or len(entries) >= MOST_EVENTS)


def value_of(fragment: orjson.Fragment | None) -> JsonValue:
    """Stored JSON as a value."""
    return None if fragment is None else orjson.loads(orjson.dumps(fragment))


async def _runs(session: Session, found: Execution) -> list[NodeRun]:
    rows: list[NodeRun] = []
    while len(rows) < MOST_RUNS:
        after = rows[-1].seq if rows else 0
        more = await node_run_reading.page(session, found.id, Filters(), attempt=found.attempt, after=after, limit=PAGE)
        rows += more
        if len(more) < PAGE:
            break
    return rows


async def _events(session: Session, id: ExecutionId) -> list[Event]:
    rows: list[Event] = []
    while len(rows) < MOST_EVENTS:
        more = await events.page(session, id, since=rows[-1].seq if rows else 0, limit=PAGE)
        rows += more
        if len(more) < PAGE:
            break
    return rows


def _node(run: NodeRun, plan: Plan | None) -> NodeSeen:
    name = None if plan is None else definition_path(plan.graph, run.path)
    return NodeSeen(
        run.path, name or run.path, run.status, run.port, value_of(run.output), value_of(run.error), run.mocked
    )
