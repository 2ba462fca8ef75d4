"""Runs the tests that are kept with a workflow."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue, ValidationError

from api.means import Means
from api.problems import flaws
from api.testing.outcome import Covered, Outcome, covered, outcome
from api.testing.running import Subject, begin, subject
from api.testing.shapes import SuiteRunIn
from dag.errors import PerdureError
from dag.testing.case import CaseIn
from dag.testing.coverage import Coverage, coverage, merged
from store import test_cases
from store.session import session
from store.tenants import Holder
from store.test_cases import MOST_CASES, Kept

AT_ONCE = 5
"""Tests of one request that run beside each other."""


@dataclass(frozen=True)
class Result:
    """As CaseResultOut."""

    name: str
    passed: bool | None
    execution: str | None = None
    outcome: Outcome | None = None
    problems: list[JsonValue] = field(default_factory=list[JsonValue])


@dataclass(frozen=True)
class Suite:
    """As SuiteOut."""

    passed: bool
    total: int
    failed: int
    unfinished: int
    cases: list[Result]
    coverage: Covered


async def ran(means: Means, caller: Holder, workflow: str, asked: SuiteRunIn, *, seconds: int) -> Suite:
    """Run tests, and tell how they came out together. Raises DefinitionInvalid, CaseUnknown."""
    found = await subject(means, caller.tenant, workflow, asked.version)
    cases = await _cases(means, caller, found, asked.names)
    until = asyncio.get_running_loop().time() + seconds
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(case: Kept) -> Result:
        async with slots:
            left = max(0.0, until - asyncio.get_running_loop().time())
            return await _one(means, caller, found, case, seconds=left)

    results = await asyncio.gather(*(one(case) for case in cases))
    went = [Coverage(each.outcome.coverage.nodes, each.outcome.coverage.edges) for each in results if each.outcome]
    return Suite(
        passed=all(each.passed for each in results),
        total=len(results),
        failed=sum(each.passed is False for each in results),
        unfinished=sum(each.passed is None for each in results),
        cases=results,
        coverage=covered(merged([coverage(found.row.plan, ()), *went])),
    )


async def _cases(means: Means, caller: Holder, found: Subject, names: Sequence[str] | None) -> Sequence[Kept]:
    assert found.id is not None
    async with session(means.database, caller.tenant) as s:
        if names is None:
            return await test_cases.page(s, found.id, found.suite, after=None, limit=MOST_CASES)
        return [await test_cases.find(s, found.id, found.suite, name) for name in dict.fromkeys(names)]


async def _one(means: Means, caller: Holder, found: Subject, case: Kept, *, seconds: float) -> Result:
    try:
        read = CaseIn.model_validate(case.document)
        execution = await begin(means, caller, found, read, name=case.name, seconds=seconds)
    except ValidationError as wrong:
        return Result(case.name, passed=False, problems=flaws(wrong.errors(), place="test"))
    except PerdureError as wrong:
        if not isinstance(wrong.details, list):
            raise
        return Result(case.name, passed=False, problems=wrong.details)
    told = await outcome(means, caller.tenant, execution.id)
    return Result(case.name, told.passed, execution.id, told)
