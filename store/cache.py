"""Outputs of activities that may be used again: sealed, each for a time."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue
from sqlalchemy import case, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.event_names import canonical
from store.sealing import Seal
from store.session import Session
from store.tables.payloads import CachedOutputRow


@dataclass(frozen=True)
class Made:
    """An output, and whose it was."""

    type: str
    execution: str | None
    """None: a person puts it there."""
    output: bytes
    ttl: float
    """Seconds for which it may be used again, from now on."""
    workflow: str | None = None
    node: str | None = None
    """Of the workflow: the path of its node runs without numbers."""
    key: JsonValue = None


async def find(session: Session, recipe: bytes) -> bytes | None:
    """The newest output that was made of the same, if its time is not over."""
    lasts = col(CachedOutputRow.expires_at) > func.clock_timestamp()
    newest = (
        select(case((lasts, col(CachedOutputRow.output))))
        .where(col(CachedOutputRow.digest).in_(session.seal.digests(recipe)))
        .order_by(col(CachedOutputRow.stored_at).desc())
        .limit(1)
    )
    sealed = (await session.sql.scalars(newest)).first()
    return None if sealed is None else await asyncio.to_thread(session.seal.open, sealed)


async def keep(session: Session, recipe: bytes, made: Made) -> None:
    """Keep an output, in place of an earlier one that was made of the same."""
    changed = {
        "workflow": made.workflow,
        "node": made.node,
        "key": None if made.key is None else session.seal.seal(canonical(made.key)),
        "key_digest": None if made.key is None else key_digests(session.seal, made.key)[0],
        "output": await asyncio.to_thread(session.seal.seal, made.output),
        "output_bytes": len(made.output),
        "execution_id": made.execution,
        "stored_at": func.clock_timestamp(),
        "expires_at": func.clock_timestamp() + timedelta(seconds=made.ttl),
    }
    written = insert(CachedOutputRow).values(digest=session.seal.digests(recipe)[0], type=made.type, **changed)
    await session.sql.execute(written.on_conflict_do_update(index_elements=["tenant_id", "digest"], set_=changed))


def key_digests(seal: Seal, key: JsonValue) -> list[bytes]:
    """What outputs with a key are found by."""
    return seal.digests(b"cache key\n" + canonical(key))


async def remove_expired(session: Session, *, limit: int) -> int:
    """Remove some whose time is over, the oldest first, and say how many."""
    return len((await session.sql.scalars(_REMOVE_EXPIRED, {"limit": limit})).all())


_REMOVE_EXPIRED = text("""
with over as materialized (
    select digest from cached_outputs where expires_at <= clock_timestamp()
    order by expires_at limit :limit for update skip locked)
delete from cached_outputs where digest in (select digest from over)
returning 1
""")
"""Without `materialized` the planner may look for them more than once, and skip what it has locked itself."""
