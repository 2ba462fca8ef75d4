"""The stored outputs of activities as people see them: listed, read, removed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from pydantic import JsonValue
from sqlalchemy import Row, text

from dag.errors import PerdureError
from store import cache
from store.arrays import array
from store.json_text import opened
from store.sealing import Seal
from store.session import Session

AT_ONCE = 10_000
"""How many are removed at once."""


class CachedOutputUnknown(PerdureError):
    """There is no such stored output, or its time is over."""

    code = "cache.unknown"


@dataclass(frozen=True)
class CachedOutput:
    """A stored output, without what it is."""

    id: str
    type: str
    workflow: str | None
    node: str | None
    key: orjson.Fragment | None
    execution: str | None
    output_bytes: int
    stored_at: datetime
    expires_at: datetime
    hits: int
    used_at: datetime | None


@dataclass(frozen=True)
class Which:
    """Which stored outputs are meant; None: whatever it is."""

    workflow: str | None = None
    node: str | None = None
    type: str | None = None
    key: JsonValue = None


async def page(
    session: Session, which: Which, *, before: tuple[datetime, str] | None, limit: int
) -> Sequence[CachedOutput]:
    """List those that can be used, the newest first, those before one."""
    query, values = listing(session, which, before=before)
    return [_listed(session.seal, row) for row in await session.sql.execute(text(query), {**values, "limit": limit})]


def listing(session: Session, which: Which, *, before: tuple[datetime, str] | None) -> tuple[str, dict[str, object]]:
    """The query of a page, and the values in it but `limit`."""
    conditions, values = _asked(session, which)
    conditions += [_LASTS]
    if before is not None:
        conditions += ["(stored_at, digest) < (cast(:at as timestamptz), cast(:digest as bytea))"]
        values |= {"at": before[0], "digest": cache.stored_digest(before[1])}
    return f"select {_LISTED} from cached_outputs where {' and '.join(conditions)} {_NEWEST}", values  # noqa: S608


async def find(session: Session, id: str) -> tuple[CachedOutput, orjson.Fragment]:
    """One by its id, with what it is."""
    row = (await session.sql.execute(_FIND, {"digest": cache.stored_digest(id)})).first()
    if row is None:
        raise CachedOutputUnknown
    return _listed(session.seal, row), orjson.Fragment(session.seal.open(row.output))


async def remove(session: Session, id: str) -> None:
    """Take one away: the node runs again the next time."""
    if (await session.sql.execute(_REMOVE, {"digest": cache.stored_digest(id)})).first() is None:
        raise CachedOutputUnknown


async def remove_all(session: Session, which: Which, *, limit: int = AT_ONCE) -> int:
    """Take away all that are meant, as many as are removed at once, the newest first; says how many."""
    conditions, values = _asked(session, which)
    meant = f"select digest from cached_outputs where {' and '.join(conditions or ['true'])} {_NEWEST}"  # noqa: S608
    query = f"""with meant as materialized ({meant}), locked as materialized (
    select digest from cached_outputs where digest in (select digest from meant) order by digest for update)
delete from cached_outputs where digest in (select digest from locked) returning 1"""  # noqa: S608
    return len((await session.sql.execute(text(query), {**values, "limit": limit})).all())


_LASTS = "expires_at > clock_timestamp()"
_LISTED = "digest, type, workflow, node, key, execution_id, output_bytes, stored_at, expires_at, hits, used_at"
_NEWEST = "order by stored_at desc, digest desc limit :limit"
_FIND = text(f"select {_LISTED}, output from cached_outputs where digest = :digest and {_LASTS}")  # noqa: S608
_REMOVE = text("delete from cached_outputs where digest = :digest returning 1")


def _asked(session: Session, which: Which) -> tuple[list[str], dict[str, object]]:
    """Conditions for what is asked, and the values in them."""
    named = {"workflow": which.workflow, "node": which.node, "type": which.type}
    values: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    conditions = [f"{name} = :{name}" for name in values]
    if which.key is not None:
        conditions.append("key_digest = any(cast(:keys as bytea[]))")
        values["keys"] = array(cache.key_digests(session.seal, which.key))
    return conditions, values


def _listed(seal: Seal, row: Row[Any]) -> CachedOutput:
    return CachedOutput(
        id=cache.shown_id(row.digest),
        type=row.type,
        workflow=row.workflow,
        node=row.node,
        key=opened(seal, row.key),
        execution=row.execution_id,
        output_bytes=row.output_bytes,
        stored_at=row.stored_at,
        expires_at=row.expires_at,
        hits=row.hits,
        used_at=row.used_at,
    )
