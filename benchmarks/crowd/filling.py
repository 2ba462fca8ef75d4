"""Fills a database with very many executions and node runs, of a few tenants: skewed as real ones are, and the same
ones every time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString, cast

import orjson
import psycopg
from psycopg import sql
from pydantic import JsonValue

from activities import registry
from benchmarks.crowd.definitions import TOP, TURN, document
from dag.draft import draft
from store import error_words, ids, rollups, tenants, versions, workflows
from store.database import Database
from store.ids import TenantId
from store.sealing import Seal
from store.session import session

WORKFLOWS = 40
VERSIONS = 5
CHUNK = 50_000
COUNTED = 500_000
"""Events of executions that are counted at once: few, large steps."""
UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
"""When the last one started; the first one did 90 days before."""
ERRORS: Mapping[str, str] = {
    "http.status": "The shop answered 503 to a request for the order",
    "http.unreachable": "No connection to the shop could be made within 10 seconds",
    "timeout.node": "The node did not end in time",
    "user.rejected": "The customer rejected the offer",
    "user.rejected.twice": "The customer rejected the second offer as well",
    "expression.failed": "The expression wants a number where the order has none",
}


@dataclass(frozen=True)
class Size:
    """How much there is to be."""

    executions: int = 1_000_000
    node_runs: int = 10_000_000
    largest: int = 50_000
    """Node runs of one execution, the largest; some others have a tenth of it. It alone has its events."""


@dataclass(frozen=True)
class Crowd:
    """What a filled database holds."""

    tenants: Sequence[TenantId]
    """The first has 70% of everything, the second 20%, then 8% and 2%."""
    largest: str
    """The id of the largest execution, of the first tenant."""


async def fill(database: Database, superuser: str, size: Size, *, tell: Callable[[str], None] = print) -> Crowd:
    """Fill a migrated, empty database. `superuser` is the URL of that database for one who may switch off triggers and
    row level security, without which it would take hours."""
    owners = [await _tenant(database, number) for number in range(4)]
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("set maintenance_work_mem = '1GB'")
        connection.execute("set synchronous_commit = off")
        connection.execute("set work_mem = '256MB'")
        _stage(connection, size, [(owner, Seal(database.keyring, owner)) for owner in owners])
        dropped = _drop_indexes(connection)
        for begin in range(0, size.executions, CHUNK):
            chunk = {"after": begin, "until": begin + CHUNK}
            for statement in (_EXECUTIONS, _WORDS, _ERROR_WORDS, _NODE_RUNS):
                connection.execute(statement, chunk)
            tell(f"{min(begin + CHUNK, size.executions):,} executions")
        largest = _one(connection, "select id from crowd order by runs desc limit 1")
        connection.execute(_EVENTS, {"id": largest})
        for index in dropped:
            connection.execute(cast(LiteralString, index))
        connection.execute("drop table crowd, crowd_sealed, crowd_tenants, crowd_errors, crowd_nodes")
        connection.execute("analyze")
    for owner in owners:
        await _count(database, owner)
        tell(f"{owner} counted")
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("vacuum analyze")
        tell(f"{_one(connection, 'select count(*) from node_runs')} node runs")
    return Crowd(owners, largest)


async def _count(database: Database, owner: TenantId) -> None:
    """Make the sums, which triggers would have made."""
    async with session(database, owner) as opened:
        await rollups.recount(opened)
    more = unfolded = True
    while more or unfolded:
        async with session(database, owner) as opened:
            more = await rollups.count_some(opened, most=COUNTED)
        async with session(database, owner) as opened:
            unfolded = await rollups.fold(opened)


async def _tenant(database: Database, number: int) -> TenantId:
    tenant = ids.tenant()
    async with session(database, tenant) as opened:
        await tenants.add(opened, name=f"crowd {number}")
        catalog = registry.catalog(registry.load())
        for each in range(WORKFLOWS):
            row = await workflows.add(opened, draft(document(f"w-{each}")))
            await versions.add(opened, row, catalog=catalog)
    return tenant


def _stage(connection: "psycopg.Connection", size: Size, owners: Sequence[tuple[TenantId, Seal]]) -> None:
    connection.execute("create unlogged table crowd_tenants (number int primary key, id text)")
    connection.execute("create unlogged table crowd_errors (number int primary key, code text)")
    connection.execute("create unlogged table crowd_sealed (tenant_id text, what text, content bytea, words text[])")
    connection.execute("create unlogged table crowd_nodes (place int, turn bool, id text, type text)")
    with connection.cursor() as cursor:
        cursor.executemany("insert into crowd_tenants values (%s, %s)", [(n, id) for n, (id, _) in enumerate(owners)])
        cursor.executemany("insert into crowd_errors values (%s, %s)", [*enumerate(ERRORS)])
        nodes = [(n, False, *node) for n, node in enumerate(TOP.items())]
        nodes += [(n, True, *node) for n, node in enumerate(TURN.items())]
        cursor.executemany("insert into crowd_nodes values (%s, %s, %s, %s)", nodes)
        for tenant, seal in owners:
            contents: dict[str, JsonValue] = {
                "input": {"order": "A-17", "lines": [{"article": "lamp", "count": 2}]},
                "output": {"total": 4200, "currency": "EUR", "note": "All articles are in stock, to be sent tomorrow."},
                "started": {"type": "transform"},
                "attempt": {"type": "http.request", "attempt": 1, "seconds": 0.01},
                "succeeded": {"output": {"total": 4200}, "port": "out"},
                **{code: {"code": code, "message": message} for code, message in ERRORS.items()},
            }
            for what, content in contents.items():
                words = error_words.kept(seal, what, ERRORS.get(what, ""))
                row = (tenant, what, seal.seal(orjson.dumps(content)), words)
                cursor.execute("insert into crowd_sealed values (%s, %s, %s, %s)", row)
    values = {"executions": size.executions, "mean": size.node_runs / size.executions, "largest": size.largest}
    connection.execute(_STAGE, {**values, "versions": VERSIONS, "workflows": WORKFLOWS, "until_time": UNTIL})
    connection.execute("create unique index on crowd (n)")
    connection.execute("analyze crowd")


def _drop_indexes(connection: "psycopg.Connection") -> list[str]:
    """Indexes are made in a fraction of the time once everything is there."""
    rows = connection.execute(
        """select i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) from pg_index i
        where i.indrelid = any(array['executions', 'node_runs', 'search_values', 'events']::regclass[])
            and not i.indisprimary"""
    ).fetchall()
    for name, _ in rows:
        connection.execute(sql.SQL("drop index {}").format(sql.Identifier(name)))
    return [definition for _, definition in rows]


def _one(connection: "psycopg.Connection", query: LiteralString) -> str:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _chance(salt: int, of: str = "n") -> str:
    """A number from 0 to 1 that looks like chance and is the same every time."""
    return f"((hashint8extended({of}, {salt}) & 1048575) / 1048576.0::float8)"


_STAGE = cast(
    LiteralString,
    f"""
create unlogged table crowd as
with drawn as (
    select n, {_chance(1)} as c1, {_chance(2)} as c2, {_chance(3)} as c3, {_chance(4)} as c4, {_chance(5)} as c5,
        {_chance(6)} as c6
    from generate_series(1::bigint, %(executions)s) n
), told as (
    select n, (select id from crowd_tenants where number = case when n = %(executions)s / 2 or c1 < 0.7 then 0
            when c1 < 0.9 then 1 when c1 < 0.98 then 2 else 3 end) as tenant_id,
        floor(%(workflows)s * c2 ^ 3)::int as workflow, 1 + (n * %(versions)s / (%(executions)s + 1))::int as version,
        case
            when n = %(executions)s / 2 then 'succeeded'
            when n > %(executions)s * 0.997
                then case when c3 < 0.6 then 'running' when c3 < 0.95 then 'waiting' else 'queued' end
            when c3 < 0.035 then 'failed' when c3 < 0.041 then 'cancelled' when c3 < 0.044 then 'timed_out'
            when c3 < 0.045 then 'waiting' else 'succeeded' end as status,
        case when c4 < 0.55 then 'api' when c4 < 0.8 then 'schedule' when c4 < 0.95 then 'webhook' else 'workflow' end
            as trigger,
        %(until_time)s::timestamptz - interval '90 days' * (1 - n::float8 / %(executions)s) as started_at,
        0.2 + 60 * c5 ^ 6 as seconds,
        case when n = %(executions)s / 2 then %(largest)s when n %% (%(executions)s / 20 + 1) = 7 then %(largest)s / 10
            else greatest(1, floor(%(mean)s * (0.5 + c6) + 0.5))::int end as runs
    from drawn
)
select *,
    'ex_' || lpad(to_hex((extract(epoch from started_at) * 1000)::bigint), 12, '0') || left(md5(n::text), 20) as id
from told
""",
)
_IN_CHUNK = "c.n > %(after)s and c.n <= %(until)s"
_EXECUTIONS = cast(
    LiteralString,
    f"""
insert into executions (tenant_id, id, workflow_id, workflow, version, status, trigger, labels, input, output, error,
    error_code, started_at, closed_at, updated_at, parent_execution, parent_path, last_seq, whole_seq)
select c.tenant_id, c.id, w.id, w.name, c.version, c.status,
    case when c.trigger = 'workflow' and p.id is null then 'api' else c.trigger end,
    json_build_object('team', 'team-' || floor(8 * {_chance(11, "c.n")} ^ 2)::int,
        'region', (array['eu', 'us', 'asia', 'africa'])[1 + floor(4 * {_chance(12, "c.n")} ^ 2)::int],
        'customer', 'c-' || floor(10000 * {_chance(13, "c.n")} ^ 2)::int),
    i.content, case when c.status = 'succeeded' then o.content end, e.content, e.what,
    c.started_at, c.ended, coalesce(c.ended, c.started_at),
    case when c.trigger = 'workflow' then p.id end,
    case when c.trigger = 'workflow' and p.id is not null then 'call' end,
    2 * c.runs + 2, 2 * c.runs + 2
from (
    select *, case when status not in ('running', 'waiting', 'queued')
        then started_at + seconds * interval '1 second' end as ended,
        (select code from crowd_errors where number = floor(6 * {_chance(14, "c.n")} ^ 2)::int) as code
    from crowd c where {_IN_CHUNK}
) c
join workflows w on w.tenant_id = c.tenant_id and w.name = 'w-' || c.workflow
left join crowd p on p.n = c.n - 1 - c.n %% 10 and p.tenant_id = c.tenant_id
left join crowd_sealed i on i.tenant_id = c.tenant_id and i.what = 'input'
left join crowd_sealed o on o.tenant_id = c.tenant_id and o.what = 'output'
left join crowd_sealed e on e.tenant_id = c.tenant_id and c.status in ('failed', 'timed_out')
    and e.what = case when c.status = 'timed_out' then 'timeout.node' else c.code end
order by c.n
""",
)
_WORDS = cast(
    LiteralString,
    f"""
insert into search_values (tenant_id, key, value, execution_id, started_at)
select c.tenant_id, word.key, word.value, c.id, c.started_at
from crowd c join executions x on x.tenant_id = c.tenant_id and x.id = c.id
cross join lateral (
    select 'label.' || label.key as key, label.value from json_each_text(x.labels) as label
    union all select 'field.order', 'A-' || c.n where c.n %% 5 < 3
    union all select 'field.total', floor(1000 * {_chance(15, "c.n")} ^ 3)::text
) as word
where {_IN_CHUNK}
""",
)
_ERROR_WORDS = f"""
insert into search_values (tenant_id, key, value, execution_id, started_at)
select c.tenant_id, 'error', word, c.id, c.started_at
from crowd c join executions x on x.tenant_id = c.tenant_id and x.id = c.id
join crowd_sealed s on s.tenant_id = c.tenant_id and s.what = x.error_code
cross join unnest(s.words) as word
where {_IN_CHUNK}
"""
_NODE_RUNS = cast(
    LiteralString,
    f"""
insert into node_runs (tenant_id, execution_id, attempt, path, type, status, port, output, error, error_code,
    started_at, ended_at, strand, n, first_seq)
select c.tenant_id, c.id, 1, case when node.turn then 'each[' || m.turn || '].' || node.id else node.id end, node.type,
    m.status, case m.status when 'succeeded' then 'out' when 'failed' then 'error' end,
    case when m.status = 'succeeded' then o.content end, case when m.status = 'failed' then e.content end,
    case when m.status = 'failed' then e.what end, m.began,
    case when m.status in ('succeeded', 'failed') then m.began + c.seconds / c.runs * interval '1 second'
        * (0.2 + 0.8 * {_chance(16, "c.n * 65536 + m.m")}) end,
    '', 2 * m.m, 2 * m.m
from crowd c join executions x on x.tenant_id = c.tenant_id and x.id = c.id
cross join lateral (
    select m, case when m between 4 and c.runs - 3 then (m - 4) / 4 end as turn,
        case when m <= 3 then m - 1 when m <= c.runs - 3 then (m - 4) %% 4 else 5 - (c.runs - m) end as place,
        case when m < c.runs then 'succeeded' when c.status in ('failed', 'timed_out') then 'failed'
            when c.status = 'queued' then 'running' else c.status end as status,
        c.started_at + (m - 1) * c.seconds / c.runs * interval '1 second' as began
    from generate_series(1, c.runs) m
) as m
join crowd_nodes node on node.place = m.place and node.turn = (m.turn is not null)
left join crowd_sealed o on o.tenant_id = c.tenant_id and o.what = 'output'
left join crowd_sealed e on e.tenant_id = c.tenant_id and e.what = x.error_code
where {_IN_CHUNK}
order by c.n, m.m
on conflict do nothing
""",
)
_EVENTS = """
insert into events (tenant_id, execution_id, seq, attempt, strand, n, type, path, at, data, previous, checksum, task)
select r.tenant_id, r.execution_id, 3 * (r.first_seq / 2) + said.place, 1, said.strand,
    case when said.strand is not null then r.n + said.place / 2 end, said.type, r.path,
    case said.place when 0 then r.started_at else r.ended_at end, s.content, 0, 0, 3
from node_runs r
cross join (values (0, '', 'node.started', 'started'), (1, null, 'attempt.succeeded', 'attempt'),
    (2, '', 'node.succeeded', 'succeeded')) as said (place, strand, type, what)
join crowd_sealed s on s.tenant_id = r.tenant_id and s.what = said.what
where r.execution_id = %(id)s and r.ended_at is not null
"""
