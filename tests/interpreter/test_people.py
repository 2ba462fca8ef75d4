"""Tasks for people on a real Temporal server: asked, reminded of, decided once, answered truly for ever."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from dag.task_ids import TaskPlace, task_place
from dag.task_messages import DECIDE, DECIDED, TASK, Answer, Decided, Task
from interpreter.start import Tuning
from tests.interpreter.documents import chain, computing, document, work
from tests.interpreter.engine import Engine, ended, engine_on, until
from tests.interpreter.histories import Handle, replayed, runs
from tests.interpreter.people import approval, asked, decide, decision, refused, tasks


def events(engine: Engine, handle: Handle, *types: str) -> list[tuple[str, str, Any]]:
    return [(event.type, event.path, event.data) for event in engine.events(handle) if event.type in types]


async def test_an_approval_says_what_it_asks_and_goes_on_as_it_is_decided(engine: Engine) -> None:
    form = {"type": "object", "properties": {"sum": {"type": "number", "default": 7}}}
    node = approval(title="Pay ${{ input }}?", description="Now.", form=form, assignees=["group:finance"])
    flow = document({"ok": node, "pay": computing("nodes.ok.output", ["ok.approved"])})
    handle = await engine.start(flow, "A-1")
    [task] = await asked(handle)
    assert (task.title, task.description, task.form, task.assignees) == ("Pay A-1?", "Now.", form, ("group:finance",))
    assert (task.status, task.required, task.votes) == ("open", 1, ())
    said = decision("ok", groups=("group:finance",), comment="Fine.", values={"note": 1})
    told = await decide(handle, said)
    assert (told.status, told.verdict, told.by, told.comment) == ("approved", "approve", "user:ann", "Fine.")
    filled = {"note": 1, "sum": 7}
    output = {"verdict": "approve", "by": "user:ann", "at": told.at, "comment": "Fine.", "values": filled}
    assert (await ended(handle)).output == output
    waits, voted = events(engine, handle, "node.waiting", "task.voted")
    assert task_place(task.id) == TaskPlace(handle.id.partition("/")[2], 1, "ok")
    assert waits[2] == {
        "task": task.id,
        "title": "Pay A-1?",
        "description": "Now.",
        "form": form,
        "assignees": ["group:finance"],
        "due": task.due,
        "required": 1,
    }
    assert voted[2] == {"by": "user:ann", "verdict": "approve", "comment": "Fine.", "values": filled}


async def test_a_rejection_leaves_by_its_port_with_who_and_why(engine: Engine) -> None:
    nodes = {"ok": approval(), "pay": computing("1", ["ok.approved"]), "tell": computing("nodes.ok", ["ok.rejected"])}
    handle = await engine.start(document(nodes, output="${{ nodes.tell.output }}"))
    await asked(handle)
    told = await decide(handle, decision("ok", verdict="reject", comment="No."))
    output = {"verdict": "reject", "by": "user:ann", "at": told.at, "comment": "No.", "values": None}
    assert told.status == "rejected"
    assert (await ended(handle)).output == {"status": "succeeded", "port": "rejected", "error": None, "output": output}
    assert engine.statuses(handle)["pay"] == "skipped"


async def test_an_ask_takes_a_form_and_no_verdict(engine: Engine) -> None:
    form = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    node = {"type": "ask", "config": {"title": "Who?", "due": "1h", "form": form}}
    handle = await engine.start(document({"who": node, "on": computing("nodes.who.output", ["who.answered"])}))
    await asked(handle)
    assert (await refused(handle, decision("who", values={"name": "Ann"})))[0] == "approval.form"
    code, problems = await refused(handle, decision("who", verdict=None, values={"name": 1}))
    assert code == "approval.form"
    assert [(each["code"], each["path"]) for each in problems] == [("wrong_type", "/values/name")]
    assert (await refused(handle, decision("who", verdict=None)))[0] == "approval.form"
    told = await decide(handle, decision("who", verdict=None, values={"name": "Ann"}))
    assert (told.status, told.verdict) == ("answered", None)
    output = {"verdict": None, "by": "user:ann", "at": told.at, "comment": None, "values": {"name": "Ann"}}
    assert (await ended(handle)).output == output


async def test_what_is_refused_leaves_nothing_in_history(engine: Engine) -> None:
    node = approval(assignees=["user:ann", "group:finance"])
    handle = await engine.start(document({"ok": node}), started_by="user:ann")
    await asked(handle)
    before = len((await handle.fetch_history()).events)
    assert await refused(handle, decision("ok", "user:bob", groups=("group:sales",))) == (
        "approval.not_assigned",
        None,
    )
    assert (await refused(handle, decision("ok")))[0] == "approval.self"
    assert (await refused(handle, decision("ok", "user:bob", verdict=None, groups=("group:finance",))))[0] == (
        "approval.form"
    )
    for path in ("no", "ok.x", "ok[0]", ""):
        assert (await refused(handle, decision(path)))[0] == "approval.unknown"
    assert (await refused(handle, decision("ok", attempt=2)))[0] == "approval.unknown"
    assert len((await handle.fetch_history()).events) == before
    assert (await decide(handle, decision("ok", "user:bob", groups=("group:finance",)))).status == "approved"


async def test_who_started_it_may_decide_where_that_is_allowed(engine: Engine) -> None:
    handle = await engine.start(document({"ok": approval(allow_self=True)}), started_by="user:ann")
    await asked(handle)
    assert (await decide(handle, decision("ok"))).by == "user:ann"


async def test_a_quorum_counts_people_and_one_rejection_rejects(engine: Engine) -> None:
    flow = document({"a": approval(required=2), "b": approval(required=2)}, output="${{ nodes.a.port & nodes.b.port }}")
    handle = await engine.start(flow)
    await asked(handle, 2)
    first = await decide(handle, decision("a", "user:ann"))
    assert (first.status, first.verdict, [each.by for each in first.votes]) == ("open", None, ["user:ann"])
    assert await decide(handle, decision("a", "user:ann", comment="again")) == first
    second = await decide(handle, decision("a", "user:bob"))
    assert (second.status, [each.by for each in second.votes]) == ("approved", ["user:ann", "user:bob"])
    await decide(handle, decision("b", "user:ann"))
    assert (await decide(handle, decision("b", "user:ann", verdict="reject"))).status == "rejected"
    assert (await ended(handle)).output == "approvedrejected"


async def test_one_vote_repeated_answers_as_before_and_another_is_refused_with_the_outcome(engine: Engine) -> None:
    handle = await engine.start(document({"ok": approval(required=2), "on": approval(["ok.approved"])}))
    await asked(handle)
    early = decision("ok", "user:ann")
    first, second = await decide(handle, early), await decide(handle, decision("ok", "user:bob"))
    assert await decide(handle, decision("ok", "user:bob")) == second
    assert await decide(handle, decision("ok", "user:ann")) == first
    assert await handle.execute_update(DECIDE, early, id="another", result_type=Decided) == first
    for late in (decision("ok", "user:cem"), decision("ok", "user:bob", verdict="reject")):
        code, outcome = await refused(handle, late)
        assert code == "approval.closed"
        assert (outcome["status"], outcome["by"], outcome["at"]) == ("approved", "user:bob", second.at)
    await handle.cancel()


@pytest.mark.parametrize("on_timeout", ["port", "fail", "approve", "reject"])
async def test_the_deadline_does_what_on_timeout_says(engine: Engine, on_timeout: str) -> None:
    nodes = {
        "ok": approval(due="200ms", on_timeout=on_timeout),
        "no": computing("nodes.ok.output.by", ["ok.timeout"]),
        "hold": {
            "type": "delay",
            "needs": ["ok.timeout", "ok.approved", "ok.rejected", "ok.error"],
            "config": {"for": "1h"},
        },
    }
    handle = await engine.start(document(nodes))
    await until(lambda: engine.statuses(handle).get("hold") == "waiting")
    status = {"port": "timeout", "fail": "timeout", "approve": "approved", "reject": "rejected"}[on_timeout]
    code, outcome = await refused(handle, decision("ok"))
    assert code == "approval.closed"
    assert (outcome["status"], outcome["by"]) == (status, None)
    ends: dict[str, Any] = {event.type: event.data for event in engine.events(handle) if event.path == "ok"}
    if on_timeout == "fail":
        assert ends["node.failed"]["error"]["code"] == "approval.timeout"
    else:
        verdict = on_timeout if on_timeout != "port" else None
        output = {"verdict": verdict, "by": None, "at": outcome["at"], "comment": None, "values": None}
        assert ends["node.succeeded"] == {"port": status, "output": output}
    await handle.cancel()


async def test_a_deadline_that_nothing_is_wired_to_fails_the_node(engine: Engine) -> None:
    error = (await engine.run(document({"ok": approval(due="50ms")}))).error
    assert (error.code, error.path) == ("approval.timeout", "ok")


async def test_people_are_reminded_and_others_are_asked_too_as_time_passes(engine: Engine) -> None:
    escalate = [{"after": "150ms", "to": ["user:boss", "user:ann"]}]
    node = approval(assignees=["user:ann"], reminders=["250ms", "50ms"], escalate=escalate)
    handle = await engine.start(document({"ok": node}))
    await asked(handle)
    assert (await refused(handle, decision("ok", "user:boss")))[0] == "approval.not_assigned"
    await until(lambda: len(events(engine, handle, "task.reminded")) == 2)
    both = ["user:ann", "user:boss"]
    assert events(engine, handle, "task.reminded", "task.escalated") == [
        ("task.reminded", "ok", {"assignees": ["user:ann"]}),
        ("task.escalated", "ok", {"to": ["user:boss", "user:ann"], "assignees": both}),
        ("task.reminded", "ok", {"assignees": both}),
    ]
    assert (await decide(handle, decision("ok", "user:boss"))).status == "approved"


async def test_each_turn_and_branch_asks_for_itself(engine: Engine) -> None:
    body = {"nodes": {"ok": approval(title="Pay ${{ item }}?")}, "output": "${{ nodes.ok.output.by }}"}
    nodes = {
        "each": {"type": "for_each", "config": {"items": "input", "body": body}},
        "fan": {
            "type": "parallel",
            "config": {"branches": {"left": {"nodes": {"ok": approval()}}, "right": {"nodes": {"ok": approval()}}}},
        },
    }
    handle = await engine.start(document(nodes), [1, 2, 3])
    open = await asked(handle, 5)
    assert {task.path: task.title for task in open} == {
        "each[0].ok": "Pay 1?",
        "each[1].ok": "Pay 2?",
        "each[2].ok": "Pay 3?",
        "fan.left.ok": "Pay?",
        "fan.right.ok": "Pay?",
    }
    for number, task in enumerate(reversed(open)):
        await decide(handle, decision(task.path, f"user:{number}"))
    output: Any = (await ended(handle)).output
    assert output["each"] == ["user:4", "user:3", "user:2"]
    assert {name: each["by"] for name, each in output["fan"].items()} == {"left": "user:1", "right": "user:0"}


async def test_the_first_of_two_to_decide_ends_the_race_for_the_other(engine: Engine) -> None:
    branches = {"left": {"nodes": {"ok": approval()}}, "right": {"nodes": {"ok": approval()}}}
    fan = {"type": "parallel", "config": {"branches": branches, "wait": "any", "result": "first"}}
    handle = await engine.start(document({"fan": fan, "hold": {**approval(), "needs": ["fan"]}}))
    await asked(handle, 2)
    both = await asyncio.gather(
        *(
            handle.execute_update(DECIDE, decision(f"fan.{side}.ok", side), result_type=Decided)
            for side in ("left", "right")
        ),
        return_exceptions=True,
    )
    assert [isinstance(each, Decided) for each in both].count(True) == 1
    [won] = [each for each in both if isinstance(each, Decided)]
    lost = "right" if won.by == "left" else "left"
    code, outcome = await refused(handle, decision(f"fan.{lost}.ok", "late"))
    assert code == "approval.closed"
    assert (outcome["status"], outcome["by"]) == ("cancelled", None)
    await handle.cancel()


async def test_a_nodes_own_timeout_ends_the_waiting(engine: Engine) -> None:
    handle = await engine.start(document({"ok": approval(node={"timeout": "100ms"})}))
    assert (await ended(handle)).error.code == "timeout.node"
    assert await tasks(handle) == []


async def test_a_cancel_ends_the_waiting(engine: Engine) -> None:
    handle = await engine.start(document({"ok": approval()}))
    await asked(handle)
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    assert engine.statuses(handle) == {"ok": "cancelled"}
    task = await handle.query(TASK, "ok", result_type=Task)
    assert (task.status, task.title, task.by) == ("cancelled", "Pay?", None)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"title": "${{ null }}"}, "`title`"),
        ({"assignees": ["user:a", "${{ 'ann' }}"]}, "`assignees`"),
        ({"assignees": "${{ 'user:ann' }}"}, "`assignees`"),
        ({"required": "${{ 0 }}"}, "`required`"),
        ({"due": "${{ 'soon' }}"}, "`due`"),
        ({"due": "${{ '0s' }}"}, "`due`"),
        ({"form": {"type": "${{ 'objekt' }}"}}, "`form`"),
        ({"escalate": [{"after": "1s", "to": "${{ [] }}"}]}, "`to`"),
        ({"on_timeout": "${{ 'explode' }}"}, "`on_timeout`"),
        ({"allow_self": "${{ 'yes' }}"}, "`allow_self`"),
    ],
    ids=lambda given: "" if isinstance(given, str) else next(iter(given)),
)
async def test_what_cannot_be_asked_is_an_error_of_the_config(
    engine: Engine, config: dict[str, Any], told: str
) -> None:
    error = (await engine.run(document({"ok": approval(**config)}))).error
    assert error.code == "config.invalid"
    assert told in error.message


async def test_a_decision_can_come_as_a_signal_and_a_wrong_one_changes_nothing(engine: Engine) -> None:
    handle = await engine.start(document({"ok": approval(assignees=["user:ann"])}))
    await asked(handle)
    for said in (decision("ok", "user:bob"), decision("no"), decision("ok", verdict=None), "nonsense", decision("ok")):
        await handle.signal(DECIDE, said)
    output: Any = (await ended(handle)).output
    assert (output["verdict"], output["by"]) == ("approve", "user:ann")
    assert [data["by"] for _, _, data in events(engine, handle, "task.voted")] == ["user:ann"]


async def test_an_open_task_with_all_that_was_said_survives_continuing_as_new(engine: Engine) -> None:
    flow = chain(6)
    form = {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}
    flow["nodes"]["ok"] = approval(
        required=2, form=form, assignees=["user:ann"], escalate=[{"after": "2s", "to": ["user:bob"]}]
    )
    flow["nodes"]["done"] = approval(due="50ms", on_timeout="approve")
    flow["nodes"]["more"] = work(1, ["ok.approved"])
    flow["nodes"]["last"] = approval(["more"])
    flow["output"] = "${{ nodes.ok.output }}"
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    await asked(handle)
    said = decision("ok", "user:ann", values={"n": 1})
    first = await decide(handle, said)
    await until(lambda: engine.statuses(handle).get("n5") == "succeeded")
    await until(lambda: events(engine, handle, "task.escalated"))
    assert len(await runs(engine.client, handle)) > 4
    assert await decide(handle, said) == first
    assert (await refused(handle, decision("ok", "user:cem", values={})))[0] == "approval.not_assigned"
    assert (await refused(handle, decision("ok", "user:bob", values={"n": "x"})))[0] == "approval.form"
    second = decision("ok", "user:bob", values={})
    told = await decide(handle, second)
    await asked(handle)
    assert await decide(handle, second) == told
    assert (await refused(handle, decision("ok", "user:cem")))[0] == "approval.closed"
    assert (await refused(handle, decision("done", "user:cem")))[0] == "approval.closed"
    await decide(handle, decision("last"))
    output: Any = (await ended(handle)).output
    assert (output["by"], output["values"]) == ("user:bob", {"n": 3})


async def told(handle: Handle, by: int, verdict: str = "approve") -> Decided | tuple[str, Any]:
    """Decide, as long as it takes to be answered: what the API does."""
    said = decision("ok", f"user:{by}", verdict)
    while True:
        try:
            return await handle.execute_update(DECIDE, said, id=said.id, result_type=Decided)
        except RPCError as silence:
            if silence.status != RPCStatusCode.NOT_FOUND:
                continue
            answer = await handle.query(DECIDED, said, result_type=Answer)
            if answer.decided is not None:
                return answer.decided
            assert answer.refused is not None
            return answer.refused.code, answer.refused.details
        except Exception as failed:
            cause: Any = failed.__cause__
            return cause.type, cause.details[0]


async def test_thirty_at_once_make_one_decision_and_all_are_told_truly(engine: Engine) -> None:
    flow = document({"ok": approval(), "last": approval()}, output="${{ nodes.ok.output }}")
    handle = await engine.start(flow)
    await asked(handle, 2)
    answers = await asyncio.gather(*(told(handle, n) for n in range(30)))
    await decide(handle, decision("last"))
    decided = [each for each in answers if isinstance(each, Decided)]
    refusals = [each for each in answers if not isinstance(each, Decided)]
    assert len(decided) == 1
    output: Any = (await ended(handle)).output
    assert output["by"] == decided[0].by
    assert {code for code, _ in refusals} == {"approval.closed"}
    assert {outcome["by"] for _, outcome in refusals} == {output["by"]}
    assert [path for _, path, _ in events(engine, handle, "task.voted")] == ["ok", "last"]


async def test_decisions_while_the_execution_continues_as_new_are_all_made_once_and_answered(engine: Engine) -> None:
    flow = chain(30)
    flow["nodes"]["ok"] = approval(required=30)
    flow["output"] = "${{ nodes.ok.output.verdict }}"
    handle = await engine.start(flow, {"x": 1}, tuning=Tuning(continue_after=1))
    await asked(handle)
    answers = await asyncio.gather(*(told(handle, n) for n in range(30)))
    assert (await ended(handle)).output == "approve"
    assert len(await runs(engine.client, handle)) > 20
    assert all(isinstance(each, Decided) for each in answers), answers
    counts = sorted(len(each.votes) for each in answers if isinstance(each, Decided))
    assert counts == list(range(1, 31)), "each vote is there, and none twice"
    assert len(events(engine, handle, "task.voted")) == 30
    assert {f"user:{n}" for n in range(30)} == {data["by"] for _, _, data in events(engine, handle, "task.voted")}


@pytest.mark.parametrize("cached", [0, 100])
async def test_what_was_decided_replays_as_it_was(client: Client, cached: int) -> None:
    async with engine_on(client, max_cached_executions=cached) as engine:
        nodes = {
            "ok": approval(required=2, reminders=["50ms"]),
            "on": approval(["ok.approved"]),
            "no": approval(due="100ms", on_timeout="reject"),
        }
        handle = await engine.start(document(nodes))
        await asked(handle)
        await decide(handle, decision("ok", "user:ann"))
        await refused(handle, decision("nothing"))
        await handle.signal(DECIDE, decision("ok", "user:bob"))
        await until(lambda: engine.statuses(handle).get("on") == "waiting")
        await refused(handle, decision("ok", "user:cem"))
        await until(lambda: engine.statuses(handle).get("no") == "succeeded")
        await decide(handle, decision("on", "user:ann"))
        assert (await ended(handle)).status == "succeeded"
        said = {event.n: (event.type, event.path, event.data) for event in engine.events(handle)}
        for history in await runs(client, handle):
            again = await replayed(history, client.data_converter)
            assert {event.n: (event.type, event.path, event.data) for event in again} == said
