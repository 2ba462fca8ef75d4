"""What is read from the sums is what the rows say, between any moments, and is read by an index."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from store import monitoring, rollup_reading, rollups
from store.database import Database
from store.grains import QUARTER
from store.ids import TenantId
from store.rollup_reading import Top, Which
from store.session import Session, session
from tests.api.test_lists import found, recorded

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
QUARTERS = 45 * 96


@pytest.fixture
async def many(store: Database, tenant: TenantId) -> AsyncGenerator[Session]:
    """A tenant's session, over executions of 45 days whose sums are folded but for the last ones."""
    async with session(store, tenant) as opened:
        for part in (range(1, 2_500), range(2_500, 3_000)):
            await opened.sql.execute(text(_FILL), {"low": part.start, "high": part.stop - 1, "began": BEGAN})
            if part.start == 1:
                await rollups.fold(opened)
        await opened.sql.execute(text("analyze"))
        yield opened


_FILL = """
insert into executions (id, workflow, version, status, trigger, labels, started_at, closed_at)
select 'ex_' || n, 'w-' || n % 3, 1, 'succeeded', 'manual', '{}', began, began + interval '2 seconds'
from (
    select n, cast(:began as timestamptz) + (n::bigint * 7919 % 3888000) * interval '1 second' as began
    from generate_series(cast(:low as int), cast(:high as int)) as n
) as run
"""


async def test_sums_between_any_moments_are_those_of_the_rows(many: Session) -> None:
    rows = (await many.sql.execute(text("select workflow, started_at from executions"))).all()
    boundaries = st.lists(st.integers(-10, QUARTERS + 10), min_size=2, max_size=5, unique=True)
    asked: list[list[datetime]] = []

    @settings(
        max_examples=25, database=None, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(boundaries)
    def choose(quarters: list[int]) -> None:
        asked.append([BEGAN + n * QUARTER for n in sorted(quarters)])

    choose()
    for moments in asked:
        sums = await rollup_reading.sums(many, moments, Which(), by=["workflow"])
        expected: dict[tuple[str | int, ...], int] = {}
        for workflow, at in rows:
            number = sum(at >= moment for moment in moments)
            if 0 < number < len(moments):
                expected[number, workflow] = expected.get((number, workflow), 0) + 1
        assert {group: counts["started"] for group, counts in sums.items() if "started" in counts} == expected


async def test_only_the_largest_are_told_of_if_that_is_asked_for(many: Session) -> None:
    span = [BEGAN, BEGAN + timedelta(days=50)]
    everything = await rollup_reading.sums(many, span, Which(), kind="durations", by=["workflow"])
    some = await rollup_reading.sums(many, span, Which(), kind="durations", by=["workflow"], top=Top("time", 2))
    assert some.items() <= everything.items()
    assert len(some) == 2


async def test_no_sum_is_found_by_reading_through_a_table(store: Database, many: Session) -> None:
    span = [BEGAN + timedelta(hours=7), BEGAN + timedelta(days=1, hours=8)]
    async with recorded(store) as statements:
        await rollup_reading.sums(many, span, Which())
        await rollup_reading.sums(many, span, Which(workflow="w-1"), nodes=True, by=["node"], top=Top("time", 5))
        await monitoring.open_by_status(many)
        await monitoring.oldest(many, limit=5)
        await monitoring.waits(many)
        await monitoring.journal(many)
    connection = await many.sql.connection()
    for statement, parameters in statements:
        if statement.startswith("select set_config"):
            continue
        explained = await connection.exec_driver_sql(f"explain (format json) {statement}", parameters)
        plan = explained.scalar_one()
        plan = plan if isinstance(plan, list) else json.loads(plan)
        read = [kind for kind in found(plan) if kind.startswith(("Seq", "Index", "Bitmap"))]
        assert read, statement
        assert "Seq Scan" not in read, (statement, json.dumps(plan))
