"""A large batch of the journal is written in two transactions, each for executions of its own."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from store import journal
from store.database import Database, StoreUnavailable
from store.ids import TenantId
from store.session import Session
from tests.store.telling import rows, stored, whole
from worker.journal import LARGE, writing
from worker.sink import Step, Unavailable

NODES = [f"n{number}" for number in range(10)]
EXECUTIONS = [f"ex_{number}" for number in range(30)]


def batch(tenant: TenantId, executions: Sequence[str], nodes: Sequence[str]) -> list[Step]:
    """What executions that run beside one another say."""
    said = [whole(execution, nodes) for execution in executions]
    events = [event for turn in zip(*said, strict=True) for event in turn]
    assert len(events) >= LARGE
    return [Step(replace(event, tenant=tenant), False) for event in events]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The executions of each transaction."""
    write, seen = journal.write, list[set[str]]()

    async def watched(session: Session, entries: list[journal.Entry]) -> None:
        seen.append({each.event.execution for each in entries if isinstance(each, journal.Step)})
        if len(seen) == 2:
            raise StoreUnavailable
        await write(session, entries)

    monkeypatch.setattr(journal, "write", watched)
    return seen


async def test_an_outage_of_one_half_is_made_good_and_nothing_is_written_twice(
    store: Database, tenant: TenantId, written: list[set[str]]
) -> None:
    write, entries = writing(store), batch(tenant, EXECUTIONS, NODES)
    with pytest.raises(Unavailable):
        await write(entries)
    await write(entries)
    for first, second in (written[:2], written[2:]):
        assert not first & second
        assert first | second == set(EXECUTIONS)
        assert abs(len(first) - len(second)) <= 1
    for execution in EXECUTIONS:
        told = await stored(store, tenant, execution)
        assert [each.seq for each in told] == list(range(1, 2 * len(NODES) + 3))
    assert {row["status"] for row in (await rows(store, tenant, "executions")).values()} == {"succeeded"}


async def test_what_one_execution_says_stays_together(
    store: Database, tenant: TenantId, written: list[set[str]]
) -> None:
    entries = batch(tenant, ["ex_long"], [f"n{number}" for number in range(LARGE)])
    await writing(store)(entries)
    assert written == [{"ex_long"}]
