"""The interpreter on a real Temporal server: what a definition says is what happens."""

import asyncio
from typing import Any

from pydantic import JsonValue
from temporalio.api.enums.v1 import EventType

from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended
from tests.interpreter.histories import readable

MAPPED: dict[str, Any] = {"type": "map", "config": {"items": "[1, 2]", "expression": "item"}}


async def test_outputs_flow_along_the_edges(engine: Engine) -> None:
    chain = document(
        {
            "a": work("${{ input.x }}"),
            "b": work("got ${{ nodes.a.output.value }}", ["a"]),
            "c": {"type": "transform", "needs": ["b"], "config": {"expression": "$uppercase(nodes.b.output.value)"}},
        }
    )
    assert (await engine.run(chain, {"x": 7})).output == "GOT 7"


async def test_the_data_words_compute_what_they_promise(engine: Engine) -> None:
    rows: list[JsonValue] = [{"k": "b", "n": 2}, {"k": "a", "n": 3}, {"k": "b", "n": 1}]
    nodes: dict[str, Any] = {
        "mapped": {"type": "map", "config": {"items": "input.rows", "expression": "item.n * 10 + index"}},
        "kept": {"type": "filter", "config": {"items": "input.rows", "condition": "item.n > 2"}},
        "sum": {"type": "reduce", "config": {"items": "input.rows", "initial": "100", "expression": "result + item.n"}},
        "sorted": {"type": "sort", "config": {"items": "input.rows", "by": "item.n", "order": "descending"}},
        "grouped": {"type": "group", "config": {"items": "input.rows", "by": "item.k"}},
        "cut": {"type": "split", "config": {"items": "input.rows.n", "size": 2}},
        "merged": {"type": "merge", "config": {"sources": ["input.rows[0]", "input.none", "{'z': 1}"]}},
        "listed": {"type": "merge", "config": {"sources": ["1", "input.none", "[2]"], "mode": "list"}},
    }
    assert (await engine.run(document(nodes), {"rows": rows})).output == {
        "mapped": [20, 31, 12],
        "kept": [rows[1]],
        "sum": 106,
        "sorted": [rows[1], rows[0], rows[2]],
        "grouped": {"b": [rows[0], rows[2]], "a": [rows[1]]},
        "cut": [[2, 3], [1]],
        "merged": {"k": "b", "n": 2, "z": 1},
        "listed": [1, [2]],
    }


async def test_variables_are_computed_set_and_seen(engine: Engine) -> None:
    flow = document(
        {
            "set": {"type": "set", "config": {"values": {"a": "vars.b", "b": "vars.a"}}},
            "see": {"type": "transform", "needs": ["set"], "config": {"expression": "[vars.a, vars.b]"}},
        },
        vars={"a": "${{ input.x + 1 }}", "b": "two"},
        output={"seen": "${{ nodes.see.output }}", "none": "${{ input.none }}", "status": "is ${{ nodes.set.status }}"},
    )
    assert (await engine.run(flow, {"x": 1})).output == {"seen": ["two", 2], "status": "is succeeded"}


async def test_a_switch_takes_the_first_matching_port_and_the_others_are_skipped(engine: Engine) -> None:
    flow = document(
        {
            "size": {"type": "switch", "config": {"value": "input.n", "cases": {"one": 1, "few": [2, 3], "no": False}}},
            "a": work("one", ["size.one"]),
            "b": work("few", ["size.few"]),
            "c": work("other", ["size.default"]),
            "end": {
                "type": "merge",
                "needs": ["a", "b", "c"],
                "config": {
                    "sources": ["nodes.a.output.value", "nodes.b.output.value", "nodes.c.output.value"],
                    "mode": "first",
                },
            },
        }
    )
    for n, taken in [(1, "one"), (3, "few"), (0, "other"), (True, "other"), ("1", "other")]:
        assert (await engine.run(flow, {"n": n})).output == taken


async def test_an_unmatched_switch_without_a_wired_default_fails(engine: Engine) -> None:
    flow = document({"s": {"type": "switch", "config": {"cases": {"a": "input.x"}}}, "n": work(1, ["s.a"])})
    result = await engine.run(flow, {"x": False})
    assert (result.error.code, result.error.path) == ("switch.no_match", "s")


async def test_an_error_leaves_by_its_port(engine: Engine) -> None:
    flow = document(
        {
            "a": work(config={"fail": "user.no"}),
            "after": work(1, ["a"]),
            "rescue": work("${{ nodes.a.error.code }} at ${{ nodes.a.error.path }}", ["a.error"]),
        }
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == {"rescue": {"value": "user.no at a"}}
    assert engine.statuses(handle) == {"a": "failed", "after": "skipped", "rescue": "succeeded"}


async def test_on_error_continue_goes_on_without_an_output(engine: Engine) -> None:
    flow = document(
        {
            "a": work(config={"fail": "user.no"}, on_error="continue"),
            "b": {"type": "transform", "needs": ["a"], "config": {"expression": "$exists(nodes.a.output)"}},
        }
    )
    assert (await engine.run(flow)).output is False


async def test_the_first_success_wins_and_the_rest_is_cancelled(engine: Engine) -> None:
    flow = document(
        {
            "slow": work("slow", config={"sleep": 60}),
            "quick": work("quick", config={"sleep": 0.2}),
            "broken": work(config={"fail": "user.no"}),
            "first": {
                "type": "transform",
                "needs": ["slow", "quick", "broken"],
                "join": "any",
                "config": {"expression": "1"},
            },
        }
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == 1
    assert engine.statuses(handle) == {
        "slow": "cancelled",
        "quick": "succeeded",
        "broken": "failed",
        "first": "succeeded",
    }


async def test_a_join_whose_branches_all_failed_names_the_causes(engine: Engine) -> None:
    flow = document(
        {
            "a": work(config={"fail": "user.a"}),
            "b": work(config={"fail": "user.b", "sleep": 0.2}),
            "j": work(1, ["a", "b"], join="any"),
        }
    )
    error = (await engine.run(flow)).error
    assert error.code == "join.unsatisfiable"
    assert isinstance(error.cause, list)
    assert [cause["code"] for cause in error.cause if isinstance(cause, dict)] == ["user.a", "user.b"]


async def test_a_failure_ends_the_graph_at_once_or_when_the_rest_is_done(engine: Engine) -> None:
    nodes = {
        "bad": work(config={"fail": "user.no"}),
        "long": work(config={"sleep": 4}),
        "after_bad": work(1, ["bad"]),
        "after_long": work(1, ["long"]),
    }
    quick = await engine.start(document(nodes))
    assert (await ended(quick)).error.code == "user.no"
    assert engine.statuses(quick) == {
        "bad": "failed",
        "long": "cancelled",
        "after_bad": "skipped",
        "after_long": "skipped",
    }
    patient = await engine.start(document(nodes, settings={"fail": "wait"}))
    assert (await ended(patient)).error.code == "user.no"
    assert engine.statuses(patient)["after_long"] == "succeeded"
    assert engine.statuses(patient)["after_bad"] == "skipped"


async def test_stop_ends_with_its_output_and_fail_with_its_error(engine: Engine) -> None:
    stop = document(
        {
            "a": {"type": "stop", "config": {"output": {"n": "${{ input.n }}"}}},
            "b": work(config={"sleep": 600}, attempt_timeout="10m"),
        }
    )
    assert (await engine.run(stop, {"n": 1})).output == {"n": 1}
    fail = document(
        {"f": {"type": "fail", "config": {"code": "user.bad", "message": "n is ${{ input.n }}", "details": [1]}}}
    )
    error = (await engine.run(fail, {"n": 5})).error
    assert (error.code, error.message, error.details) == ("user.bad", "n is 5", [1])


async def test_when_skips_what_is_not_wanted(engine: Engine) -> None:
    flow = document({"a": work(1, when="input.go"), "b": work(2, when="input.go = false")})
    assert (await engine.run(flow, {"go": False})).output == {"b": {"value": 2}}


async def test_a_delay_waits_and_its_node_timeout_strikes_first(engine: Engine) -> None:
    begun = asyncio.get_running_loop().time()
    assert (await engine.run(document({"d": {"type": "delay", "config": {"for": "300ms"}}}))).status == "succeeded"
    assert asyncio.get_running_loop().time() - begun > 0.3
    late = document({"d": {"type": "delay", "config": {"for": "1h"}, "timeout": "200ms"}})
    error = (await engine.run(late)).error
    assert (error.code, error.path) == ("timeout.node", "d")
    past = document({"d": {"type": "delay", "config": {"until": "2020-01-01T00:00:00Z"}}})
    assert (await engine.run(past)).output is None


async def test_a_node_without_effects_is_local_until_an_attempt_fails_or_lasts(engine: Engine) -> None:
    quick = await engine.start(document({"a": work(1, type="test.read")}))
    assert (await ended(quick)).output == {"value": 1}
    assert "ACTIVITY_TASK_SCHEDULED" not in await readable(quick)
    retry = {"max_attempts": 2, "initial": "10ms"}
    flaky = work(2, type="test.read", config={"fail": "user.x", "fail_times": 1, "retryable": True}, retry=retry)
    again = await engine.start(document({"a": flaky}))
    assert (await ended(again)).output == {"value": 2}
    assert (await readable(again)).count("ACTIVITY_TASK_SCHEDULED") == 1
    long = await engine.start(document({"a": work(3, type="test.read", config={"sleep": 3.3})}))
    assert (await ended(long)).output == {"value": 3}
    assert (await readable(long)).count("ACTIVITY_TASK_SCHEDULED") == 1


async def test_an_execution_times_out_with_all_it_runs(engine: Engine) -> None:
    flow = document({"a": work(config={"sleep": 60}), "b": work(1, ["a"])}, settings={"timeout": "500ms"})
    handle = await engine.start(flow)
    result = await ended(handle)
    assert result.status == "timed_out"
    assert engine.statuses(handle) == {"a": "cancelled", "b": "skipped"}


async def test_an_expression_beyond_the_inline_budget_is_computed_outside(engine: Engine) -> None:
    flow = document(
        {
            "big": {"type": "transform", "config": {"expression": "$sum([1..9000].($ * 2))"}},
            "many": {"type": "map", "config": {"items": "[1..5000]", "expression": "item + 1"}},
            "count": {"type": "transform", "needs": ["many"], "config": {"expression": "$count(nodes.many.output)"}},
        },
        output="${{ [nodes.big.output, nodes.count.output] }}",
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == [9000 * 9001, 5000]
    assert (await readable(handle)).count("MARKER_RECORDED") == 2


async def test_an_endless_expression_fails_its_node_and_the_worker_lives(engine: Engine) -> None:
    endless = "($f := function($n) { $f($n + 1) }; $f(0))"
    error = (await engine.run(document({"e": {"type": "transform", "config": {"expression": endless}}}))).error
    assert error.code in ("expression.budget", "expression.failed")
    assert (await engine.run(document({"a": work(1)}))).status == "succeeded"


async def test_a_secret_reaches_the_activity_and_never_the_history(engine: Engine) -> None:
    flow = document({"a": work("Bearer ${{ secrets.token }}"), "b": work("${{ nodes.a.output.value }}", ["a"])})
    handle = await engine.start(flow)
    assert (await ended(handle)).output == {"value": "Bearer ***"}
    assert "t0p-s3cret-value" not in await readable(handle)
    assert "t0p-s3cret-value" not in str(engine.sink.steps) + str(engine.sink.attempts)


async def test_a_masked_output_is_not_shown_in_events_but_used(engine: Engine) -> None:
    flow = document(
        {"a": work({"pin": 1234}, mask=["/value/pin"]), "b": work("${{ nodes.a.output.value.pin + 1 }}", ["a"])}
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == {"value": 1235}
    said = next(event for event in engine.events(handle) if event.path == "a" and event.type == "node.succeeded")
    assert said.data == {"output": {"value": {"pin": "***"}}, "port": "out"}


async def test_large_outputs_stay_out_of_the_history(engine: Engine) -> None:
    flow = document(
        {
            "a": work("${{ $pad('', 8000, 'abcdefgh') }}"),
            "b": work(["${{ nodes.a.output.value }}"] * 40, ["a"]),
            "c": {"type": "transform", "needs": ["b"], "config": {"expression": "$count(nodes.b.output.value)"}},
        }
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == 40
    assert len((await handle.fetch_history()).to_json()) < 30_000


async def test_queries_tell_where_it_stands(engine: Engine) -> None:
    flow = document(
        {"a": {"type": "set", "config": {"values": {"x": "2"}}}, "b": work(config={"sleep": 60}, needs=["a"])},
        vars={"x": 1},
    )
    handle = await engine.start(flow)
    while not engine.witness.runs:
        await asyncio.sleep(0.05)
    assert await handle.query("variables") == {"x": 2}
    state = await handle.query("state")
    assert state["running"] == ["b"]
    assert state["nodes"] == {"a": {"status": "succeeded", "port": "out"}, "b": {"status": "running", "port": None}}
    await handle.cancel()
    await ended(handle)


async def test_temporals_web_ui_reads_like_the_definition(engine: Engine) -> None:
    flow = document(
        {
            "fetch": work(1, title="Fetch the invoice"),
            "pause": {"type": "delay", "needs": ["fetch"], "config": {"for": "100ms"}, "title": "Give it a moment"},
            "look": work(1, ["pause"], type="test.read", title="Look again"),
        },
        title="Invoice approval",
    )
    handle = await engine.start(flow)
    await ended(handle)
    described = await handle.describe()
    assert described.workflow_type == "demo"
    assert await described.static_summary() == "Invoice approval"
    raw = await readable(handle)
    for text in ("Fetch the invoice", "Give it a moment", "Look again", '"activityId": "fetch"', '"name": "test.work"'):
        assert text in raw, text
    assert "3 of 3 nodes settled" in str(await handle.query("__temporal_workflow_metadata"))


async def test_what_only_computes_and_chooses_leaves_no_trace_in_history(engine: Engine) -> None:
    body: dict[str, Any] = {
        "nodes": {
            "odd": {"type": "if", "config": {"condition": "item % 2 = 1"}},
            "next": {"type": "continue", "needs": ["odd.true"]},
            "add": {"type": "set", "needs": ["odd.false"], "config": {"values": {"sum": "vars.sum + item"}}},
            "enough": {"type": "break", "needs": ["add"], "config": {"when": "vars.sum > 5"}},
        }
    }
    risky = {"nodes": {"f": {"type": "fail", "config": {"code": "user.no"}}}}
    caught = {"nodes": {"c": {"type": "transform", "config": {"expression": "error.code"}}}}
    flow = document(
        {
            "each": {"type": "for_each", "config": {"items": "input", "concurrency": 1, "body": body}},
            "guard": {"type": "try", "config": {"body": risky, "catch": [{"body": caught}]}},
            "fan": {"type": "parallel", "config": {"branches": {"left": caught | {"nodes": {"m": MAPPED}}}}},
        },
        vars={"sum": 0},
        output="${{ [vars.sum, nodes.guard.output] }}",
    )
    handle = await engine.start(flow, [1, 2, 3, 4, 5, 6])
    assert (await ended(handle)).output == [6, "user.no"]
    kinds = {EventType.Name(event.event_type) for event in (await handle.fetch_history()).events}
    assert {kind for kind in kinds if "WORKFLOW_TASK" not in kind and "WORKFLOW_EXECUTION" not in kind} == set()
