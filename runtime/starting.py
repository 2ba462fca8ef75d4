"""What every start of a stored workflow goes through, whoever asks for it: its plan, its settings, its input."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from dag.dependencies import Awaited, unmet
from dag.inputs import accepted
from dag.plan import Plan
from store import dependencies, env, plans
from store.database import Database
from store.ids import TenantId
from store.plans import PlanRow
from store.session import Session, session

_LARGE = 128 * 1024
"""Bytes of an input that takes long to check."""


@dataclass(frozen=True)
class Ready:
    """All that a start needs."""

    plan: PlanRow
    env: Mapping[str, JsonValue]
    """The settings that the plan reads, as they are now."""
    input: JsonValue
    """With its defaults filled in."""
    awaits: tuple[Awaited, ...] = ()
    """What has to succeed before it runs."""


async def ready(
    database: Database,
    tenant: TenantId,
    workflow: str,
    version: int | str | None,
    input: JsonValue,
    *,
    again: bool = False,
) -> Ready:
    """Look up a workflow (by id or name) in a version (a number, a tag, null: the newest), and check the input against
    its schema. Raises WorkflowUnknown, WorkflowUnpublished, VersionUnknown, InputInvalid, DependencyUnmet.
    `again`: it has been started before, whatever it depends on."""
    async with session(database, tenant) as s:
        found = await plans.plan(s, workflow, version)
        read = await settings_read(s, found.plan)
        depends = () if again else await dependencies.every(s, found.workflow_id)
    lacking = [each for each in depends if not each.met]
    if refused := [each.depends_on for each in lacking if each.on_unmet == "refuse"]:
        raise unmet(refused)
    awaits = tuple(Awaited(each.depends_on, each.within, each.wait_at_most) for each in lacking)
    return Ready(found, read, await _accepted(input, found), awaits)


async def ready_plan(database: Database, tenant: TenantId, found: PlanRow, input: JsonValue) -> Ready:
    """The same of a plan that is there already. Raises InputInvalid."""
    async with session(database, tenant) as s:
        read = await settings_read(s, found.plan)
    return Ready(found, read, await _accepted(input, found))


async def settings_read(session: Session, plan: Plan) -> Mapping[str, JsonValue]:
    """The settings that a plan reads, as they are now."""
    if not plan.env:
        return {}
    values = await env.values(session)
    return values if plan.env == ("*",) else {name: values[name] for name in plan.env if name in values}


async def _accepted(input: JsonValue, plan: PlanRow) -> JsonValue:
    schema = dict(plan.input)
    if len(orjson.dumps(input)) < _LARGE:
        return accepted(input, schema)
    return await asyncio.to_thread(accepted, input, schema)
