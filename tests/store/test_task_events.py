"""What happens while a node waits for people leaves its run waiting, in whatever batches the events come."""

import pytest

from store.database import Database
from store.ids import TenantId
from tests.store.telling import STARTED, Strand, rows, stored
from tests.store.test_journal import write


def told() -> Strand:
    strand = Strand()
    strand.say("execution.started", data=STARTED)
    strand.say("node.started", "ok", {"type": "approval"})
    strand.say("node.waiting", "ok", {"title": "Pay?"})
    strand.say("task.reminded", "ok", {"assignees": []})
    strand.say("task.escalated", "ok", {"to": ["user:b"], "assignees": []})
    strand.say("task.voted", "ok", {"by": "user:a"})
    return strand


@pytest.mark.parametrize("size", [1, 2, 6])
@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
async def test_what_happens_to_a_task_changes_no_status(
    store: Database, tenant: TenantId, size: int, *, backwards: bool
) -> None:
    events = told().said[:: -1 if backwards else 1]
    for n in range(0, len(events), size):
        await write(store, tenant, *events[n : n + size])
    run = (await rows(store, tenant, "node_runs"))["ok"]
    assert (run["status"], run["type"], run["port"], run["ended_at"]) == ("waiting", "approval", None, None)
    assert len(await stored(store, tenant)) == 6


async def test_a_run_that_is_told_anew_waits_as_before(store: Database, tenant: TenantId) -> None:
    strand = told()
    await write(store, tenant, *strand.said)
    other = strand.back_to(2)
    other.say("node.waiting", "ok", {"title": "Other?"}, task=9)
    other.say("task.reminded", "ok", {"assignees": []}, task=9)
    await write(store, tenant, *other.said, replayed=True)
    assert (await rows(store, tenant, "node_runs"))["ok"]["status"] == "waiting"
