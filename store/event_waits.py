"""Who waits for which events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import text

from dag.event_names import canonical
from store.arrays import array
from store.emitted_events import Emitted, Looked
from store.ids import ExecutionId
from store.sealing import Seal
from store.session import Session


@dataclass(frozen=True)
class Waiting:
    """A strand that waits for an event, and since when at most."""

    strand: str
    since: datetime


def looked(seal: Seal, name: str, key: JsonValue, *, keyed: bool) -> Looked:
    """An entry of what a node waits for. Without a key it takes events of that name with any key, or with none."""
    return Looked(name, seal.digests(canonical(key)) if keyed else None)


async def put(session: Session, execution: ExecutionId, path: str, strand: str, wanted: Sequence[Looked]) -> None:
    """Note what a node run waits for, in place of what it waited for before."""
    await session.sql.execute(
        _PUT,
        {
            "execution": execution,
            "path": path,
            "strand": strand,
            "names": array(each.name for each in wanted),
            "digests": array(None if each.digests is None else each.digests[0] for each in wanted),
            "count": len(wanted),
        },
    )


_PUT = text("""
with more as (
    delete from event_waits where execution_id = :execution and path = :path and position >= :count
)
insert into event_waits (execution_id, path, position, strand, name, key_digest, since)
select :execution, :path, row.n - 1, :strand, row.name, row.digest, clock_timestamp()
from unnest(cast(:names as text[]), cast(:digests as bytea[])) with ordinality as row (name, digest, n)
on conflict on constraint event_waits_pkey do update
set strand = excluded.strand, name = excluded.name, key_digest = excluded.key_digest, since = excluded.since
""")


async def remove(session: Session, execution: ExecutionId, path: str) -> None:
    """A node run no longer waits."""
    await session.sql.execute(_REMOVE, {"execution": execution, "path": path})


_REMOVE = text("delete from event_waits where execution_id = :execution and path = :path")


async def page(session: Session, event: Emitted, *, after: str, limit: int) -> list[Waiting]:
    """The strands that wait for an event by its name and key, in the order of their ids."""
    values = {
        "name": event.name,
        "digests": array(session.seal.digests(canonical(event.key))),
        "execution": event.execution,
        "after": after,
        "limit": limit,
    }
    return [Waiting(strand, since) for strand, since in await session.sql.execute(_PAGE, values)]


_PAGE = text("""
select strand, max(since) from event_waits
where name = :name and (key_digest is null or key_digest = any(cast(:digests as bytea[]))) and strand > :after
    and (cast(:execution as text) is null or execution_id = :execution)
group by strand order by strand limit :limit
""")


async def gone(session: Session, waiting: Waiting) -> None:
    """A strand has ended. What has been noted since it was read may be of another run under the same id."""
    _, execution, *_ = waiting.strand.split("/")
    await session.sql.execute(_GONE, {"execution": execution, "strand": waiting.strand, "since": waiting.since})


_GONE = text("delete from event_waits where execution_id = :execution and strand = :strand and since <= :since")


async def remove_closed(session: Session) -> None:
    """Nobody waits in executions that have ended. The last word of one may come while it ends, so wait a moment."""
    await session.sql.execute(_REMOVE_CLOSED)


_REMOVE_CLOSED = text("""
delete from event_waits as w using executions as e
where e.id = w.execution_id and e.closed_at < clock_timestamp() - interval '1 minute' and w.since < e.closed_at
""")
