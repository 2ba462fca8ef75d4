"""Whether a draft has passed its tests, so that it may be published: what was run of them last, of this very draft."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
from pydantic import JsonValue

from api.means import Means
from api.testing.outcome import Outcome, outcome
from api.testing.running import Subject, digest_of, subject
from dag.errors import PerdureError
from dag.problems import pointer
from dag.testing.case import CaseIn
from store import test_cases, test_runs
from store.ids import TenantId
from store.session import Session, session
from store.test_cases import MOST_CASES

AT_ONCE = 5
MOST_TOLD = 100
"""Things that are wrong, of one answer."""
MOST_CHARACTERS = 300


class TestsNotRun(PerdureError):
    """The draft's tests are required, and not all of them have been run to their end on the draft as it is, and as they
    are; run them, then publish. A workflow without tests has none that could pass."""

    code = "tests.not_run"
    __test__ = False


class TestsFailed(PerdureError):
    """The draft's tests are required, and some have failed: it is not published. The problems say which, and why."""

    code = "tests.failed"
    __test__ = False


@dataclass(frozen=True)
class Passed:
    """What has passed: that is published, or nothing."""

    subject: Subject
    tests: frozenset[bytes]


async def passed(means: Means, tenant: TenantId, workflow: str) -> Passed:
    """That all the tests of a draft have passed. Raises TestsNotRun, TestsFailed, DefinitionInvalid."""
    found = await subject(means, tenant, workflow, None)
    async with session(means.database, tenant) as s:
        digests = await _digests(s, found)
        runs = await test_runs.latest(s, [*digests.values()])
    missing = [name for name, digest in digests.items() if digest not in runs]
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(digest: bytes) -> Outcome:
        async with slots:
            return await outcome(means, tenant, runs[digest])

    names = [name for name in digests if name not in missing]
    told = dict(zip(names, await asyncio.gather(*(one(digests[name]) for name in names)), strict=True))
    missing += [name for name, each in told.items() if each.passed is None]
    if missing or not digests:
        raise TestsNotRun(details=[_flaw("test.not_run", name, [], "It has not been run.") for name in missing])
    wrong = [flaw for name, each in told.items() if not each.passed for flaw in _flaws(name, each)]
    if wrong:
        raise TestsFailed(details=wrong[:MOST_TOLD])
    return Passed(found, frozenset(digests.values()))


async def are_those(session: Session, content: str, what: Passed) -> bool:
    """Whether what has passed is what the draft and its tests are now."""
    now = frozenset((await _digests(session, what.subject)).values())
    return (what.subject.content, what.tests) == (content, now)


async def _digests(session: Session, found: Subject) -> dict[str, bytes]:
    """Of each test that is kept with a draft."""
    assert found.id is not None
    kept = await test_cases.page(session, found.id, test_cases.DRAFT, after=None, limit=MOST_CASES)
    digests = {each.name: digest_of(found, each.name, CaseIn.model_validate(each.document)) for each in kept}
    return {name: digest for name, digest in digests.items() if digest is not None}


def _flaws(name: str, told: Outcome) -> Iterator[JsonValue]:
    """What has failed of one test."""
    failing = [(number, each) for number, each in enumerate(told.assertions) if not _holds(each)]
    for number, each in failing:
        assert isinstance(each, dict)
        shown = f"`{each['expression']}` does not hold: {_short(each['actual'])}, not {_short(each['expected'])}."
        if each["error"] is not None:
            shown = f"`{each['expression']}` could not be asked."
        yield _flaw("assertion.failed", name, ["assertions", number], shown)
    if not failing:
        code = "" if told.error is None else f" ({orjson.loads(told.error.contents)['code']})"
        yield _flaw("test.failed", name, [], f"The execution {told.execution} {told.status}{code}.")


def _holds(asserted: JsonValue) -> bool:
    return isinstance(asserted, dict) and asserted["passed"] is True


def _short(value: JsonValue) -> str:
    written = orjson.dumps(value).decode()
    return written if len(written) <= MOST_CHARACTERS else f"{written[:MOST_CHARACTERS]}…"


def _flaw(code: str, name: str, path: list[str | int], message: str) -> JsonValue:
    return {"code": code, "in": "tests", "path": pointer((name, *path)), "message": message}
