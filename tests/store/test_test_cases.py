"""Tests that are kept with workflows: listed by an index, frozen with a version."""

from sqlalchemy import text

from dag.draft import draft
from store import test_cases, workflows
from store.database import Database
from store.ids import TenantId, WorkflowId
from store.session import session


async def test_the_tests_of_one_version_are_listed_by_an_index_and_frozen_with_it(
    store: Database, tenant: TenantId
) -> None:
    async with session(store, tenant) as s:
        row = await workflows.add(s, draft({"name": "shop"}))
        workflow = WorkflowId(row.id)
        for n in range(20):
            await test_cases.put(s, workflow, f"case {n:02}", {"input": n})
        await test_cases.freeze(s, workflow, 1)
        await test_cases.put(s, workflow, "case 03", {"input": "other"})
        assert (await test_cases.find(s, workflow, 1, "case 03")).document == {"input": 3}
        page = await test_cases.page(s, workflow, 1, after="case 17", limit=10)
        assert [each.name for each in page] == ["case 18", "case 19"]
        await s.sql.execute(text("set local enable_seqscan = off"))
        query = "select * from test_cases where workflow_id = 'w' and version = 1 and name > 'a' order by name limit 5"
        plan = "\n".join(await s.sql.scalars(text(f"explain {query}")))
        assert "Index Scan using test_cases_pkey" in plan, plan
