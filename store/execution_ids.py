"""The ids of a tenant's executions, for what is done with many of them in turn."""

from collections.abc import Collection

from sqlalchemy import text

from store.arrays import array
from store.ids import ExecutionId
from store.session import Session


async def known(session: Session, ids: Collection[ExecutionId]) -> set[ExecutionId]:
    """Of some, those that are stored."""
    return set(await session.sql.scalars(_KNOWN, {"ids": array(ids)}))


_KNOWN = text("select id from executions where id = any(cast(:ids as text[]))")


async def after(session: Session, last: str, *, workflow: str | None, limit: int) -> list[ExecutionId]:
    """Some of all, or of those of a workflow, in the order of their ids."""
    rows = await session.sql.scalars(_AFTER, {"last": last, "workflow": workflow, "limit": limit})
    return [ExecutionId(id) for id in rows]


_AFTER = text("""
select id from executions where id > :last and (cast(:workflow as text) is null or workflow = :workflow)
order by id limit :limit
""")
