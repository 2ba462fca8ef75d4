"""Sums that are kept by kind, and counted anew in steps: executions that have not come to it yet do not count."""

# ruff: noqa: S608 all SQL here is made of constants

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

EXECUTION = "execution_measures(r.started_at, r.closed_at, r.status, r.attempt, r.error_code)"
NODE_RUN = "node_run_measures(r.started_at, r.ended_at, r.status, r.type, r.cached, r.error_code)"
ATTEMPT = "attempt_measures(r.at, r.spent)"

SIGNED = {
    "insert": "select 1 as sign, new_rows.* from new_rows",
    "delete": "select -1 as sign, old_rows.* from old_rows",
    "update": "select 1 as sign, new_rows.* from new_rows union all select -1 as sign, old_rows.* from old_rows",
}
# Rows of executions are often written where nothing changes that counts.
CHANGED = """
    select s.sign, s.id, s.workflow, s.version, s.trigger, s.started_at, s.closed_at, s.status, s.attempt, s.error_code
    from old_rows as o join new_rows as n on n.id = o.id cross join lateral (values
        (1, n.id, n.workflow, n.version, n.trigger, n.started_at, n.closed_at, n.status, n.attempt, n.error_code),
        (-1, o.id, o.workflow, o.version, o.trigger, o.started_at, o.closed_at, o.status, o.attempt, o.error_code)
    ) as s (sign, id, workflow, version, trigger, started_at, closed_at, status, attempt, error_code)
    where (n.workflow, n.version, n.trigger, n.started_at, n.closed_at, n.error_code)
        is distinct from (o.workflow, o.version, o.trigger, o.started_at, o.closed_at, o.error_code)
        or n.closed_at is not null and (n.status, n.attempt) is distinct from (o.status, o.attempt)
"""


def counted(row: str) -> str:
    """Whether an execution has been counted, by the place that the function has read."""
    return f"(place_at is null or ({row}.started_at, {row}.id) >= (place_at, place_id))"


# A start that moves from before the place to behind it, or back, takes all of its execution along.
MOVED = f"""
    select s.sign, n.id, s.workflow, s.version, s.trigger, s.started_at
    from old_rows as o join new_rows as n on n.id = o.id
    cross join lateral (values
        (1, n.workflow, n.version, n.trigger, n.started_at), (-1, o.workflow, o.version, o.trigger, o.started_at)
    ) as s (sign, workflow, version, trigger, started_at)
    where (n.workflow, n.version, n.trigger, {counted("n")})
        is distinct from (o.workflow, o.version, o.trigger, {counted("o")})
"""

# Whoever counts anew waits until nobody writes, and then moves the place: no row is counted twice or never.
PLACE = """
    perform pg_advisory_xact_lock_shared(hashtextextended('perdure.counted ' || current_tenant(), 0));
    select started_at, execution_id into place_at, place_id from rollup_recounts;
"""


def function(name: str, body: str, *, end: str = "null", place: str = PLACE) -> str:
    """What a trigger does."""
    return f"""
create or replace function {name}() returns trigger language plpgsql as $$
#variable_conflict use_column
declare place_at timestamptz; place_id text;
begin
{place}
{body}
    return {end};
end $$;
"""


def added(rows: str) -> str:
    """Append what rows of (sign, slot, quarter, workflow, version, trigger, node, key, amount) come to."""
    return f"""
    insert into rollup_deltas (slot, workflow, version, trigger, node, quarters, keys, amounts)
    select slot, workflow, version, trigger, node, array_agg(quarter), array_agg(key), array_agg(amount) from (
        select date_bin('1 hour', at, '2000-01-01Z') as slot, (extract(minute from at)::int / 15)::smallint as quarter,
            workflow, version, trigger, node, key,
            greatest(least(sum(sign * amount), 9e18), -9e18)::bigint as amount
        from ({rows}) as measured
        where workflow <> '' and trigger <> 'test'
        group by 1, 2, 3, 4, 5, 6, 7 having sum(sign * amount) <> 0
    ) as summed
    group by slot, workflow, version, trigger, node order by slot, workflow, node"""


def executions_of(rows: str) -> str:
    """Executions by themselves."""
    return f"""
        select r.sign, r.workflow collate "C" as workflow, r.version, r.trigger collate "C" as trigger,
            '' collate "C" as node, m.at, m.key, m.amount
        from ({rows}) as r cross join lateral {EXECUTION} as m where {counted("r")}"""


def within(rows: str, executions: str, measures: str) -> str:
    """Node runs or attempts, with what their executions say of them."""
    sign = "r.sign * x.sign" if "sign" in executions else "r.sign"
    # What attempts used is the executions' too: it is asked for by the hour, where nodes would be many.
    whose = "(definition_path(r.path)), ('')" if measures == ATTEMPT else "(definition_path(r.path))"
    return f"""
        select {sign} as sign, x.workflow collate "C" as workflow, x.version, x.trigger collate "C" as trigger,
            w.node collate "C" as node, m.at, m.key, m.amount
        from ({rows}) as r join {executions} as x on x.id = r.execution_id cross join lateral {measures} as m
        cross join lateral (values {whose}) as w (node) where {counted("x")}"""


def both(executions: str) -> str:
    """All that happened within executions."""
    runs = within("select 1 as sign, node_runs.* from node_runs", executions, NODE_RUN)
    attempts = within("select 1 as sign, events.* from events where spent is not null", executions, ATTEMPT)
    return f"{runs} union all {attempts}"


def triggers() -> str:
    """Everything that keeps the sums, whoever writes the rows."""
    made = ""
    for verb, rows in SIGNED.items():
        made += function(f"node_runs_rolled_up_on_{verb}", added(within(rows, "executions", NODE_RUN)) + ";")
        spent = f"select * from ({rows}) as r where spent is not null"
        events = "new_rows" if verb == "insert" else "old_rows"
        attempts = added(within(spent, "executions", ATTEMPT))
        made += function(
            f"events_rolled_up_on_{verb}",
            f"    if exists (select from {events} where spent is not null) then {PLACE} {attempts};\n    end if;",
            place="",
        )
        if verb != "update":
            made += function(f"executions_rolled_up_on_{verb}", added(executions_of(rows)) + ";")
    moved = f"    if exists ({MOVED}) then {added(both(f'({MOVED})'))};\n    end if;"
    made += function("executions_rolled_up_on_update", f"{added(executions_of(CHANGED))};\n{moved}")
    # Once an execution is gone, nothing says any more what its node runs counted for.
    gone = "(select -1 as sign, old.id, old.workflow, old.version, old.trigger, old.started_at)"
    return made + function("executions_rolled_back", added(both(gone)) + ";", end="old")


# `last_seq` tells how large an execution is, near enough. One alone may be larger than what is wanted. What belongs to
# an execution is looked up by its id, however few the planner expects.
STEP = f"""
create function recount_some(most bigint) returns boolean language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set work_mem = '64MB' as $$
#variable_conflict use_column
declare was_at timestamptz; was_id text; place_at timestamptz; place_id text;
begin
    perform pg_advisory_xact_lock(hashtextextended('perdure.counted ' || current_tenant(), 0));
    select started_at, execution_id into was_at, was_id from rollup_recounts;
    if was_at is null then
        return false;
    end if;
    select started_at, id into place_at, place_id from (
        select started_at, id, row_number() over listed as number, sum(1 + last_seq) over listed as size
        from (
            select started_at, id, last_seq from executions where (started_at, id) < (was_at, was_id)
            order by started_at desc, id desc limit least(most, 100000)
        ) as next window listed as (order by started_at desc, id desc rows unbounded preceding)
    ) as sized where number = 1 or size <= most order by number desc limit 1;
    if place_at is null then
        delete from rollup_recounts;
        return false;
    end if;
    with next as materialized (
        select id, workflow, version, trigger, started_at, closed_at, status, attempt, error_code from executions
        where (started_at, id) < (was_at, was_id) and (started_at, id) >= (place_at, place_id)
    )
    {added(f"{executions_of('select 1 as sign, next.* from next')} union all {both('next')}")};
    update rollup_recounts set started_at = place_at, execution_id = place_id;
    return true;
end $$;

create function recount_rollups() returns void language plpgsql as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('perdure.rollups ' || current_tenant(), 0));
    perform pg_advisory_xact_lock(hashtextextended('perdure.counted ' || current_tenant(), 0));
    delete from rollups;
    delete from rollup_deltas;
    insert into rollup_recounts (started_at, execution_id) values ('9999-01-01Z', '')
    on conflict on constraint rollup_recounts_pkey do update set started_at = excluded.started_at;
end $$;
"""


def upgrade() -> None:
    """Expand; what contracts comes in a later release. Sums are what rows say, and are made of these again."""
    op.drop_table("rollups")
    op.execute("truncate rollup_deltas")
    op.create_table(
        "rollups",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("nodes", sa.Boolean(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("grain", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workflow", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(collation="C"), nullable=False),
        sa.Column("node", sa.Text(collation="C"), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.BigInteger(), nullable=False),
        sa.Column("busy", sa.BigInteger(), nullable=False),
        sa.Column("quarters", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("amounts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "nodes", "level", "grain", "kind", "slot", "workflow", "version", "trigger", "node"
        ),
    )
    op.create_table(
        "rollup_recounts",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("execution_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id"),
    )
    for table in ("rollups", "rollup_recounts"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        own = "tenant_id = current_tenant()"
        op.execute(f"create policy tenant on {table} to perdure_app, perdure_migrator using ({own}) with check ({own})")
        op.execute(f"grant select, insert, update, delete on {table} to perdure_app")
    op.execute("drop function recount_rollups()")
    for script in (triggers(), STEP, COUNT_EVERYBODY):
        op.get_bind().exec_driver_sql(script)


# Nobody's rows are seen without a tenant. The passes that look after journals go on with it.
COUNT_EVERYBODY = """
do $$
declare tenant text; before text := current_setting('perdure.tenant', true);
begin
    for tenant in select id from tenant_ids() as id loop
        perform set_config('perdure.tenant', tenant, true);
        perform recount_rollups();
    end loop;
    perform set_config('perdure.tenant', coalesce(before, ''), true);
end $$;
"""
