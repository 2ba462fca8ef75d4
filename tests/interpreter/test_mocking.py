"""Tests of workflows, as the interpreter carries them out: without Temporal, and without anything that runs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from activities import registry
from dag.events import StepEvent
from dag.plan import Plan
from dag.testing.case import CaseIn
from dag.testing.mode import Mode, for_test
from dag.testing.preparing import CaseInvalid, prepared
from interpreter.clock import Clock
from interpreter.execution import Execution
from interpreter.journal import Now
from interpreter.orders import Invoke, Outcome
from interpreter.start import Start
from tests.interpreter.alone import execution
from tests.interpreter.publishing import published
from tests.interpreter.test_agreement_pure import TYPES
from tests.reference.document import ACTIVITIES, Document
from tests.reference.journal import outcome_of
from tests.reference.strategies import graphs

CATALOG = registry.catalog(registry.load())
DAY = 86_400
START = "2030-01-07T09:00:00Z"
POST = {"type": "http.request", "config": {"method": "POST", "url": "https://shop.example/${{ input.id }}"}}


class Rehearsal:
    """An execution that is a test, with a clock of its own; `continued` at every safe point if asked."""

    def __init__(self, plan: Plan, mode: Mode, *, input: JsonValue = None, continued: bool = False):
        self.plan, self.continued = plan, continued
        self.events: list[StepEvent] = []
        self.ran: list[str] = []
        self.now = Now(Clock(mode).at(0.0))
        self.start = Start(input=input, trigger="test", test=mode)
        self.execution = self._made()

    def to_its_end(self) -> Outcome:
        self.execution.begin()
        while self.execution.outcome is None:
            while self.execution.advance(calls=True):
                for order in [*self.execution.orders]:
                    assert isinstance(order, Invoke)
                    self.ran.append(order.path)
                    self.execution.orders.remove(order)
            if self.execution.outcome is None:
                assert not self.ran, f"{self.ran} is waited for"
                if self.continued:
                    self.execution = self._made(self.execution)
                assert self.execution.skip(), "it waits"
        return self.execution.outcome

    def _made(self, before: Execution | None = None) -> Execution:
        return execution(
            self.plan,
            self.start,
            now=self.now,
            emit=lambda event, _: self.events.append(event),
            began=self.now.time,
            before=before,
        )


def rehearsed(nodes: dict[str, Any], *, input: JsonValue = None, continued: bool = False, **case: Any) -> Rehearsal:
    document: dict[str, Any] = {"language": 1, "name": "shop", "nodes": nodes}
    read = CaseIn.model_validate(case, strict=True)
    plan = for_test(published(document), read.vars)
    made = Rehearsal(plan, prepared(read, plan, catalog=CATALOG), input=input, continued=continued)
    made.to_its_end()
    return made


def ended(made: Rehearsal) -> tuple[str, JsonValue]:
    outcome = made.execution.outcome
    assert outcome is not None
    return outcome.status, outcome.output if outcome.error is None else outcome.error.code


def http(body: JsonValue, status: int = 200) -> dict[str, JsonValue]:
    return {"status": status, "headers": {}, "body": body, "url": "https://shop.example/"}


def test_a_mock_answers_for_a_node_and_sees_its_config() -> None:
    made = rehearsed({"pay": POST}, input={"id": 7}, mocks={"pay": {"output": {"called": "${{ config.url }}"}}})
    assert ended(made) == ("succeeded", {"called": "https://shop.example/7"})
    started = next(event for event in made.events if event.type == "node.started")
    assert isinstance(started.data, dict)
    assert started.data["mocked"] is True


def test_a_node_with_effects_fails_that_is_neither_mocked_nor_real() -> None:
    assert ended(rehearsed({"pay": POST})) == ("failed", "test.unmocked")
    assert rehearsed({"pay": POST}).ran == []


def test_mocked_errors_are_tried_again_as_the_node_says_without_anybody_waiting() -> None:
    node = {**POST, "retry": {"max_attempts": 3, "initial": "1h", "factor": 10, "max": "30d"}}
    down = {"error": {"code": "http.503", "retryable": True}}
    sequence = [down, down, {"output": "attempt ${{ attempt }}"}]
    assert ended(rehearsed({"pay": node}, mocks={"pay": {"sequence": sequence}})) == ("succeeded", "attempt 3")
    failed = rehearsed({"pay": node}, mocks={"pay": down})
    error = failed.execution.outcome and failed.execution.outcome.error
    assert error is not None
    assert (error.code, error.attempt, failed.now.time) == ("http.503", 3, 11 * 3_600)
    final = {"error": {"code": "http.400"}}
    assert rehearsed({"pay": node}, mocks={"pay": final}).now.time == 0


def test_turns_are_mocked_all_or_one_by_one() -> None:
    loop = {"type": "for_each", "config": {"items": "[1, 2, 3]", "body": {"nodes": {"pay": POST}}}}
    mocks: dict[str, Any] = {"each.pay": {"output": "${{ item * 10 }}"}, "each[1].pay": {"output": "${{ 'other' }}"}}
    assert ended(rehearsed({"each": loop}, mocks=mocks)) == ("succeeded", [10, "other", 30])
    sequence = {"each.pay": {"sequence": [{"output": "${{ 'first' }}"}, {"output": "${{ 'rest' }}"}]}}
    assert ended(rehearsed({"each": loop}, mocks=sequence)) == ("succeeded", ["first", "rest", "rest"])


def test_parts_of_a_try_are_mocked_by_their_names() -> None:
    guard = {
        "type": "try",
        "config": {"body": {"nodes": {"pay": POST}}, "catch": [{"codes": ["user"], "body": {"nodes": {"tell": POST}}}]},
    }
    mocks = {
        "guard.body.pay": {"error": {"code": "user.poor"}},
        "guard.catch[0].tell": {"output": "${{ error.code }}"},
    }
    assert ended(rehearsed({"guard": guard}, mocks=mocks)) == ("succeeded", "user.poor")


@pytest.mark.parametrize("continued", [False, True])
def test_a_month_of_escalations_takes_no_time(continued: bool) -> None:  # noqa: FBT001
    config = {
        "title": "Pay?",
        "assignees": ["user:ann"],
        "due": "30d",
        "reminders": ["7d"],
        "escalate": [{"after": "14d", "to": ["user:bob"]}],
    }
    ask = {
        "ok": {"type": "approval", "config": config},
        "no": {"type": "transform", "needs": ["ok.timeout"], "config": {"expression": "'late'"}},
    }
    made = rehearsed(ask, time={"frozen": "2026-01-01T00:00:00Z"}, continued=continued)
    assert ended(made) == ("succeeded", "late")
    told = [event.type for event in made.events if event.path == "ok"]
    assert told == ["node.started", "node.waiting", "task.reminded", "task.escalated", "node.succeeded"]
    assert made.now.time == 1_767_225_600 + 30 * DAY
    late = [{"path": "ok", "verdict": "approve", "by": "user:bob", "after": "20d"}]
    made = rehearsed(ask, time={"frozen": "2026-01-01T00:00:00Z"}, decisions=late, continued=continued)
    assert made.now.time == 1_767_225_600 + 20 * DAY
    early = [{**late[0], "after": "13d"}]
    assert ended(rehearsed(ask, decisions=early, continued=continued)) == ("failed", "test.decision")


@pytest.mark.parametrize("continued", [False, True])
def test_events_come_from_the_test_and_from_what_it_emits(continued: bool) -> None:  # noqa: FBT001
    wait = {"type": "wait_event", "config": {"events": [{"name": "paid", "match": "event.payload.sum > 5"}]}}
    events = [{"name": "paid", "payload": {"sum": 1}}, {"name": "paid", "payload": {"sum": 9}, "after": "3d"}]
    made = rehearsed({"wait": wait}, events=events, continued=continued)
    assert (ended(made)[0], made.now.time) == ("succeeded", 3 * DAY)
    emit = {"type": "emit_event", "config": {"name": "paid", "payload": {"sum": 6}}}
    assert ended(rehearsed({"wait": wait, "emit": emit}, continued=continued))[0] == "succeeded"
    assert ended(rehearsed({"wait": wait}, continued=continued)) == ("failed", "test.stuck")


def test_tasks_and_children_are_mocked_whole() -> None:
    ask = {"type": "approval", "config": {"title": "Pay?"}}
    no = {"type": "transform", "needs": ["ok.rejected"], "config": {"expression": "nodes.ok.output.comment"}}
    mocks = {"ok": {"port": "rejected", "output": {"comment": "Too much."}}}
    assert ended(rehearsed({"ok": ask, "no": no}, mocks=mocks)) == ("succeeded", "Too much.")


def test_compensations_are_recorded_and_not_done() -> None:
    pay = {**POST, "compensate": {"type": "http.request", "config": {"method": "POST", "url": "https://shop.example"}}}
    nodes = {"pay": pay, "ship": {"type": "fail", "needs": ["pay"], "config": {"code": "user.lost"}}}
    made = rehearsed(nodes, mocks={"pay": {"output": http(None)}})
    assert (ended(made), made.ran) == (("failed", "user.lost"), [])
    assert [event.type for event in made.events if event.path == "pay.compensate"] == ["node.started", "node.succeeded"]
    broken = {"pay": {"output": http(None)}, "pay.compensate": {"error": {"code": "http.500"}}}
    made = rehearsed(nodes, mocks=broken)
    assert [event.type for event in made.events if event.path == "pay.compensate"] == ["node.started", "node.failed"]


def test_everything_that_is_wrong_with_a_test_is_told_at_once() -> None:
    loop = {"type": "for_each", "config": {"items": "[1]", "body": {"nodes": {"buy": POST}}}}
    case: dict[str, Any] = {
        "mocks": {
            "pey": {"output": 1},
            "pay": {"output": {"status": "200"}},
            "each.buy": {"output": "${{ nodes.nobody.output & other & }}"},
            "each": {"output": []},
            "ok": {"output": "${{ secrets.token }}"},
        },
        "real": ["ok", "nothing"],
        "decisions": [{"path": "pay"}],
        "vars": {"x": 1},
        "time": {"frozen": "soon"},
        "assertions": ["status ="],
    }
    with pytest.raises(CaseInvalid) as refused:
        rehearsed({"pay": POST, "each": loop, "ok": {"type": "code.python", "config": {"code": "result = 1"}}}, **case)
    assert isinstance(refused.value.details, list)
    paths = {str(each["path"]) for each in refused.value.details if isinstance(each, dict)}
    assert paths == {
        "/mocks/pey",
        "/mocks/pay/output",
        "/mocks/each.buy/output",
        "/mocks/each",
        "/mocks/ok/output",
        "/real/0",
        "/real/1",
        "/decisions/0/path",
        "/vars/x",
        "/time/frozen",
        "/assertions/0",
    }


@given(graphs(max_nodes=12), st.lists(st.booleans(), min_size=30, max_size=30))
def test_with_all_activities_mocked_to_what_they_gave_an_execution_ends_as_it_did(
    document: Document, fails: list[bool]
) -> None:
    plan = published(document, types=TYPES)
    names = [name for name, node in document["nodes"].items() if node["type"] in ACTIVITIES]
    given: dict[str, Any] = {
        name: {"error": {"code": f"user.{name}"}} if fails[n] else {"output": f"of {name}"}
        for n, name in enumerate(names)
    }
    before = ended_with(plan, given)
    gave: dict[str, Any] = {}
    for event in before:
        if event.path in given and isinstance(event.data, dict):
            if event.type == "node.succeeded":
                gave[event.path] = {"output": event.data["output"]}
            elif event.type == "node.failed":
                gave[event.path] = {"error": {"code": read(event.data["error"])["code"]}}
    after = ended_with(plan, {**{name: {"error": {"code": "user.unasked"}} for name in names}, **gave})
    assert outcome_of(after) == outcome_of(before)


def ended_with(plan: Plan, mocks: dict[str, Any]) -> list[StepEvent]:
    mode = prepared(CaseIn.model_validate({"mocks": mocks, "time": {"frozen": START}}), plan, catalog={})
    made = Rehearsal(plan, mode, input={"n": 1, "flag": True, "list": [1, 2]})
    made.to_its_end()
    return made.events


def read(error: JsonValue) -> dict[str, JsonValue]:
    assert isinstance(error, dict)
    return error
