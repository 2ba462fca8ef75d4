"""What is kept of executions that are tests: the test, and what it runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson
from pydantic import JsonValue
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlmodel import col, select

from dag.errors import PerdureError
from dag.plan import Plan, decode, encode
from store.ids import ExecutionId
from store.session import Session
from store.tables.tests import RunRow


class NoTest(PerdureError):
    """The execution is no test."""

    code = "test.unknown"


@dataclass(frozen=True)
class Run:
    """A test, and the plan that it ran."""

    document: JsonValue
    plan: Plan


async def keep(
    session: Session, execution: ExecutionId, document: JsonValue, plan: Plan, *, digest: bytes | None = None
) -> None:
    """Note what an execution tests; with the digest of a draft and a kept test, as both are. Said again it changes
    nothing."""
    row = insert(RunRow).values(
        execution_id=execution,
        document=session.seal.seal(orjson.dumps(document)),
        plan=session.seal.seal(encode(plan)),
        digest=digest,
    )
    await session.sql.execute(row.on_conflict_do_nothing())


async def latest(session: Session, digests: Sequence[bytes]) -> Mapping[bytes, ExecutionId]:
    """The executions that were started last as tests, by the digests of what they test."""
    query = (
        select(col(RunRow.digest), col(RunRow.execution_id))
        .where(col(RunRow.digest).in_(digests))
        .order_by(col(RunRow.digest), col(RunRow.at).desc())
        .ext(distinct_on(col(RunRow.digest)))
    )
    found = await session.sql.execute(query)
    return {digest: ExecutionId(execution) for digest, execution in found if digest is not None}


async def copy(session: Session, source: ExecutionId, execution: ExecutionId) -> None:
    """An execution tests what another one did, if that is kept of it. Said again it changes nothing."""
    await session.sql.execute(_COPY, {"source": source, "execution": execution})


_COPY = text("""
insert into test_runs (execution_id, document, plan)
select :execution, document, plan from test_runs where execution_id = :source
on conflict do nothing
""")


async def find(session: Session, execution: ExecutionId) -> Run:
    """What an execution tests."""
    query = select(col(RunRow.document), col(RunRow.plan)).where(col(RunRow.execution_id) == execution)
    row = (await session.sql.execute(query)).first()
    if row is None:
        raise NoTest
    return Run(orjson.loads(session.seal.open(row[0])), decode(session.seal.open(row[1])))
