"""The control-flow patterns of van der Aalst and others, by number (workflowpatterns.com): a document for each, run."""

from typing import Any

import pytest
from pydantic import JsonValue

from dag.event_messages import SIGNAL, EmittedEvent
from tests.interpreter.documents import computing, document, work
from tests.interpreter.engine import Engine, ended, until

SLOW = {"sleep": 20}
"""Nobody waits for it to end: it is cancelled."""
WHILE = {"sleep": 0.3}
"""Longer than others."""


def awaited(*names: str, needs: list[str] | None = None, **config: Any) -> dict[str, Any]:
    """A node that waits for events: also a task that lasts until the test says that it is done."""
    node = {"type": "wait_event", "config": {"events": [{"name": name} for name in names], **config}}
    return {**node, "needs": needs} if needs else node


def for_each(items: str, body: dict[str, Any], needs: list[str] | None = None, **config: Any) -> dict[str, Any]:
    """A loop."""
    node = {"type": "for_each", "config": {"items": items, "body": {"nodes": body}, **config}}
    return {**node, "needs": needs} if needs else node


async def test_pattern_01_sequence_starts_a_task_when_the_one_before_is_done(engine: Engine) -> None:
    handle = await engine.start(document({"c": work(3, ["b"]), "b": work(2, ["a"]), "a": work(1)}))
    assert (await ended(handle)).output == {"value": 3}
    assert engine.order(handle) == ["a", "b", "c"]


async def test_pattern_02_parallel_split_runs_all_branches_at_once(engine: Engine) -> None:
    handle = await engine.start(
        document({"a": work(1), "b": awaited("b", needs=["a"]), "c": awaited("c", needs=["a"])})
    )
    await until(lambda: len(engine.board.waits) == 2)
    for name in ("c", "b"):
        await engine.board.emit(name)
    assert (await ended(handle)).status == "succeeded"
    assert sorted(engine.order(handle)) == ["a", "b", "c"]


async def test_pattern_03_synchronization_waits_for_every_branch(engine: Engine) -> None:
    flow = document({"a": work(1), "b": awaited("b"), "c": work(3, ["a", "b.received"])})
    handle = await engine.start(flow)
    await until(lambda: engine.order(handle) == ["a"] and engine.board.waits)
    await engine.board.emit("b")
    assert (await ended(handle)).output == {"value": 3}
    assert engine.order(handle) == ["a", "b", "c"]


@pytest.mark.parametrize(("total", "taken"), [(5, "small"), (5000, "large")])
async def test_pattern_04_exclusive_choice_takes_exactly_one_branch(engine: Engine, total: int, taken: str) -> None:
    flow = document(
        {
            "size": {"type": "if", "config": {"condition": "input.total > 1000"}},
            "large": work("ask", ["size.true"]),
            "small": work("pass", ["size.false"]),
        }
    )
    handle = await engine.start(flow, {"total": total})
    assert (await ended(handle)).status == "succeeded"
    assert engine.order(handle) == ["size", taken]


@pytest.mark.parametrize(("by", "paid"), [("card", "charged"), ("cash", "counted")])
async def test_pattern_05_simple_merge_goes_on_without_synchronizing(engine: Engine, by: str, paid: str) -> None:
    flow = document(
        {
            "how": {"type": "switch", "config": {"value": "input.by", "cases": {"card": "card", "cash": "cash"}}},
            "card": work("charged", ["how.card"]),
            "cash": work("counted", ["how.cash"]),
            "receipt": {
                "type": "merge",
                "needs": ["card", "cash"],
                "config": {"sources": ["nodes.card.output.value", "nodes.cash.output.value"], "mode": "first"},
            },
        }
    )
    assert (await engine.run(flow, {"by": by})).output == paid


def several_ways() -> dict[str, Any]:
    """An emergency: any of three services, and at least one, is called."""
    return {
        "call": work("taken"),
        "police": work("police", ["call"], when="'police' in input.needs"),
        "fire": work("fire", ["call"], when="'fire' in input.needs"),
        "ambulance": work("ambulance", ["call"], when="'ambulance' in input.needs", config=WHILE),
    }


@pytest.mark.parametrize("wanted", [["police"], ["ambulance", "fire"], ["ambulance", "fire", "police"]])
async def test_pattern_06_multi_choice_takes_each_branch_whose_condition_is_true(
    engine: Engine, wanted: list[JsonValue]
) -> None:
    output = (await engine.run(document(several_ways()), {"needs": wanted})).output
    assert isinstance(output, dict)
    assert sorted(output) == wanted


@pytest.mark.parametrize("wanted", [["police"], ["ambulance", "fire"]])
async def test_pattern_07_structured_synchronizing_merge_waits_for_the_branches_that_were_taken(
    engine: Engine, wanted: list[JsonValue]
) -> None:
    flow = document({**several_ways(), "transfer": work("done", ["police", "fire", "ambulance"])})
    handle = await engine.start(flow, {"needs": wanted})
    assert (await ended(handle)).output == {"value": "done"}
    done = engine.order(handle)
    assert done[-1] == "transfer"
    assert sorted(done[1:-1]) == wanted


async def test_pattern_09_structured_discriminator_goes_on_with_the_first_and_resets_when_all_are_in(
    engine: Engine,
) -> None:
    turn = {
        "breath": work("ok"),
        "pulse": awaited("pulse"),
        "triage": work("seen", ["breath", "pulse.received"], join={"count": 1, "rest": "ignore"}),
    }
    handle = await engine.start(document({"each": for_each("[1, 2]", turn, concurrency=1)}))
    for turns in (1, 2):
        await until(lambda: sum(path.endswith("triage") for path in engine.order(handle)) == turns)  # noqa: B023
        await until(lambda: engine.board.waits)
        await engine.board.emit("pulse")
    assert (await ended(handle)).output == [{"value": "seen"}, {"value": "seen"}]
    assert engine.order(handle) == [
        *("each[0].breath", "each[0].triage", "each[0].pulse"),
        *("each[1].breath", "each[1].triage", "each[1].pulse"),
        "each",
    ]


async def test_pattern_11_implicit_termination_ends_when_nothing_is_left_to_do(engine: Engine) -> None:
    flow = document({"a": work(1), "quick": work(2, ["a"]), "slow": work(3, ["a"], config=WHILE)})
    handle = await engine.start(flow)
    assert (await ended(handle)).status == "succeeded"
    assert engine.statuses(handle) == {"a": "succeeded", "quick": "succeeded", "slow": "succeeded"}


async def test_pattern_12_multiple_instances_without_synchronization_hold_nobody_up(engine: Engine) -> None:
    flow = document(
        {
            "fines": work(["f1", "f2", "f3"]),
            "issue": for_each("nodes.fines.output.value", {"letter": awaited("sent")}, ["fines"]),
            "next": work("gone on", ["fines"]),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: len(engine.board.waits) == 3 and "next" in engine.order(handle))
    for _ in range(3):
        await engine.board.emit("sent")
    assert (await ended(handle)).status == "succeeded"
    assert len([path for path in engine.order(handle) if path.endswith("letter")]) == 3


async def test_pattern_13_multiple_instances_known_at_design_time_are_waited_for(engine: Engine) -> None:
    flow = document(
        {
            "directors": for_each("[1..6]", {"sign": work("${{ item }}")}, result="none"),
            "report": work("signed", ["directors"]),
        }
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == {"value": "signed"}
    done = engine.order(handle)
    assert sorted(done[:6]) == [f"directors[{turn}].sign" for turn in range(6)]
    assert done[6:] == ["directors", "report"]


@pytest.mark.parametrize("count", [0, 1, 4])
async def test_pattern_14_multiple_instances_known_at_run_time_are_as_many_as_a_task_says(
    engine: Engine, count: int
) -> None:
    flow = document(
        {
            "split": computing("[1..input.count]"),
            "check": for_each("nodes.split.output", {"part": work("${{ item }}")}, ["split"]),
            "report": computing("$count(nodes.check.output)", ["check"]),
        }
    )
    assert (await engine.run(flow, {"count": count})).output == count
    assert len(engine.witness.runs) == count


@pytest.mark.parametrize("happens", ["paid", "called_off", None])
async def test_pattern_16_deferred_choice_is_made_by_what_happens_first(engine: Engine, happens: str | None) -> None:
    flow = document(
        {
            "first": awaited("paid", "called_off", timeout="30s" if happens else "300ms"),
            "which": {
                "type": "switch",
                "needs": ["first.received"],
                "config": {"value": "nodes.first.output.name", "cases": {"paid": "paid", "called_off": "called_off"}},
            },
            "ship": work("paid", ["which.paid"]),
            "restock": work("called_off", ["which.called_off"]),
            "remind": work(None, ["first.timeout"]),
        }
    )
    handle = await engine.start(flow)
    if happens is not None:
        await until(lambda: engine.board.waits)
        await engine.board.emit(happens)
    output: Any = (await ended(handle)).output
    assert len(output) == 1
    taken = {"paid": "ship", "called_off": "restock", None: "remind"}[happens]
    assert engine.order(handle)[-1] == taken
    assert not engine.board.waits


async def test_pattern_19_cancel_task_ends_one_running_task_and_the_case_goes_on(engine: Engine) -> None:
    flow = document(
        {
            "assess": work("assessed", config=SLOW),
            "recalled": awaited("recalled"),
            "report": work("reported", ["assess", "recalled.received"], join="any"),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: engine.witness.running and engine.board.waits)
    await engine.board.emit("recalled")
    assert (await ended(handle)).output == {"value": "reported"}
    assert engine.statuses(handle) == {"assess": "cancelled", "recalled": "succeeded", "report": "succeeded"}


async def test_pattern_20_cancel_case_ends_all_that_runs_and_starts_no_more(engine: Engine) -> None:
    flow = document(
        {
            "claim": work(config=SLOW),
            "letters": for_each("[1, 2]", {"letter": work(config=SLOW)}),
            "pay": work(1, ["claim"]),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: engine.witness.running == 3)
    await handle.cancel()
    assert (await ended(handle)).status == "cancelled"
    assert engine.statuses(handle) == {
        "claim": "cancelled",
        "letters": "cancelled",
        "letters[0].letter": "cancelled",
        "letters[1].letter": "cancelled",
        "pay": "skipped",
    }


@pytest.mark.parametrize("start", [0, 3])
async def test_pattern_21_structured_loop_tests_before_or_after_each_turn(engine: Engine, start: int) -> None:
    body: dict[str, Any] = {
        "vars": {"turn": "${{ loop.index }}"},
        "nodes": {
            "add": {"type": "set", "config": {"values": {"n": "vars.n + 1"}}},
            "seen": work("${{ vars.turn }}", ["add"]),
        },
    }
    while_, repeat = (
        document({"l": {"type": type, "config": {**config, "body": body}}}, vars={"n": start}, output="${{ vars.n }}")
        for type, config in [("while", {"condition": "vars.n < 2"}), ("repeat", {"until": "vars.n >= 2"})]
    )
    assert (await engine.run(while_)).output == max(start, 2)
    assert (await engine.run(repeat)).output == max(start + 1, 2)


@pytest.mark.parametrize("told", ["everybody", "this one"])
async def test_pattern_24_persistent_trigger_is_kept_until_somebody_waits_for_it(engine: Engine, told: str) -> None:
    flow = document(
        {
            "prepare": awaited("prepared"),
            "ready": awaited("bay_free", needs=["prepare.received"]),
            "load": work("${{ nodes.ready.output.payload }}", ["ready.received"]),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: engine.board.waits)
    if told == "everybody":
        await engine.board.emit("bay_free", payload="bay 3")
    else:
        await handle.signal(SIGNAL, EmittedEvent("ev_early", "bay_free", None, "bay 3", "2100-01-01T00:00:00+00:00"))
    await engine.board.emit("prepared")
    assert (await ended(handle)).output == {"value": "bay 3"}


async def test_pattern_25_cancel_region_ends_the_tasks_of_a_region_and_no_others(engine: Engine) -> None:
    region = {
        "pick": work("picked"),
        "pack": work(None, ["pick"], config=SLOW),
        "label": awaited("labelled", needs=["pick"]),
        "hand_over": work(None, ["pack", "label.received"]),
    }
    flow = document(
        {
            "either": {
                "type": "parallel",
                "config": {
                    "wait": "any",
                    "branches": {"region": {"nodes": region}, "recall": {"nodes": {"recalled": awaited("recalled")}}},
                },
            },
            "invoice": awaited("paid"),
            "close": work("closed", ["either", "invoice.received"]),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: len(engine.witness.runs) == 2 and len(engine.board.waits) == 3)
    await engine.board.emit("recalled")
    await until(lambda: "either" in engine.order(handle))
    await engine.board.emit("paid")
    assert (await ended(handle)).output == {"value": "closed"}
    statuses = engine.statuses(handle)
    assert {path: statuses[f"either.region.{path}"] for path in region} == {
        "pick": "succeeded",
        "pack": "cancelled",
        "label": "cancelled",
        "hand_over": "skipped",
    }
    assert statuses["invoice"] == "succeeded"


async def test_pattern_26_cancel_multiple_instance_task_leaves_finished_instances_alone(engine: Engine) -> None:
    measured = {"type": "wait_event", "config": {"events": [{"name": "measured", "key": "item"}]}}
    flow = document(
        {
            "test": for_each("[1, 2, 3]", {"sample": measured}),
            "leak": awaited("leak"),
            "evacuate": work("out", ["test", "leak.received"], join="any"),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: len(engine.board.waits) == 4)
    await engine.board.emit("measured", 1)
    await until(lambda: "test[0].sample" in engine.order(handle))
    await engine.board.emit("leak")
    assert (await ended(handle)).output == {"value": "out"}
    assert engine.statuses(handle) == {
        "test": "cancelled",
        "test[0].sample": "succeeded",
        "test[1].sample": "cancelled",
        "test[2].sample": "cancelled",
        "leak": "succeeded",
        "evacuate": "succeeded",
    }


async def test_pattern_29_cancelling_discriminator_goes_on_with_the_first_and_cancels_the_rest(engine: Engine) -> None:
    flow = document(
        {
            "extract": work("from the archive", config=SLOW),
            "ask": work("from the owner"),
            "use": work("used", ["extract", "ask"], join="any"),
        }
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == {"value": "used"}
    assert engine.statuses(handle) == {"extract": "cancelled", "ask": "succeeded", "use": "succeeded"}


async def test_pattern_30_structured_partial_join_goes_on_with_two_of_three_and_lets_the_third_end(
    engine: Engine,
) -> None:
    flow = document(
        {
            "a": work("yes"),
            "b": work("yes"),
            "c": awaited("yes"),
            "pay": work("paid", ["a", "b", "c.received"], join={"count": 2, "rest": "ignore"}),
        }
    )
    handle = await engine.start(flow)
    await until(lambda: "pay" in engine.order(handle) and engine.board.waits)
    await engine.board.emit("yes")
    assert (await ended(handle)).status == "succeeded"
    assert engine.order(handle)[2:] == ["pay", "c"]


async def test_pattern_32_cancelling_partial_join_goes_on_with_two_of_three_and_cancels_the_third(
    engine: Engine,
) -> None:
    flow = document(
        {
            "a": work("seen"),
            "b": work("seen"),
            "c": awaited("seen"),
            "plan": work("planned", ["a", "b", "c.received"], join={"count": 2}),
        }
    )
    handle = await engine.start(flow)
    assert (await ended(handle)).output == {"value": "planned"}
    assert engine.statuses(handle) == {"a": "succeeded", "b": "succeeded", "c": "cancelled", "plan": "succeeded"}


def samples(*, rest: str) -> dict[str, Any]:
    """As many samples as a task before says, each of which tells that it is done; two are enough."""
    done = {"name": "sample_done", "key": "execution.id"}
    body = {
        "sample": {"type": "wait_event", "config": {"events": [{"name": "measured", "key": "item"}]}},
        "tell": {"type": "emit_event", "needs": ["sample.received"], "config": done},
    }
    return document(
        {
            "plan": computing("input.samples"),
            "test": for_each("nodes.plan.output", body, ["plan"], result="none"),
            "enough": {"type": "wait_event", "needs": ["plan"], "config": {"events": [done, done], "mode": "all"}},
            "decide": work("decided", ["test", "enough.received"], join={"count": 1, "rest": rest}),
        }
    )


async def test_pattern_34_static_partial_join_for_multiple_instances_goes_on_with_two_and_lets_the_others_end(
    engine: Engine,
) -> None:
    handle = await engine.start(samples(rest="ignore"), {"samples": [1, 2, 3, 4]})
    await until(lambda: len(engine.board.waits) == 5)
    for sample in (4, 2):
        await engine.board.emit("measured", sample)
    await until(lambda: "decide" in engine.order(handle))
    assert "test" not in engine.order(handle)
    for sample in (1, 3):
        await engine.board.emit("measured", sample)
    assert (await ended(handle)).status == "succeeded"
    assert engine.order(handle).count("decide") == 1
    assert set(engine.statuses(handle).values()) == {"succeeded"}


async def test_pattern_35_cancelling_partial_join_for_multiple_instances_goes_on_with_two_and_cancels_the_others(
    engine: Engine,
) -> None:
    handle = await engine.start(samples(rest="cancel"), {"samples": [1, 2, 3, 4]})
    await until(lambda: len(engine.board.waits) == 5)
    for sample in (3, 1):
        await engine.board.emit("measured", sample)
    assert (await ended(handle)).output == {"value": "decided"}
    statuses = engine.statuses(handle)
    assert [statuses[f"test[{turn}].sample"] for turn in range(4)] == [
        "succeeded",
        "cancelled",
        "succeeded",
        "cancelled",
    ]


@pytest.mark.parametrize(
    ("input", "done"),
    [
        ({"inspect": True, "repair": True}, ["inspect", "order", "repair"]),
        ({"inspect": True, "repair": False}, ["inspect"]),
        ({"inspect": False, "repair": True}, ["repair"]),
    ],
    ids=["both", "one", "the other"],
)
async def test_pattern_37_local_synchronizing_merge_waits_for_what_can_still_come_in_any_graph(
    engine: Engine, input: dict[str, JsonValue], done: list[str]
) -> None:
    """Not structured: one branch splits once more and joins another one on the way."""
    flow = document(
        {
            "call": work("taken"),
            "inspect": work(1, ["call"], when="input.inspect"),
            "repair": work(2, ["call"], when="input.repair", config=WHILE),
            "ordered": {"type": "if", "needs": ["inspect"], "config": {"condition": "input.repair"}},
            "order": work(3, ["ordered.true"]),
            "close": work("closed", ["ordered.false", "order", "repair"]),
        }
    )
    handle = await engine.start(flow, input)
    assert (await ended(handle)).output == {"value": "closed"}
    ran = [path for path in engine.order(handle) if path not in ("call", "ordered")]
    assert ran[-1] == "close"
    assert sorted(ran[:-1]) == done


async def test_pattern_43_explicit_termination_ends_the_case_where_it_is_reached(engine: Engine) -> None:
    flow = document(
        {
            "search": awaited("found"),
            "letters": for_each("[1, 2]", {"letter": awaited("sent")}),
            "found": work("found"),
            "end": {"type": "stop", "needs": ["found"], "config": {"output": "${{ nodes.found.output.value }}"}},
            "report": work(1, ["search.received"]),
        }
    )
    handle = await engine.start(flow)
    result = await ended(handle)
    assert (result.status, result.output) == ("succeeded", "found")
    assert engine.statuses(handle) == {
        "search": "cancelled",
        "letters": "cancelled",
        "letters[0].letter": "cancelled",
        "letters[1].letter": "cancelled",
        "found": "succeeded",
        "end": "succeeded",
        "report": "skipped",
    }
