"""`settings.concurrency` on a real Temporal server, with a real store: who runs, who waits, who is sent away."""

import asyncio
from typing import Any

import pytest
from pydantic import JsonValue

from dag.concurrency import GATE
from interpreter import admission
from tests.interpreter.documents import computing, work
from tests.interpreter.engine import ended
from tests.interpreter.family import Family, Handle, calling, family
from worker import reconcile

__all__ = ["family"]


async def limited(
    family: Family, *, sleep: float = 20, name: str = "flow", nodes: Any = None, **concurrency: Any
) -> None:
    config = {"sleep": sleep}
    settings = {"concurrency": {"limit": 1, **concurrency}}
    await family.publish(name, nodes or {"a": work("${{ input }}", config=config)}, settings=settings)


def said(family: Family, handle: Handle) -> list[str]:
    return [event.type for event in family.events(handle) if event.type.startswith("execution.")]


async def test_one_more_waits_until_another_has_ended_and_they_run_in_the_order_in_which_they_came(
    family: Family,
) -> None:
    await limited(family, sleep=0.3, limit=2)
    handles: list[Handle] = []
    for n in range(5):
        handles.append(await family.start("flow", n))
        await asyncio.sleep(0.05)
    assert [(await ended(handle)).output for handle in handles] == [{"value": n} for n in range(5)]
    assert family.witness.most == 2
    assert all("execution.queued" in said(family, handle) for handle in handles[2:])
    started = [next(e.at for e in family.events(handle) if e.type == "execution.started") for handle in handles]
    assert started == sorted(started)
    await until_no_gate(family)


async def test_executions_with_different_keys_or_of_different_workflows_do_not_wait_for_each_other(
    family: Family,
) -> None:
    await limited(family, sleep=0.5, key="input.customer")
    await limited(family, sleep=0.5, name="other", key="input.customer")
    inputs: list[JsonValue] = [{"customer": "a"}, {"customer": "b"}, {"customer": None}, {}]
    handles = [await family.start("flow", each) for each in inputs]
    handles.append(await family.start("other", {"customer": "a"}))
    await asyncio.gather(*map(ended, handles))
    assert family.witness.most == 4, "no customer and null are one key"


async def test_one_too_many_is_rejected_with_the_limit_named(family: Family) -> None:
    await limited(family, on_limit="reject")
    first = await family.start("flow")
    await family.until(lambda: family.witness.running)
    error = (await family.run("flow")).error
    assert (error.code, error.message) == (
        "limit.concurrency",
        "1 executions of the workflow run, which is as many as may at once.",
    )
    await first.cancel()
    assert (await ended(first)).status == "cancelled"
    await family.publish("flow", {"a": computing("1")}, settings={"concurrency": {"limit": 1, "on_limit": "reject"}})
    assert (await family.run("flow")).output == 1


async def test_the_newest_replaces_those_before_it(family: Family) -> None:
    await limited(family, on_limit="replace", limit=2)
    handles: list[Handle] = []
    for n in range(4):
        handles.append(await family.start("flow", n))
        await family.until(lambda n=n: len(family.witness.began) == n + 1)
    assert [(await ended(handle)).status for handle in handles[:2]] == ["cancelled"] * 2
    assert family.witness.running == 2
    for handle in handles[2:]:
        await handle.cancel()
        assert (await ended(handle)).status == "cancelled"


async def test_one_that_waits_can_be_cancelled_and_makes_no_others_wait(family: Family) -> None:
    await limited(family)
    handles = [await family.start("flow", n) for n in range(3)]
    last = [["execution.queued"], ["execution.queued"], ["execution.started"]]
    await family.until(lambda: sorted(said(family, each)[-1:] for each in handles) == last)
    running, *waiting = sorted(handles, key=lambda each: "execution.started" not in said(family, each))
    await waiting[0].cancel()
    assert (await ended(waiting[0])).status == "cancelled"
    assert said(family, waiting[0]) == ["execution.queued", "execution.cancelled"]
    await running.cancel()
    await family.until(lambda: "execution.started" in said(family, waiting[1]))
    await waiting[1].cancel()
    assert (await ended(waiting[1])).status == "cancelled"


@pytest.mark.slow
async def test_the_place_of_one_that_was_killed_is_given_to_the_next(family: Family) -> None:
    await limited(family)
    killed = await family.start("flow")
    await family.until(lambda: family.witness.running)
    waiting = await family.start("flow")
    await family.until(lambda: "execution.queued" in said(family, waiting))
    await killed.terminate()
    await family.until(lambda: "execution.started" in said(family, waiting))
    await waiting.cancel()
    assert (await ended(waiting)).status == "cancelled"


async def test_a_gate_that_was_killed_keeps_nobody_waiting_for_ever(
    family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "SILENCE", 1.0)
    await limited(family)
    first = await family.start("flow")
    await family.until(lambda: family.witness.running)
    second = await family.start("flow")
    await family.until(lambda: "execution.queued" in said(family, second))
    while len(found := await gates(family)) != 1:
        await asyncio.sleep(0.05)
    gate = found[0]
    await family.client.get_workflow_handle(gate).terminate()
    await family.until(lambda: "execution.started" in said(family, second))
    assert said(family, second) == ["execution.queued", "execution.started"]
    for handle in (first, second):
        await handle.cancel()
        await ended(handle)
    await until_no_gate(family)


async def test_a_key_that_cannot_be_computed_fails_the_execution(family: Family) -> None:
    await limited(family, key="$number(input)")
    assert (await family.run("flow", "x")).error.code.startswith("expression.")


async def test_time_in_the_queue_is_not_the_executions_own(family: Family) -> None:
    nodes = {"a": work(config={"sleep": 0.4})}
    settings = {"timeout": "1s", "concurrency": {"limit": 1}}
    await family.publish("flow", nodes, settings=settings)
    handles = [await family.start("flow") for _ in range(4)]
    assert [(await ended(handle)).status for handle in handles] == ["succeeded"] * 4


async def test_a_sub_workflow_waits_for_its_turn_and_its_parent_for_it(family: Family) -> None:
    await limited(family, sleep=0.3)
    loop = {
        "type": "for_each",
        "config": {"items": "[1..3]", "concurrency": 3, "body": {"nodes": {"call": calling("flow", "${{ item }}")}}},
    }
    await family.publish("parent", {"loop": loop})
    assert (await family.run("parent")).output == [{"value": n} for n in (1, 2, 3)]
    assert family.witness.most == 1


async def test_what_a_key_says_stands_nowhere_in_the_open(family: Family) -> None:
    await limited(family, key="'very-private-' & input")
    handle = await family.start("flow", "ann")
    await family.until(lambda: family.witness.running)
    while not (found := await gates(family)):
        await asyncio.sleep(0.05)
    assert not [id for id in found if "private" in id]
    await handle.cancel()
    await ended(handle)


async def test_the_pass_that_mends_journals_takes_no_gate_for_a_part_of_an_execution(
    family: Family, caplog: pytest.LogCaptureFixture
) -> None:
    await limited(family, sleep=0)
    await family.run("flow")
    await until_no_gate(family)
    await reconcile.run(family.client, family.store, None)
    assert not [record.getMessage() for record in caplog.records if GATE in record.getMessage()]


async def until_no_gate(family: Family) -> None:
    """A gate ends with nobody inside."""
    while await gates(family):
        await asyncio.sleep(0.1)


async def gates(family: Family) -> list[str]:
    """The open ones."""
    query = f'WorkflowType = "{GATE}" AND ExecutionStatus = "Running"'
    return [each.id async for each in family.client.list_workflows(query) if each.id.startswith(family.tenant)]
