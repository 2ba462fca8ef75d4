"""Which wait an event has satisfied: within an execution one at most, whichever of its strands it waits in."""

from sqlalchemy import text

from store.ids import EventId, ExecutionId
from store.session import Session


async def take(session: Session, execution: ExecutionId, event: EventId, path: str) -> bool:
    """Let a node run have an event, unless another one of its execution has it. Asked again, the answer is the same."""
    taken = await session.sql.execute(_TAKE, {"execution": execution, "event": event, "path": path})
    return taken.scalar_one() == path


_TAKE = text("""
insert into event_takings (execution_id, event_id, path) values (:execution, :event, :path)
on conflict on constraint event_takings_pkey do update set path = event_takings.path
returning path
""")


async def remove_closed(session: Session) -> None:
    """Forget those of executions that have ended."""
    await session.sql.execute(_REMOVE_CLOSED)


_REMOVE_CLOSED = text("""
delete from event_takings as t using executions as e
where e.id = t.execution_id and e.closed_at < clock_timestamp() - interval '1 hour'
""")
