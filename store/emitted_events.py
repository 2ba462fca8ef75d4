"""Events that were sent: kept for those who look back, and until all who wait for them have been told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import orjson
from pydantic import JsonValue
from sqlalchemy import text
from sqlmodel import col, select

from dag.event_names import canonical, checked
from dag.limits import DEFAULTS
from store.arrays import array
from store.database import Database
from store.ids import EventId, ExecutionId, TenantId
from store.sealing import Seal
from store.session import Session, at_once
from store.tables.sent_events import EmittedEventRow

KEPT = DEFAULTS.execution_time
"""How long an event can be looked back to: an execution may last so long, and counts what came since it began."""
SHOWN = 64 * 1024
"""Bytes of key and payload that a list shows."""
PAGE_BYTES = 4 * 1024 * 1024
"""Of the earlier events that are read at once, unless one alone has more."""


@dataclass(frozen=True)
class Emitted:
    """An event: for all executions, or a signal for one."""

    id: EventId
    name: str
    key: JsonValue
    payload: JsonValue
    execution: ExecutionId | None
    at: datetime


@dataclass(frozen=True)
class Listed:
    """An event in a list; without key and payload where they are large."""

    id: EventId
    name: str
    key: JsonValue
    payload: JsonValue
    bytes: int
    execution: ExecutionId | None
    at: datetime


@dataclass(frozen=True)
class Sent:
    """An event that is to be stored."""

    id: EventId
    name: str
    key: JsonValue = None
    payload: JsonValue = None
    execution: ExecutionId | None = None


@dataclass(frozen=True)
class Looked:
    """What a node looks back for: a name, and a key's digests if that is to be the same."""

    name: str
    digests: Sequence[bytes] | None


async def add(database: Database, tenant: TenantId, sent: Sent) -> tuple[Emitted, bool]:
    """Store an event, and say whether it had been before: then it is as it was then, whatever is said now. Raises
    EventNameInvalid."""
    seal = Seal(database.keyring, tenant)
    content = orjson.dumps({"key": sent.key, "payload": sent.payload})
    values = {
        "id": sent.id,
        "name": checked(sent.name),
        "key_digest": seal.digests(canonical(sent.key))[0],
        "content": seal.seal(content),
        "content_bytes": len(content),
        "execution_id": sent.execution,
    }
    row = await at_once(database, tenant, _ADD, values)
    if row.content is None:
        return Emitted(sent.id, sent.name, sent.key, sent.payload, sent.execution, row.at), False
    return _read(seal, row), True


# What is committed before the waits are read is seen by whoever begins to wait and is not among them.
_ADD = """
insert into emitted_events (id, name, key_digest, content, content_bytes, execution_id, at, route_at)
values (%(id)s, %(name)s, %(key_digest)s, %(content)s, %(content_bytes)s, %(execution_id)s, clock_timestamp(),
    clock_timestamp() + interval '30 seconds')
on conflict on constraint emitted_events_pkey do update set id = excluded.id
returning id, name, case when xmax <> 0 then content end as content, execution_id, at
"""


async def find(session: Session, id: EventId) -> Emitted | None:
    """Find one by its id."""
    row = (await session.sql.scalars(select(EmittedEventRow).where(col(EmittedEventRow.id) == id))).first()
    return None if row is None else _read(session.seal, row)


async def page(session: Session, *, after: tuple[datetime, str] | None, limit: int) -> Sequence[Listed]:
    """List events, the newest first."""
    at, id = after or (None, None)
    rows = await session.sql.execute(_PAGE, {"at": at, "id": id, "shown": SHOWN, "limit": limit})
    return [_listed(session.seal, row) for row in rows]


_PAGE = text("""
select id, name, case when content_bytes <= :shown then content end as content, content_bytes, execution_id, at
from emitted_events
where cast(:at as timestamptz) is null or (at, id) < (cast(:at as timestamptz), cast(:id as text))
order by at desc, id desc limit :limit
""")


async def earlier(
    session: Session,
    execution: ExecutionId,
    path: str,
    looked: Sequence[Looked],
    *,
    since: datetime,
    after: EventId | None,
    limit: int,
) -> tuple[list[tuple[Emitted, Sequence[int]]], bool]:
    """What has come since then that a node run may take, the oldest first, each with the positions that it fits; and
    whether there is more after it."""
    wanted = [(n, each.name, digest) for n, each in enumerate(looked) for digest in each.digests or [None]]
    values: Mapping[str, Any] = {
        "positions": array(n for n, _, _ in wanted),
        "names": array(name for _, name, _ in wanted),
        "digests": array(digest for _, _, digest in wanted),
        "execution": execution,
        "path": path,
        "since": since,
        "after": after,
        "limit": limit + 1,
        "bytes": PAGE_BYTES,
    }
    rows = (await session.sql.execute(_EARLIER, values)).all()
    read = [(_read(session.seal, row), cast(Sequence[int], row.positions)) for row in rows if row.content is not None]
    return read[:limit], len(rows) > len(read[:limit])


# First the ids, in the order of an index for each entry; then the contents of as many as are not too large together.
_EARLIER = text("""
with wanted as (
    select * from unnest(cast(:positions as int[]), cast(:names as text[]), cast(:digests as bytea[]))
        as row (position, name, digest)
), start as (
    select at, id from emitted_events where id = :after
), found as (
    select e.id, e.at, array_agg(distinct w.position order by w.position) as positions
    from wanted as w cross join lateral (
        select id, at from emitted_events
        where name = w.name and key_digest = w.digest and at >= :since
            and (execution_id is null or execution_id = :execution)
            and (cast(:after as text) is null or (at, id) > (select at, id from start))
            and not exists (
                select from event_takings as t
                where t.execution_id = :execution and t.event_id = emitted_events.id and t.path <> :path)
        order by at, id limit :limit
    ) as e
    where w.digest is not null
    group by e.id, e.at
    union all
    select e.id, e.at, array_agg(w.position order by w.position)
    from wanted as w cross join lateral (
        select id, at from emitted_events
        where name = w.name and at >= :since
            and (execution_id is null or execution_id = :execution)
            and (cast(:after as text) is null or (at, id) > (select at, id from start))
            and not exists (
                select from event_takings as t
                where t.execution_id = :execution and t.event_id = emitted_events.id and t.path <> :path)
        order by at, id limit :limit
    ) as e
    where w.digest is null
    group by e.id, e.at
), oldest as (
    select f.id, f.at, array_agg(position order by position) as positions
    from found as f cross join unnest(f.positions) as position
    group by f.id, f.at order by f.at, f.id limit :limit
), sized as (
    select o.*, row_number() over of_them as n, sum(e.content_bytes) over of_them as total
    from oldest as o join emitted_events as e on e.id = o.id
    window of_them as (order by o.at, o.id)
)
select e.id, e.name, e.execution_id, e.at, s.positions,
    case when s.n = 1 or s.total <= :bytes then e.content end as content
from sized as s join emitted_events as e on e.id = s.id
order by e.at, e.id
""")


async def routed(session: Session, id: EventId, *, to_all: bool) -> None:
    """Those who waited for it have been told, or not all: then they are told again, ever more seldom."""
    await session.sql.execute(_ROUTED, {"id": id, "to_all": to_all})


_ROUTED = text("""
update emitted_events
set route_at = case when :to_all then null else clock_timestamp() + greatest(clock_timestamp() - at, '30 seconds') end
where id = :id and route_at is not null
""")


async def unrouted(session: Session, *, limit: int) -> list[EventId]:
    """Those that are due: their sender went away, or did not reach all who waited. The longest due first."""
    return [EventId(id) for id in await session.sql.scalars(_UNROUTED, {"limit": limit})]


_UNROUTED = text("""
select id from emitted_events where route_at < clock_timestamp() order by route_at limit :limit
""")


async def forget(session: Session, *, limit: int) -> int:
    """Remove some that nobody can look back to any more, the oldest first, and say how many."""
    return len((await session.sql.scalars(_FORGET, {"kept": KEPT, "limit": limit})).all())


_FORGET = text("""
delete from emitted_events where id in (
    select id from emitted_events where at < clock_timestamp() - :kept order by at, id limit :limit
    for update skip locked)
returning id
""")


def _read(seal: Seal, row: Any) -> Emitted:
    return Emitted(row.id, row.name, *_opened(seal, row.content), row.execution_id, row.at)


def _listed(seal: Seal, row: Any) -> Listed:
    return Listed(row.id, row.name, *_opened(seal, row.content), row.content_bytes, row.execution_id, row.at)


def _opened(seal: Seal, content: bytes | None) -> tuple[JsonValue, JsonValue]:
    if content is None:
        return None, None
    read = orjson.loads(seal.open(content))
    return read["key"], read["payload"]
