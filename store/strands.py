"""The strands of executions that are batches of large loops, as far as the journal tells of them."""

from collections.abc import Sequence

import orjson
from sqlalchemy import text

from dag.strands import batch_strand
from store.arrays import array
from store.ids import ExecutionId
from store.session import Session

Strand = tuple[ExecutionId, str]


async def not_ended(session: Session, strands: Sequence[Strand]) -> list[Strand]:
    """Of strands that have ended, those of which the journal does not know it."""
    if not strands:
        return []
    values = {
        "executions": array(execution for execution, _ in strands),
        "strands": array(strand for _, strand in strands),
    }
    known = {(execution, strand) for execution, strand in await session.sql.execute(_ENDED, values)}
    return [each for each in strands if each not in known]


_ENDED = text("""
select e.execution_id, e.strand
from unnest(cast(:executions as text[]), cast(:strands as text[])) as wanted (execution, strand)
join executions as x on x.id = wanted.execution
cross join lateral (
    select execution_id, strand, type from events
    where execution_id = wanted.execution and attempt = x.attempt and strand = wanted.strand and type <> 'replaced'
    order by n desc limit 1
) as e
where e.type = 'strand.ended'
""")


async def begun_in(session: Session, execution: ExecutionId, strand: str | None) -> list[str]:
    """The strands that one of an execution has begun, or any of it."""
    values = {"execution": execution, "strand": strand}
    return [
        batch_strand(path, orjson.loads(session.seal.open(data))["batch"])
        for path, data in await session.sql.execute(_BEGUN, values)
    ]


_BEGUN = text("""
select e.path, e.data from events as e join executions as x on x.id = e.execution_id and x.attempt = e.attempt
where e.execution_id = :execution and e.type = 'batch.started' and e.strand = coalesce(:strand, e.strand)
order by e.seq
""")


async def not_whole(session: Session, execution: ExecutionId) -> list[str]:
    """The strands of an execution that have begun, and whose journals have gaps or no end."""
    begun = await begun_in(session, execution, None)
    whole = set(await session.sql.scalars(_WHOLE, {"execution": execution}))
    return [strand for strand in begun if strand not in whole]


_WHOLE = text("""
with link as (
    select e.strand, e.n, e.previous, e.type,
        lag(e.n, 1, 0) over chain as n_before, lag(e.checksum, 1, cast(0 as bigint)) over chain as checksum_before
    from events as e join executions as x on x.id = e.execution_id and x.attempt = e.attempt
    where e.execution_id = :execution and e.strand <> '' and e.type <> 'replaced'
    window chain as (partition by e.strand order by e.n)
)
select strand from link group by strand
having bool_and(n = n_before + 1 and previous = checksum_before) and bool_or(type = 'strand.ended')
""")
