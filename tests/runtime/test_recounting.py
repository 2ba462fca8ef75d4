"""Whoever doubts the sums behind analytics has them counted anew."""

from pydantic import SecretStr
from sqlalchemy import text

from runtime.recounting import recount
from runtime.settings import Settings
from store import journal
from store.database import Database
from store.ids import TenantId
from store.journal import Step
from store.session import session
from tests.api.service import written
from tests.store.telling import whole


async def test_sums_that_somebody_has_spoiled_are_counted_anew(
    store: Database, tenant: TenantId, database_url: str
) -> None:
    async with session(store, tenant) as opened:
        await journal.write(opened, [Step(event) for event in whole()])
        await opened.sql.execute(text("delete from rollup_deltas"))
    settings = Settings(database_url=SecretStr(database_url), master_key=SecretStr(written(store)))
    assert await recount(settings) == 1
    async with session(store, tenant) as opened:
        counted = await opened.sql.execute(
            text("select grain, nodes, count(*) from rollups where level = 0 and kind = 0 group by 1, 2 order by 1, 2")
        )
        assert [tuple(row) for row in counted] == [(n, nodes, 1 + nodes) for n in range(4) for nodes in (False, True)]
