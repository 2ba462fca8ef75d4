"""Makes a test of an execution that has ended: with its input, and with what came to it from outside."""

from dataclasses import dataclass

from pydantic import JsonValue

from api.means import Means
from api.testing.outcome import plan_of
from api.testing.seeing import seen, value_of
from dag.testing.recorded import RunSeen, Vote, case_of
from store.ids import ExecutionId, TenantId
from store.workflows import WorkflowUnknown


@dataclass(frozen=True)
class Made:
    """As MadeOut."""

    test: JsonValue
    masked: list[str]
    missing: list[str]


async def recorded(means: Means, tenant: TenantId, id: ExecutionId) -> Made:
    """Make it. Raises ExecutionUnknown, Unfinished, WorkflowUnknown."""
    whole = await seen(means, tenant, id)
    plan = await plan_of(means, tenant, whole.execution)
    if plan is None:
        raise WorkflowUnknown("The workflow of this execution is not there any more.")
    runs = [
        RunSeen(run.path, run.status, run.port, value_of(run.output), run.output_bytes, value_of(run.error))
        for run in whole.runs
    ]
    votes: list[Vote] = []
    asked: dict[str, tuple[float, list[str]]] = {}
    for event in whole.events:
        data = value_of(event.data)
        if not isinstance(data, dict):
            continue
        if event.type == "node.waiting" and isinstance(data.get("assignees"), list):
            assignees = data["assignees"]
            assert isinstance(assignees, list)
            asked[event.path] = event.at.timestamp(), [str(one) for one in assignees]
        elif event.type == "task.voted" and event.path in asked:
            since, assignees = asked[event.path]
            votes.append(Vote(event.path, event.at.timestamp() - since, assignees, data))
    found = whole.execution
    test, masked, missing = case_of(
        plan,
        input=value_of(found.input),
        started_at=found.started_at.isoformat(),
        status=found.status,
        output=value_of(found.output),
        error=value_of(found.error),
        runs=runs,
        votes=votes,
    )
    return Made(test, masked, missing)
