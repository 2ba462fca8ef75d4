"""Starts executions in the middle of others: what was done before is taken over, those stay as they are."""

from collections.abc import Iterator

from pydantic import JsonValue

from api.executions.shapes import Rerun
from api.executions.starting import Begun, Prepared, Request, hash_of, started
from api.means import Means
from api.problems import RequestInvalid
from api.temporal_patience import soon
from dag.again import RERUN, Again
from dag.plan import PlanGraph
from dag.problems import pointer
from runtime.again import downstream, source
from runtime.starting import ready
from store import executions, ids, node_run_reading
from store.ids import ExecutionId, TenantId, WorkflowId
from store.session import session


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
        return Prepared(found, again)

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
        trigger=RERUN,
        labels=of.labels,
        rerun_of=id,
    )
    return await started(means, request, once=key is not None)


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
