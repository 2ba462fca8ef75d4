"""Which workflows depend on others, whether those have succeeded lately, and who waits for that."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from dag.dependencies import Awaited, OnUnmet, circle
from dag.errors import PerdureError
from store import workflows
from store.arrays import array
from store.ids import ExecutionId
from store.session import Session
from store.tables.workflows import WorkflowRow

MOST = 50
"""Workflows that one may depend on."""


class DependencyUnknown(PerdureError):
    """The workflow does not depend on this one."""

    code = "dependency.unknown"


class DependencyCircular(PerdureError):
    """The dependency would make a circle, in which no workflow could start."""

    code = "dependency.refused"


class TooManyDependencies(PerdureError):
    """A workflow depends on 50 others at most."""

    code = "limit.dependencies"


@dataclass(frozen=True)
class Wanted:
    """What is said of a dependency."""

    depends_on: str
    """The id or the name of a workflow."""
    within: float
    """Seconds."""
    on_unmet: OnUnmet
    wait_at_most: float | None


@dataclass(frozen=True)
class Dependency:
    """A workflow that another one depends on."""

    depends_on: str
    """Its name."""
    within: float
    on_unmet: OnUnmet
    wait_at_most: float | None
    created_at: datetime
    met: bool
    """Whether it has succeeded lately."""


async def put(session: Session, workflow: WorkflowRow, wanted: Wanted) -> tuple[Dependency, bool]:
    """Let a workflow depend on another one, or change how; and whether it is new. Raises WorkflowUnknown,
    DependencyCircular, TooManyDependencies. Those of a tenant who ask at once come one after the other."""
    await session.sql.execute(_ONE_AT_A_TIME)
    other = await check(session, workflow, wanted)
    values = {"workflow": workflow.id, "other": other.id, "within": wanted.within, "on_unmet": wanted.on_unmet}
    made = (await session.sql.execute(_PUT, {**values, "wait_at_most": wanted.wait_at_most})).scalar_one()
    (found,) = [each for each in await every(session, workflow.id) if each.depends_on == other.name]
    return found, made


async def check(session: Session, workflow: WorkflowRow, wanted: Wanted) -> WorkflowRow:
    """The workflow that is depended on. Raises as `put` does."""
    other = await workflows.find(session, wanted.depends_on)
    edges: dict[str, list[str]] = {}
    names = {workflow.id: workflow.name, other.id: other.name}
    for row in await session.sql.execute(_EDGES):
        edges.setdefault(row.workflow_id, []).append(row.depends_on)
        names |= {row.workflow_id: row.workflow, row.depends_on: row.other}
    way = circle(edges, workflow.id, other.id)
    if way is not None:
        said = " → ".join(f"`{names[id]}`" for id in (workflow.id, *way))
        raise DependencyCircular(f"This would make a circle, in which no workflow could start: {said}.")
    own = edges.get(workflow.id, [])
    if other.id not in own and len(own) >= MOST:
        raise TooManyDependencies
    return other


async def every(session: Session, workflow: str) -> Sequence[Dependency]:
    """All that a workflow (by its id) depends on, by name."""
    return [Dependency(*row) for row in await session.sql.execute(_EVERY, {"workflow": workflow})]


async def remove(session: Session, workflow: WorkflowRow, other: str) -> None:
    """Let a workflow no longer depend on another one, by its id or name. Raises DependencyUnknown, WorkflowUnknown."""
    found = await workflows.find(session, other)
    if (await session.sql.execute(_REMOVE, {"workflow": workflow.id, "other": found.id})).first() is None:
        raise DependencyUnknown(f"`{workflow.name}` does not depend on `{found.name}`.")


async def wait(session: Session, execution: ExecutionId, awaited: Sequence[Awaited]) -> None:
    """Note what an execution waits for. Commit it before asking what is unmet, or a success may be missed."""
    values = {"names": array(each.workflow for each in awaited), "within": array(each.within for each in awaited)}
    await session.sql.execute(_WAIT, {**values, "execution": execution})


async def unmet(session: Session, awaited: Sequence[Awaited]) -> list[str]:
    """The names of those that have not succeeded lately."""
    values = {"names": array(each.workflow for each in awaited), "within": array(each.within for each in awaited)}
    return [*await session.sql.scalars(_UNMET, values)]


async def wait_no_longer(session: Session, execution: ExecutionId) -> None:
    """An execution waits no longer."""
    await session.sql.execute(_WAIT_NO_LONGER, {"execution": execution})


async def waiting_for(session: Session, succeeded: Sequence[str]) -> list[ExecutionId]:
    """Who waits for the workflows of executions that have succeeded."""
    found = await session.sql.scalars(_WAITING_FOR, {"ids": array(succeeded)})
    return [ExecutionId(id) for id in found]


async def to_wake(session: Session, *, limit: int) -> list[ExecutionId]:
    """Executions that wait for something which has happened."""
    return [ExecutionId(id) for id in await session.sql.scalars(_TO_WAKE, {"limit": limit})]


async def remove_closed(session: Session) -> None:
    """Nobody waits in executions that have ended."""
    await session.sql.execute(_REMOVE_CLOSED)


_ONE_AT_A_TIME = text("select pg_advisory_xact_lock(hashtext('perdure dependencies'), hashtext(current_tenant()))")
_EDGES = text("""
select d.workflow_id, d.depends_on, w.name as workflow, o.name as other
from workflow_dependencies d
join workflows w on w.id = d.workflow_id join workflows o on o.id = d.depends_on
""")
_PUT = text("""
insert into workflow_dependencies (workflow_id, depends_on, within, on_unmet, wait_at_most)
values (:workflow, :other, :within, :on_unmet, :wait_at_most)
on conflict on constraint workflow_dependencies_pkey do update
set within = excluded.within, on_unmet = excluded.on_unmet, wait_at_most = excluded.wait_at_most
returning xmax = 0
""")
_EVERY = text("""
select o.name, d.within, d.on_unmet, d.wait_at_most, d.created_at, exists (
    select 1 from executions e
    where e.workflow = o.name and e.status = 'succeeded' and e.trigger <> 'test'
        and e.closed_at > clock_timestamp() - d.within * interval '1 second' and e.started_at >= o.created_at)
from workflow_dependencies d join workflows o on o.id = d.depends_on
where d.workflow_id = :workflow order by o.name
""")
_REMOVE = text("delete from workflow_dependencies where workflow_id = :workflow and depends_on = :other returning 1")
_WAIT = text("""
insert into dependency_waits (execution_id, workflow, within)
select :execution, awaited.name, awaited.within
from unnest(cast(:names as text[]), cast(:within as float8[])) as awaited (name, within)
on conflict do nothing
""")
_UNMET = text("""
select awaited.name from unnest(cast(:names as text[]), cast(:within as float8[])) as awaited (name, within)
where not exists (
    select 1 from executions e
    where e.workflow = awaited.name and e.status = 'succeeded' and e.trigger <> 'test'
        and e.closed_at > clock_timestamp() - awaited.within * interval '1 second')
order by awaited.name
""")
_WAIT_NO_LONGER = text("delete from dependency_waits where execution_id = :execution")
_WAITING_FOR = text("""
select distinct w.execution_id from dependency_waits w join executions e on e.workflow = w.workflow
where e.id = any(cast(:ids as text[])) and e.status = 'succeeded' and e.trigger <> 'test'
""")
_TO_WAKE = text("""
select distinct w.execution_id from dependency_waits w
where exists (
    select 1 from executions e
    where e.workflow = w.workflow and e.status = 'succeeded' and e.trigger <> 'test'
        and e.closed_at > clock_timestamp() - w.within * interval '1 second')
limit :limit
""")
_REMOVE_CLOSED = text("""
delete from dependency_waits as w using executions as e where e.id = w.execution_id and e.closed_at is not null
""")
