"""Starts executions that are tests."""

import asyncio
import hashlib
from dataclasses import dataclass, replace

import orjson
from pydantic import JsonValue

from api.executions.ending import awaited
from api.executions.starting import name_of
from api.means import Means
from api.temporal_patience import soon
from api.testing.shapes import DefinitionRunIn, RunIn
from dag import publish
from dag.draft import DefinitionInvalid, Document
from dag.testing.case import CaseIn
from dag.testing.mode import TRIGGER, for_test
from dag.testing.preparing import prepared
from interpreter.start import Start
from runtime.executions import start
from runtime.patience import patiently
from runtime.starting import ready_plan
from store import drafts, executions, ids, plans, surroundings, test_cases, test_runs, versions, workflows
from store.executions import Execution, Started
from store.ids import TenantId, WorkflowId
from store.plans import PlanRow
from store.session import session
from store.tenants import Holder

DRAFT = "draft"
_PATIENCE = 5.0


@dataclass(frozen=True)
class Subject:
    """What is tested."""

    id: WorkflowId | None
    """Null: a definition that nobody keeps."""
    row: PlanRow
    suite: int
    """The version whose tests go with it; that of the draft is 0."""
    content: str | None = None
    """The hash of a draft, by which it is known whether it has changed."""


async def subject(means: Means, tenant: TenantId, workflow: str, version: int | str | None) -> Subject:
    """Find a workflow in a version, or its draft. Raises DefinitionInvalid if that could not be published."""
    async with session(means.database, tenant) as s:
        found = await workflows.find(s, workflow)
        id = WorkflowId(found.id)
        if version not in (None, DRAFT):
            number = await versions.number(s, found, version)
            return Subject(id, await plans.plan(s, found.id, number), number)
        document = (await drafts.newest(s, found)).document
    row, content = await _compiled(means, tenant, document, id)
    return Subject(id, row, test_cases.DRAFT, content)


async def definition(means: Means, tenant: TenantId, document: Document) -> Subject:
    """A definition as it would be published. Raises DefinitionInvalid."""
    row, _ = await _compiled(means, tenant, document, None)
    return Subject(None, row, test_cases.DRAFT)


async def kept(means: Means, tenant: TenantId, found: Subject, asked: RunIn) -> CaseIn:
    """The test that is asked for: what is kept under its name, with what stands in the request."""
    said = {name: value for name, value in asked.model_dump(exclude_unset=True).items() if name in CaseIn.model_fields}
    if asked.name is None or found.id is None:
        return CaseIn.model_validate(said)
    async with session(means.database, tenant) as s:
        case = await test_cases.find(s, found.id, found.suite, asked.name)
    assert isinstance(case.document, dict)
    return CaseIn.model_validate({**case.document, **said})


def plain(asked: DefinitionRunIn) -> CaseIn:
    """The test without what it is of."""
    return CaseIn.model_validate(asked.model_dump(exclude_unset=True, exclude={"definition"}))


async def begin(
    means: Means, caller: Holder, found: Subject, case: CaseIn, *, name: str | None, seconds: float
) -> Execution:
    """Start a test, and wait for its end so long. Raises CaseInvalid, InputInvalid."""
    tenant = caller.tenant
    by = await name_of(means, caller)
    mode = await asyncio.to_thread(prepared, case, found.row.plan, catalog=means.catalog)
    plan = for_test(found.row.plan, case.vars)
    ready = await ready_plan(means.database, tenant, replace(found.row, plan=plan), case.input)
    given = {key: value for key, value in case.env.items() if plan.env == ("*",) or key in plan.env}
    id = ids.execution()
    client = await means.temporal.client()
    begin = Start(input=ready.input, env={**ready.env, **given}, trigger=TRIGGER, started_by=by, test=mode)
    await soon(start(client, plan, begin, tenant=tenant, execution=id, queue=means.settings.queue))
    started = Started(
        id=id,
        workflow_id=found.id,
        workflow=found.row.name,
        version=found.row.version,
        trigger=TRIGGER,
        labels={},
        input=orjson.dumps(ready.input),
        request_hash=None,
    )
    execution = await patiently(lambda: executions.keep(means.database, tenant, started), within=_PATIENCE)
    document: JsonValue = {"name": name, "test": case.model_dump(mode="json", exclude_unset=True)}
    async with session(means.database, tenant) as s:
        await test_runs.keep(s, id, document, plan, digest=digest_of(found, name, case))
    if execution.closed_at is None and seconds:
        execution = await awaited(means, tenant, id, seconds=seconds)
    return execution


def digest_of(found: Subject, name: str | None, case: CaseIn) -> bytes | None:
    """By which the run of a kept test is found again; None: it is none, or not of a draft."""
    if found.id is None or found.content is None or name is None:
        return None
    said: JsonValue = [found.id, found.content, name, case.model_dump(mode="json", exclude_unset=True)]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).digest()


async def _compiled(means: Means, tenant: TenantId, document: Document, id: WorkflowId | None) -> tuple[PlanRow, str]:
    async with session(means.database, tenant) as s:
        around = await surroundings.around(s)
    made = await asyncio.to_thread(
        publish.publish, document, version=test_cases.DRAFT, catalog=means.catalog, surroundings=around
    )
    if isinstance(made, publish.Refused):
        raise DefinitionInvalid(made.problems)
    schema = document.get("input")
    row = PlanRow(
        id or WorkflowId(""),
        made.plan.workflow,
        test_cases.DRAFT,
        made.plan,
        schema if isinstance(schema, dict) else {},
    )
    return row, made.definition.content_hash()
