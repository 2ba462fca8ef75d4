"""Tells how a test came out: what it asserts is asked anew each time, of what the journal says."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from api.means import Means
from api.testing.seeing import Seen, seen
from dag import expressions
from dag.errors import PerdureError, matches
from dag.plan import Plan
from dag.testing.assertions import Asserted, asked
from dag.testing.case import AssertionIn, CaseIn
from dag.testing.coverage import Coverage, coverage
from dag.testing.places import definition_path
from dag.testing.refusals import FAMILY, Unmocked
from store import executions, plans, test_runs
from store.executions import Execution
from store.ids import ExecutionId, TenantId
from store.session import session


@dataclass(frozen=True)
class Covered:
    """As CoverageOut."""

    nodes: dict[str, bool]
    edges: dict[str, bool]
    percent: float


@dataclass(frozen=True)
class Outcome:
    """As OutcomeOut."""

    name: str | None
    passed: bool | None
    execution: str
    status: str
    output: orjson.Fragment | None
    error: orjson.Fragment | None
    assertions: list[JsonValue]
    coverage: Covered
    unmocked: list[str]
    truncated: bool


@dataclass(frozen=True)
class Verdict:
    """As VerdictOut."""

    passed: bool
    assertions: list[JsonValue]


async def outcome(means: Means, tenant: TenantId, id: ExecutionId) -> Outcome:
    """How a test came out, or that it goes on. Raises ExecutionUnknown, NoTest."""
    async with session(means.database, tenant) as s:
        found = await executions.find(s, id)
        run = await test_runs.find(s, id)
    assert isinstance(run.document, dict)
    name, case = run.document["name"], CaseIn.model_validate(run.document["test"])
    named = name if isinstance(name, str) else None
    if found.closed_at is None:
        return _open(named, found, run.plan)
    whole = await seen(means, tenant, id)
    asserted = await asyncio.to_thread(asked, case.assertions, whole.scope(run.plan))
    ended = whole.execution
    return Outcome(
        named,
        _passed(case.assertions, asserted, whole),
        ended.id,
        ended.status,
        ended.output,
        ended.error,
        [_shown(each) for each in asserted],
        covered(coverage(run.plan, whole.went)),
        _unmocked(whole, run.plan),
        whole.truncated,
    )


async def validated(means: Means, tenant: TenantId, id: ExecutionId, assertions: Sequence[AssertionIn]) -> Verdict:
    """Ask assertions of any execution that has ended. Raises ExecutionUnknown, Unfinished."""
    whole = await seen(means, tenant, id)
    plan = await plan_of(means, tenant, whole.execution)
    asserted = await asyncio.to_thread(asked, assertions, whole.scope(plan))
    return Verdict(all(each.passed for each in asserted), [_shown(each) for each in asserted])


async def plan_of(means: Means, tenant: TenantId, execution: Execution) -> Plan | None:
    """What an execution ran; None: its workflow is deleted."""
    async with session(means.database, tenant) as s:
        try:
            return (await test_runs.find(s, execution.id)).plan
        except test_runs.NoTest:
            pass
        if execution.workflow_id is None:
            return None
        try:
            return (await plans.plan(s, execution.workflow_id, execution.version)).plan
        except PerdureError:
            return None


def covered(found: Coverage) -> Covered:
    """As it is told."""
    return Covered(dict(found.nodes), dict(found.edges), found.percent)


def _passed(assertions: Sequence[AssertionIn], asserted: Sequence[Asserted], whole: Seen) -> bool:
    """Everything that is asserted holds. An end that is none of the test's business must be a success."""
    code = whole.execution.error_code
    if code is not None and matches(code, FAMILY):
        return False
    if whole.execution.status != "succeeded" and not any(_reads_the_end(each) for each in assertions):
        return False
    return all(each.passed for each in asserted)


def _reads_the_end(assertion: AssertionIn) -> bool:
    source = assertion if isinstance(assertion, str) else assertion.equals.path
    try:
        return not {"status", "error"}.isdisjoint(expressions.parse(source).references.roots)
    except PerdureError:
        return False


def _unmocked(whole: Seen, plan: Plan) -> list[str]:
    paths = [run.path for run in whole.runs if run.error_code == Unmocked.code]
    return list(dict.fromkeys(definition_path(plan.graph, path) or path for path in paths))


def _open(name: str | None, found: Execution, plan: Plan) -> Outcome:
    nothing = covered(coverage(plan, ()))
    return Outcome(name, None, found.id, found.status, None, None, [], nothing, [], truncated=False)


def _shown(asserted: Asserted) -> JsonValue:
    error = None if asserted.error is None else asserted.error.model_dump(mode="json")
    return {
        "expression": asserted.expression,
        "passed": asserted.passed,
        "actual": asserted.actual,
        "expected": asserted.expected,
        "diff": [
            {
                "path": each.path,
                "actual": each.actual,
                "expected": each.expected,
                "missing": each.missing,
                "unexpected": each.unexpected,
            }
            for each in asserted.diff
        ],
        "error": error,
    }
