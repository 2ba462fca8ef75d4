"""The plans of versions, as executions are started with them: opened and decoded once a process."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from pydantic import JsonValue
from sqlmodel import col, select

from dag.plan import Plan, decode
from store import test_cases, test_runs, versions, workflows
from store.executions import ExecutionUnknown
from store.ids import ExecutionId, WorkflowId
from store.session import Session
from store.tables.executions import ExecutionRow
from store.tables.workflows import VersionRow
from store.versions import VersionUnknown

_MOST_BYTES = 64 * 1024 * 1024
"""Of encoded plans whose decoded ones are kept in a process."""
_LARGE = 128 * 1024


@dataclass(frozen=True)
class PlanRow:
    """What starts an execution."""

    workflow_id: WorkflowId
    name: str
    version: int
    plan: Plan
    input: Mapping[str, JsonValue]
    """The JSON Schema of the input."""


async def plan(session: Session, workflow: str, version: int | str | None = None) -> PlanRow:
    """The plan of a workflow (by id or name) in a version: its number, a tag, or the newest."""
    found = await workflows.head(session, workflow)
    number = await versions.number(session, found, version)
    return await numbered(session, WorkflowId(found.id), found.name, number)


async def of_execution(session: Session, id: ExecutionId) -> Plan:
    """The plan that an execution runs; that of a draft's test is kept with it. Raises ExecutionUnknown, VersionUnknown,
    NoTest."""
    row = ExecutionRow
    query = select(col(row.workflow_id), col(row.workflow), col(row.version)).where(col(row.id) == id)
    found = (await session.sql.execute(query)).first()
    if found is None:
        raise ExecutionUnknown(f"There is no execution `{id}`.")
    if found[2] == test_cases.DRAFT:
        return (await test_runs.find(session, id)).plan
    return (await numbered(session, WorkflowId(found[0] or ""), found[1], found[2])).plan


async def numbered(session: Session, workflow: WorkflowId, name: str, number: int) -> PlanRow:
    """The plan of a version by its number, also of a workflow that has been deleted. Raises VersionUnknown."""
    kept = _KEPT.find(workflow, number)
    if kept is not None:
        return kept
    query = select(col(VersionRow.plan), col(VersionRow.document)).where(
        col(VersionRow.workflow_id) == workflow, col(VersionRow.version) == number
    )
    row = (await session.sql.execute(query)).first()
    if row is None:
        raise VersionUnknown(f"`{name}` has no version `{number}`.")
    encoded, document = session.seal.open(row[0]), session.seal.open(row[1])
    decoded = decode(encoded) if len(encoded) < _LARGE else await asyncio.to_thread(decode, encoded)
    schema = orjson.loads(document).get("input", {})
    made = PlanRow(workflow, name, number, decoded, schema)
    _KEPT.keep(made, len(encoded))
    return made


class _Kept:
    """The plans used last. Versions never change, and ids of workflows are unique over all tenants."""

    def __init__(self) -> None:
        self._rows: OrderedDict[tuple[str, int], tuple[PlanRow, int]] = OrderedDict()
        self._bytes = 0

    def find(self, workflow: str, version: int) -> PlanRow | None:
        key = (workflow, version)
        if key not in self._rows:
            return None
        self._rows.move_to_end(key)
        return self._rows[key][0]

    def keep(self, row: PlanRow, size: int) -> None:
        key = (row.workflow_id, row.version)
        if key in self._rows:
            return
        self._rows[key] = (row, size)
        self._bytes += size
        while self._bytes > _MOST_BYTES and len(self._rows) > 1:
            self._bytes -= self._rows.popitem(last=False)[1][1]


_KEPT = _Kept()
