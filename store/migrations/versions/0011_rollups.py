"""Sums for analytics, kept by triggers in the transaction of whoever writes the rows that they are of."""

# ruff: noqa: S608 all SQL here is made of constants

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# What a row counts for, and when. Both the triggers and a count anew ask these, so that they cannot differ. A bucket of
# durations is a twentieth of a power of e wide: its middle is within 2.5 % of everything in it. Bucket 0 is below 1 ms.
MEASURES = """
create function duration_bucket(took bigint) returns text language sql immutable parallel safe as $$
    select 'd:' || case when took < 1000 then 0 else 1 + floor(ln(took / 1000.0::float8) * 20)::int end
$$;

create function took(since timestamptz, until timestamptz) returns bigint language sql immutable parallel safe as $$
    select greatest((extract(epoch from until - since) * 1000000)::bigint, 0)
$$;

create function execution_measures(
    started_at timestamptz, closed_at timestamptz, status text, attempt int, error_code text
) returns table (at timestamptz, key text, amount bigint) language sql immutable parallel safe as $$
    select m.at, m.key collate "C", m.amount from (values
        (started_at, 'started', 1::bigint),
        (case when closed_at is null then started_at end, 'open', 1),
        (closed_at, 's:' || status, 1),
        (case when attempt > 1 then closed_at end, 'retried', 1),
        (case when error_code is not null then closed_at end, 'e:' || left(error_code, 200), 1),
        (case when attempt = 1 and status in ('succeeded', 'failed', 'timed_out') then closed_at end,
            duration_bucket(took(started_at, closed_at)), 1),
        (case when attempt = 1 and status in ('succeeded', 'failed', 'timed_out') then closed_at end,
            'time', took(started_at, closed_at))
    ) as m (at, key, amount) where m.at is not null
$$;

create function node_run_measures(
    started_at timestamptz, ended_at timestamptz, status text, type text, cached boolean, error_code text
) returns table (at timestamptz, key text, amount bigint) language sql immutable parallel safe as $$
    select ended_at, m.key collate "C", m.amount from (values
        (true, 's:' || status, 1::bigint),
        (type is not null, 't:' || type, 1),
        (cached, 'cached', 1),
        (error_code is not null, 'e:' || left(error_code, 200), 1),
        (not cached and started_at is not null and status in ('succeeded', 'failed'),
            duration_bucket(took(started_at, ended_at)), 1),
        (not cached and started_at is not null and status in ('succeeded', 'failed'),
            'time', took(started_at, ended_at))
    ) as m (counts, key, amount) where m.counts and ended_at is not null and status not in ('running', 'waiting')
$$;

create function attempt_measures(at timestamptz, spent json)
returns table (at timestamptz, key text, amount bigint) language sql immutable parallel safe as $$
    select at, m.key collate "C", m.value::bigint from json_each_text(spent) as m (key, value)
$$;

create function definition_path(path text) returns text language sql immutable parallel safe as $$
    select left(case when position('[' in path) = 0 then path
        else regexp_replace(path, '\\[[0-9]+\\]', '', 'g') end, 1000) collate "C"
$$;
"""

EXECUTION = "execution_measures(r.started_at, r.closed_at, r.status, r.attempt, r.error_code)"
NODE_RUN = "node_run_measures(r.started_at, r.ended_at, r.status, r.type, r.cached, r.error_code)"
ATTEMPT = "attempt_measures(r.at, r.spent)"

SIGNED = {
    "insert": "select 1 as sign, new_rows.* from new_rows",
    "delete": "select -1 as sign, old_rows.* from old_rows",
    "update": "select 1 as sign, new_rows.* from new_rows union all select -1 as sign, old_rows.* from old_rows",
}
TRANSITIONS = {
    "insert": "referencing new table as new_rows",
    "delete": "referencing old table as old_rows",
    "update": "referencing old table as old_rows new table as new_rows",
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
MOVED = """
    select s.sign, n.id, s.workflow, s.version, s.trigger
    from old_rows as o join new_rows as n on n.id = o.id
    cross join lateral (values (1, n.workflow, n.version, n.trigger), (-1, o.workflow, o.version, o.trigger)
    ) as s (sign, workflow, version, trigger)
    where (n.workflow, n.version, n.trigger) is distinct from (o.workflow, o.version, o.trigger)
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
        from ({rows}) as r cross join lateral {EXECUTION} as m"""


def within(rows: str, executions: str, measures: str) -> str:
    """Node runs or attempts, with what their executions say of them."""
    sign = "r.sign * x.sign" if "sign" in executions else "r.sign"
    # What attempts used is the executions' too: it is asked for by the hour, where nodes would be many.
    whose = "(definition_path(r.path)), ('')" if measures == ATTEMPT else "(definition_path(r.path))"
    return f"""
        select {sign} as sign, x.workflow collate "C" as workflow, x.version, x.trigger collate "C" as trigger,
            w.node collate "C" as node, m.at, m.key, m.amount
        from ({rows}) as r join {executions} as x on x.id = r.execution_id cross join lateral {measures} as m
        cross join lateral (values {whose}) as w (node)"""


def both(executions: str) -> str:
    """All that happened within executions."""
    runs = within("select 1 as sign, node_runs.* from node_runs", executions, NODE_RUN)
    attempts = within("select 1 as sign, events.* from events where spent is not null", executions, ATTEMPT)
    return f"{runs} union all {attempts}"


def trigger(table: str, verb: str, body: str) -> str:
    """A trigger that does `body` once for each statement."""
    name = f"{table}_rolled_up_on_{verb}"
    return f"""
create function {name}() returns trigger language plpgsql as $$
#variable_conflict use_column
begin
{body}
    return null;
end $$;
create trigger {name} after {verb} on {table} {TRANSITIONS[verb]} for each statement execute function {name}();
"""


def triggers() -> str:
    """Everything that keeps the sums, whoever writes the rows."""
    made = ""
    for verb, rows in SIGNED.items():
        made += trigger("node_runs", verb, added(within(rows, "executions", NODE_RUN)) + ";")
        spent = f"select * from ({rows}) as r where spent is not null"
        events = "new_rows" if verb == "insert" else "old_rows"
        attempts = added(within(spent, "executions", ATTEMPT))
        made += trigger(
            "events",
            verb,
            f"    if exists (select from {events} where spent is not null) then {attempts};\n    end if;",
        )
        if verb != "update":
            made += trigger("executions", verb, added(executions_of(rows)) + ";")
    moved = f"    if exists ({MOVED}) then {added(both(f'({MOVED})'))};\n    end if;"
    made += trigger("executions", "update", f"{added(executions_of(CHANGED))};\n{moved}")
    # Once an execution is gone, nothing says any more what its node runs counted for.
    gone = "(select -1 as sign, old.id, old.workflow, old.version, old.trigger)"
    return f"""{made}
create function executions_rolled_back() returns trigger language plpgsql as $$
#variable_conflict use_column
begin
    {added(both(gone))};
    return old;
end $$;
create trigger executions_rolled_back before delete on executions for each row
execute function executions_rolled_back();
"""


def recount() -> str:
    """A function that counts all rows of the tenant anew. Writers need not wait: in one statement it takes the place of
    all sums that it sees by a count of the rows that it sees."""
    rows = f"""{executions_of("select 1 as sign, executions.* from executions")} union all {both("executions")}"""
    return f"""
create function recount_rollups() returns void language plpgsql as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtextextended('perdure.rollups ' || current_tenant(), 0));
    with folded as (delete from rollups), unfolded as (delete from rollup_deltas)
    {added(rows)};
end $$;
"""


def upgrade() -> None:
    """Expand; what contracts comes in a later release."""
    op.add_column("events", sa.Column("spent", postgresql.JSON(astext_type=sa.Text()), nullable=True))
    op.create_table(
        "rollups",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("nodes", sa.Boolean(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("grain", sa.SmallInteger(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workflow", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(collation="C"), nullable=False),
        sa.Column("node", sa.Text(collation="C"), nullable=False),
        sa.Column("quarters", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("amounts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint(
            "tenant_id", "nodes", "level", "grain", "slot", "workflow", "version", "trigger", "node"
        ),
    )
    op.create_table(
        "rollup_deltas",
        sa.Column("tenant_id", sa.Text(), server_default=sa.text("current_tenant()"), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=False),
        sa.Column("workflow", sa.Text(collation="C"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(collation="C"), nullable=False),
        sa.Column("node", sa.Text(collation="C"), nullable=False),
        sa.Column("quarters", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("keys", postgresql.ARRAY(sa.Text(collation="C")), nullable=False),
        sa.Column("amounts", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id"),
    )
    for table in ("rollups", "rollup_deltas"):
        op.execute(f"alter table {table} enable row level security")
        op.execute(f"alter table {table} force row level security")
        own = "tenant_id = current_tenant()"
        op.execute(f"create policy tenant on {table} to perdure_app, perdure_migrator using ({own}) with check ({own})")
        op.execute(f"grant select, insert, update, delete on {table} to perdure_app")
    for script in (MEASURES, triggers(), recount()):
        op.get_bind().exec_driver_sql(script)
    # What was there before is counted in steps, by 0015.
