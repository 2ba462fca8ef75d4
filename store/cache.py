"""Outputs of activities that may be used again: sealed, each for a time."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pydantic import JsonValue
from sqlalchemy import case, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, func, select

from dag.event_names import canonical
from store.arrays import array
from store.ids import PREFIXES
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


@dataclass(frozen=True)
class Found:
    """An output that can be used."""

    id: str
    output: bytes


async def find(session: Session, recipe: bytes) -> Found | None:
    """The newest output that was made of the same, if its time is not over."""
    lasts = col(CachedOutputRow.expires_at) > func.clock_timestamp()
    newest = (
        select(col(CachedOutputRow.digest), case((lasts, col(CachedOutputRow.output))))
        .where(col(CachedOutputRow.digest).in_(session.seal.digests(recipe)))
        .order_by(col(CachedOutputRow.stored_at).desc())
        .limit(1)
    )
    digest, sealed = (await session.sql.execute(newest)).first() or (b"", None)
    if sealed is None:
        return None
    return Found(shown_id(digest), await asyncio.to_thread(session.seal.open, sealed))


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
        "hits": 0,
        "used_at": None,
    }
    written = insert(CachedOutputRow).values(digest=session.seal.digests(recipe)[0], type=made.type, **changed)
    await session.sql.execute(written.on_conflict_do_update(index_elements=["tenant_id", "digest"], set_=changed))


async def count(session: Session, hits: Sequence[tuple[str, float]]) -> None:
    """Count outputs that were used, by their ids, each with when."""
    digests = array(stored_digest(id) for id, _ in hits)
    await session.sql.execute(_COUNT, {"digests": digests, "ats": array(at for _, at in hits)})


# All who lock several do so in the order of their digests.
_COUNT = text("""
with used as (
    select digest, count(*) as times, max(at) as at
    from unnest(cast(:digests as bytea[]), cast(:ats as float8[])) as hit (digest, at) group by digest
), locked as materialized (
    select digest from cached_outputs where digest in (select digest from used) order by digest for update
)
update cached_outputs as c set hits = c.hits + used.times, used_at = greatest(c.used_at, to_timestamp(used.at))
from used where c.digest = used.digest and c.digest in (select digest from locked)
""")


def shown_id(digest: bytes) -> str:
    """The id of a stored output."""
    return PREFIXES["output"] + digest.hex()


def stored_digest(id: str) -> bytes:
    """What a stored output is kept under."""
    return bytes.fromhex(id.removeprefix(PREFIXES["output"]))


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
