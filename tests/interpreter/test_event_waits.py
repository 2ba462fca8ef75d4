"""`wait_event` on a real Temporal server: early events, several waits, conditions, deadlines, continue-as-new."""

from typing import Any

from pydantic import JsonValue

from dag.event_messages import SIGNAL, EmittedEvent
from interpreter.start import Tuning
from tests.interpreter.documents import document, work
from tests.interpreter.engine import Engine, ended, until
from tests.interpreter.histories import Handle, runs

OFTEN = Tuning(continue_after=1)


def waits(*events: dict[str, JsonValue], needs: list[str] | None = None, **config: Any) -> dict[str, Any]:
    listed: dict[str, Any] = {"type": "wait_event", "config": {"events": [*events], **config}}
    return listed | ({"needs": needs} if needs else {})


async def signal(handle: Handle, name: str, payload: JsonValue = None, *, id: str, key: JsonValue = None) -> None:
    await handle.signal(SIGNAL, EmittedEvent(id, name, key, payload, "2100-01-01T00:00:00Z"))


async def waiting(engine: Engine, handle: Handle, *paths: str) -> None:
    await until(lambda: {path for path, how in engine.statuses(handle).items() if how == "waiting"} >= {*paths})


async def test_a_signal_that_comes_before_its_wait_is_not_lost_over_any_number_of_runs(engine: Engine) -> None:
    nodes = {"a": work(1, config={"sleep": 0.3}), "b": work(2, ["a"]), "w": waits({"name": "paid"}, needs=["b"])}
    handle = await engine.start(document(nodes), tuning=OFTEN)
    await signal(handle, "paid", 7, id="ev_1")
    assert (await ended(handle)).output == {"name": "paid", "key": None, "payload": 7, "at": "2100-01-01T00:00:00Z"}
    assert len(await runs(engine.client, handle)) > 1


async def test_a_wait_that_is_open_goes_on_over_continue_as_new(engine: Engine) -> None:
    nodes = {
        "w": waits({"name": "paid"}),
        "a": work(1),
        "b": work(2, ["a"]),
        "c": work(3, ["b"]),
        "end": {"type": "transform", "needs": ["w.received", "c"], "config": {"expression": "nodes.w.output.payload"}},
    }
    handle = await engine.start(document(nodes), tuning=OFTEN)
    await until(lambda: engine.statuses(handle).get("c") == "succeeded")
    await signal(handle, "paid", "yes", id="ev_1")
    assert (await ended(handle)).output == "yes"
    assert len(await runs(engine.client, handle)) > 1


async def test_the_oldest_of_two_waits_has_the_event_and_the_other_the_next(engine: Engine) -> None:
    nodes = {"first": waits({"name": "paid"}), "second": waits({"name": "paid"})}
    handle = await engine.start(document(nodes))
    await waiting(engine, handle, "first", "second")
    await signal(handle, "paid", 1, id="ev_1")
    await signal(handle, "paid", 1, id="ev_1")
    await until(lambda: engine.statuses(handle)["first"] == "succeeded")
    assert engine.statuses(handle)["second"] == "waiting"
    await signal(handle, "paid", 2, id="ev_2")
    output: Any = (await ended(handle)).output
    assert [output["first"]["payload"], output["second"]["payload"]] == [1, 2]


async def test_an_event_that_fails_the_condition_of_one_wait_goes_to_the_next(engine: Engine) -> None:
    nodes = {
        "large": waits({"name": "paid", "match": "event.payload > 100"}),
        "any": waits({"name": "paid"}),
    }
    handle = await engine.start(document(nodes))
    await waiting(engine, handle, "large", "any")
    await signal(handle, "paid", 5, id="ev_1")
    await until(lambda: engine.statuses(handle)["any"] == "succeeded")
    await signal(handle, "paid", 500, id="ev_2")
    output: Any = (await ended(handle)).output
    assert [output["large"]["payload"], output["any"]["payload"]] == [500, 5]


async def test_only_the_key_that_was_asked_for_is_taken(engine: Engine) -> None:
    wait = waits({"name": "paid", "key": "input.invoice"})
    handle = await engine.start(document({"w": wait}), {"invoice": "INV-2"})
    await waiting(engine, handle, "w")
    await signal(handle, "paid", 1, id="ev_1", key="INV-1")
    await signal(handle, "paid", 2, id="ev_2", key="INV-2")
    output: Any = (await ended(handle)).output
    assert output["payload"] == 2


async def test_all_and_a_number_of_events_give_a_list_in_the_written_order(engine: Engine) -> None:
    both = waits({"name": "a"}, {"name": "b"}, mode="all")
    two = waits({"name": "c"}, {"name": "d"}, {"name": "e"}, mode={"count": 2})
    handle = await engine.start(document({"both": both, "two": two}))
    for n, name in enumerate("bedac"):
        await signal(handle, name, name, id=f"ev_{n}")
    output: Any = (await ended(handle)).output
    assert [event["payload"] for event in output["both"]] == ["a", "b"]
    assert [event["payload"] for event in output["two"]] == ["d", "e"]


async def test_what_came_before_counts_only_as_far_as_the_wait_looks_back(engine: Engine) -> None:
    nodes = {
        "a": work(1, config={"sleep": 0.3}),
        "w": waits({"name": "paid"}, needs=["a"], lookback="0s", timeout="1s"),
    }
    handle = await engine.start(document(nodes))
    await engine.board.emit("paid", payload="too early")
    assert (await ended(handle)).status == "succeeded"
    assert [event.data for event in engine.events(handle) if event.type == "node.succeeded" and event.path == "w"] == [
        {"output": None, "port": "timeout"}
    ]


async def test_each_turn_of_a_loop_has_an_event_of_its_own(engine: Engine) -> None:
    body = {"nodes": {"w": waits({"name": "tick"})}, "output": "${{ nodes.w.output.payload }}"}
    loop = {"type": "for_each", "config": {"items": "[1, 2, 3]", "concurrency": 2, "body": body}}
    handle = await engine.start(document({"each": loop}))
    for n in range(3):
        await signal(handle, "tick", n, id=f"ev_{n}")
    assert sorted((await ended(handle)).output or []) == [0, 1, 2]  # pyright: ignore[reportArgumentType]


async def test_a_wait_that_is_cancelled_takes_no_event_from_others(engine: Engine) -> None:
    branches = {"slow": {"nodes": {"w": waits({"name": "paid"})}}, "quick": {"nodes": {"q": work(1)}}}
    race = {"type": "parallel", "config": {"wait": "any", "branches": branches}}
    handle = await engine.start(document({"race": race, "w2": waits({"name": "paid"}, needs=["race"])}))
    await until(lambda: engine.statuses(handle).get("race.slow.w") == "cancelled")
    await signal(handle, "paid", "mine", id="ev_1")
    output: Any = (await ended(handle)).output
    assert output["payload"] == "mine"


async def test_match_sees_all_of_an_event(engine: Engine) -> None:
    match = "event.name = 'paid' and event.key = 'k' and event.payload.n > 1 and $toMillis(event.at) > 0"
    handle = await engine.start(document({"w": waits({"name": "paid", "match": match})}))
    await waiting(engine, handle, "w")
    await signal(handle, "paid", {"n": 2}, id="ev_1", key="other")
    await signal(handle, "paid", {"n": 1}, id="ev_2", key="k")
    await signal(handle, "paid", {"n": 3}, id="ev_3", key="k")
    output: Any = (await ended(handle)).output
    assert output["payload"] == {"n": 3}


async def test_a_wait_that_looks_back_beyond_the_execution_finds_what_was_before_it(engine: Engine) -> None:
    await engine.board.emit("paid", payload="long ago")
    far = await engine.run(document({"w": waits({"name": "paid"}, lookback="1h", timeout="20s")}))
    near = await engine.run(document({"w": waits({"name": "paid"}, timeout="200ms"), "on": work(1, ["w.timeout"])}))
    found: Any = far.output
    assert (found["payload"], near.output) == ("long ago", {"value": 1})
