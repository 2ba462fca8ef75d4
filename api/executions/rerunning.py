"""Starts executions in the middle of others: what was done before is taken over, those stay as they are."""

from collections.abc import Iterator

from pydantic import JsonValue

from api.executions.shapes import Rerun
from api.executions.starting import Begun, Prepared, Request, hash_of, started
from api.means import Means
from api.problems import RequestInvalid
from api.temporal_patience import soon
from dag.again import RERUN, Again
from dag.errors import PerdureError
from dag.plan import PlanGraph
from dag.problems import pointer
from dag.testing.mode import TRIGGER
from runtime.again import Source, downstream, source
from runtime.starting import Ready, ready
from store import executions, ids, node_run_reading, test_runs
from store.executions import Execution
from store.ids import ExecutionId, TenantId, WorkflowId
from store.plans import PlanRow
from store.session import session


class TestRerunRefused(PerdureError):
    """A rerun of a test is a test of the same, with the same input, mocks and settings. For another version or another
    input, run another test."""

    code = "test.rerun_refused"
    __test__ = False


async def rerun(
    means: Means, tenant: TenantId, id: ExecutionId, asked: Rerun, *, by: str, reason: str | None, key: str | None
) -> Begun:
    """Start a rerun. With a key, only once."""
    async with session(means.database, tenant) as s:
        of = await executions.find(s, id)

    async def prepare(version: int | None) -> Prepared:
        client = await means.temporal.client()
        before = await soon(source(client, tenant, id))
        given = "input" in asked.model_fields_set
        input = asked.input if given else before.begun.start.input
        test = before.begun.start.test
        if test is not None:
            _check_test(asked, before.plan.version)
            found = _tested(of, before, input)
        else:
            which = version or asked.version or before.plan.version
            found = await ready(means.database, tenant, of.workflow_id or of.workflow, which, input, again=True)
        graph = found.plan.plan.graph
        known = [name for name in asked.begin if name in graph.place]
        anew = downstream(graph, tuple(known))
        async with session(means.database, tenant) as s:
            done = await node_run_reading.done(s, id, [*asked.outputs])
        if problems := [*_problems(asked, graph, {*anew}, {*done})]:
            raise RequestInvalid(problems)
        again = Again(
            "rerun",
            id,
            before.described.run_id,
            by,
            reason,
            tuple(asked.begin),
            anew,
            outputs=asked.outputs,
            vars=asked.vars,
        )
        return Prepared(found, again, test)

    said: JsonValue = [
        [*asked.begin],
        asked.version,
        asked.input,
        "input" in asked.model_fields_set,
        {**asked.outputs},
        {**asked.vars},
    ]
    request = Request(
        tenant,
        ids.execution() if key is None else ids.repeatable_execution(tenant, WorkflowId(f"rerun {id}"), key),
        hash_of(said),
        by=by,
        prepare=prepare,
        trigger=TRIGGER if of.trigger == TRIGGER else RERUN,
        labels=of.labels,
        rerun_of=id,
    )
    begun = await started(means, request, once=key is not None)
    if of.trigger == TRIGGER:
        async with session(means.database, tenant) as s:
            await test_runs.copy(s, id, begun.execution.id)
    return begun


def _check_test(asked: Rerun, version: int) -> None:
    if asked.version not in (None, version) or "input" in asked.model_fields_set:
        raise TestRerunRefused


def _tested(of: Execution, before: Source, input: JsonValue) -> Ready:
    """What a test ran, which may be a draft that has changed since, with the settings that it had."""
    plan = before.plan
    row = PlanRow(WorkflowId(of.workflow_id or ""), plan.workflow, plan.version, plan, {})
    return Ready(row, before.begun.start.env, input)


def _problems(asked: Rerun, graph: PlanGraph, anew: set[str], done: set[str]) -> Iterator[JsonValue]:
    """All that keeps nodes from being taken over as it is asked for."""
    for number, name in enumerate(asked.begin):
        if name not in graph.place:
            yield _flaw("unknown_node", ["from", number], f"The version has no node `{name}` in its own graph.")
    for name in asked.outputs:
        if name not in graph.place:
            yield _flaw("unknown_node", ["outputs", name], f"The version has no node `{name}` in its own graph.")
        elif name in anew:
            yield _flaw("not_reused", ["outputs", name], f"`{name}` runs again: its output is not known before.")
        elif name not in done:
            yield _flaw("not_reused", ["outputs", name], f"`{name}` has not succeeded: there is nothing to reuse.")
    declared = {} if graph.vars is None or not isinstance(graph.vars.value, dict) else graph.vars.value
    for name in asked.vars:
        if name not in declared:
            yield _flaw("unknown_variable", ["vars", name], f"The version declares no variable `{name}`.")


def _flaw(code: str, path: list[str | int], message: str) -> JsonValue:
    return {"code": code, "in": "body", "path": pointer(path), "message": message}
