"""Pauses, steps, breakpoints, skips and edits as decisions, without Temporal."""

import itertools
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dag.errors import ErrorValue, PerdureError
from dag.events import StepEvent
from dag.steering import (
    Act,
    Breakpoint,
    Clear,
    Command,
    Debugging,
    Disable,
    Edit,
    Enable,
    Held,
    HeldInside,
    InsideOf,
    Pause,
    Resume,
    Set,
    Skip,
    Steered,
    StepOn,
    WentOn,
)
from interpreter.execution import Execution
from interpreter.journal import Now
from interpreter.orders import Cancel, Invoke
from interpreter.start import Start
from tests.interpreter.alone import execution
from tests.interpreter.documents import computing, document
from tests.interpreter.family import calling
from tests.interpreter.publishing import published
from tests.interpreter.test_agreement_pure import PROFILE, TYPES, Case, Simulation, nested_cases
from tests.reference.document import Document
from tests.reference.evaluator import run
from tests.reference.journal import outcome_of
from tests.reference.script import Script

Going = Literal["resume", "into", "over"]

LOOP: dict[str, Any] = {
    "each": {
        "type": "for_each",
        "config": {
            "items": "[10, 20, 30, 40]",
            "concurrency": 1,
            "body": {
                "vars": {"rate": 2},
                "nodes": {
                    "price": computing("item * vars.rate"),
                    "note": computing("nodes.price.output + 1", ["price"]),
                },
            },
        },
    },
    "sum": computing("$sum(nodes.each.output)", ["each"]),
}


class Interrupted(Simulation):
    """Paused now and then: after so many decisions each time, and let go on as it says."""

    def __init__(
        self, document: Document, script: Script, pauses: list[tuple[int, Going]], starts: int | None, *, dwells: bool
    ):
        self._left = iter(pauses)
        self._next_pause = next(self._left, None)
        self._ids = itertools.count()
        self._dwells = dwells
        """Whether time goes on while it is paused."""
        super().__init__(document, script, starts)

    def to_its_end(self) -> None:
        self.execution.begin()
        self._advance()
        while self.execution.outcome is None:
            if self._is_paused and (not self._dwells or (self.world.is_idle and self.execution.alarm() is None)):
                self._let_go()
            else:
                self._next()
            self._advance()

    def _advance(self) -> None:
        self._carry_out()
        while True:
            while self._interrupts() or self.execution.advance(calls=not self._pauses()):
                self._carry_out()
            if self.execution.outcome is not None:
                return
            if self._is_paused and not self._dwells:
                self._let_go()
            elif not self._pauses() or not self.world.is_idle:
                return
            else:
                self._continue_as_new()

    def _interrupts(self) -> bool:
        if self._next_pause is None or self._is_paused or self.execution.outcome is not None:
            return False
        count, going = self._next_pause
        self._next_pause = (count - 1, going)
        if count > 0:
            return False
        self._do(Pause())
        if not self._is_paused:  # what ends is not paused any more
            self._next_pause = next(self._left, None)
        return True

    def _let_go(self) -> None:
        going = "resume" if self._next_pause is None else self._next_pause[1]
        self._next_pause = next(self._left, None)
        self._do(Resume() if going == "resume" else StepOn(going))

    def _do(self, act: Act) -> None:
        self.execution.steer(Command(f"c-{next(self._ids)}", "user:ann", act))

    @property
    def _is_paused(self) -> bool:
        return self.execution.steering.state.paused


def pauses() -> st.SearchStrategy[list[tuple[int, Going]]]:
    return st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["resume", "into", "over"])), max_size=8)


@settings(max_examples=max(10, PROFILE.max_examples // 4))
@given(nested_cases(), pauses(), st.none() | st.integers(1, 3))
def test_pauses_and_steps_that_take_no_time_change_nothing(
    case: Case, pauses: list[tuple[int, Going]], starts: int | None
) -> None:
    simulation = Interrupted(*case, pauses, starts, dwells=False)
    simulation.to_its_end()
    assert outcome_of(simulation.events) == run(*case, starts_before_pause=starts)


@settings(max_examples=max(10, PROFILE.max_examples // 4))
@given(nested_cases(), pauses(), st.none() | st.integers(1, 3))
def test_nothing_starts_while_an_execution_is_paused_and_each_node_settles_once(
    case: Case, pauses: list[tuple[int, Going]], starts: int | None
) -> None:
    simulation = Interrupted(*case, pauses, starts, dwells=True)
    simulation.to_its_end()
    assert set(outcome_of(simulation.events).nodes) >= set(case[0]["nodes"])
    is_paused = False
    for event in simulation.events:
        if event.type == "node.started" and not event.path.endswith(".compensate"):
            assert not is_paused
        is_paused = (is_paused or event.type == "execution.paused") and event.type != "execution.resumed"


class Debugged:
    """An execution that computes, and is steered by hand."""

    def __init__(self, nodes: dict[str, Any], debug: Debugging | None = None, **more: Any):
        self.plan = published(document(nodes, **more), types=TYPES)
        self.events: list[StepEvent] = []
        self.now = Now(time=1.0)
        self.start = Start(debug=debug)
        self.running: dict[str, int] = {}
        self.asked_to_stop: list[int] = []
        self._ids = itertools.count()
        self.execution = self._execution()
        self.execution.begin()
        self.go()

    def go(self) -> None:
        """All that can be done now."""
        self._carry_out()
        while self.execution.advance(calls=True):
            self._carry_out()

    def do(self, act: Act, *, id: str | None = None) -> Steered:
        told = self.execution.steer(Command(id or f"c-{next(self._ids)}", "user:ann", act, "Let us see."))
        self.go()
        return self.execution.steering.state if id is None else told

    def refused(self, act: Act) -> str:
        with pytest.raises(PerdureError) as refused:
            self.do(act)
        return refused.value.code

    def continue_as_new(self) -> None:
        self.execution = self._execution(self.execution)
        self.go()

    def fail(self, path: str) -> None:
        self.execution.failed(self.running.pop(path), ErrorValue(code="user.no", message="No."))
        self.execution.follow()
        self.go()

    def end(self, path: str, output: bytes = b"null") -> None:
        self.execution.succeeded(self.running.pop(path), output)
        self.execution.follow()
        self.go()

    @property
    def held(self) -> tuple[str, str] | None:
        held = self.execution.steering.state.held
        return None if held is None else (held.path, held.why)

    def said(self, *types: str) -> list[tuple[str, str]]:
        return [(event.type, event.path) for event in self.events if event.type in types]

    def outcome(self) -> Any:
        outcome = self.execution.outcome
        assert outcome is not None
        return outcome.output if outcome.error is None else outcome.error.code

    def _execution(self, before: Execution | None = None) -> Execution:
        return execution(
            self.plan, self.start, now=self.now, emit=lambda event, _: self.events.append(event), before=before
        )

    def _carry_out(self) -> None:
        for order in self._orders():
            match order:
                case Invoke():
                    self.running[order.path] = order.number
                case Cancel(number):
                    self.asked_to_stop.append(number)
                case _:
                    raise AssertionError

    def _orders(self) -> Iterator[object]:
        orders = [*self.execution.orders]
        self.execution.orders.clear()
        yield from orders


def step(**fields: Any) -> dict[str, Any]:
    return {"type": "test.step", "config": {}, **fields}


def test_a_breakpoint_in_the_third_turn_holds_there_and_an_edited_variable_counts_from_there_on() -> None:
    run = Debugged(LOOP, Debugging((Breakpoint("each[2].price"),)))
    assert run.held == ("each[2].price", "breakpoint")
    [graph] = run.execution.inside.look(InsideOf("each")).graphs
    assert [(node.path, node.status) for node in graph.nodes] == [
        ("each[2].price", "pending"),
        ("each[2].note", "pending"),
    ]
    scopes = run.execution.inside.scopes("each[2]")
    assert scopes is not None
    assert [(one.name, one.kind, one.value) for one in scopes[0].values][:2] == [
        ("rate", "variable", 2),
        ("item", "name", 30),
    ]
    run.do(Edit({"rate": 100}, "each[2]"))
    run.do(StepOn())
    assert run.held == ("each[2].note", "step")
    run.continue_as_new()
    assert run.held == ("each[2].note", "step")
    run.do(Resume())
    assert run.outcome() == (20 + 1) + (40 + 1) + (3000 + 1) + (80 + 1)


def test_a_breakpoint_without_turns_holds_in_each_whose_condition_is_true() -> None:
    condition = "item > 15 and loop.index != 2"
    run = Debugged(LOOP, Debugging((Breakpoint("each.note", condition=f"{condition} and nodes.price.output"),)))
    held: list[str] = []
    while run.held is not None:
        held.append(run.held[0])
        run.do(Resume())
    assert held == ["each[1].note", "each[3].note"]
    assert [path for _, path in run.said("debug.held")] == held


def test_a_condition_that_fails_holds_and_says_why() -> None:
    run = Debugged(LOOP, Debugging((Breakpoint("sum", condition="nodes.each.output > 'a'"),)))
    held = run.execution.steering.state.held
    assert isinstance(held, Held)
    assert isinstance(held.error, dict)
    assert (held.path, held.error["code"]) == ("sum", "expression.type")


def test_what_cannot_be_asked_is_no_breakpoint() -> None:
    run = Debugged({"a": step()})
    for condition in ("(", "$eval('1')", "secrets.token = 'x'"):
        assert run.refused(Set(Breakpoint("a", condition))) == "breakpoint.refused"
    assert run.refused(Clear("a")) == "breakpoint.unknown"
    assert run.refused(StepOn()) == "debug.conflict"
    for n in range(100):
        run.do(Set(Breakpoint(f"n{n}")))
    assert run.refused(Set(Breakpoint("a"))) == "limit.breakpoints"


def test_a_step_goes_into_a_loop_or_over_it() -> None:
    run = Debugged(LOOP, Debugging(hold=True))
    assert run.held == ("each", "start")
    run.do(StepOn("over"))
    assert run.held == ("sum", "step")
    run = Debugged(LOOP, Debugging(hold=True))
    held: list[str] = []
    for _ in range(4):
        run.do(StepOn("into"))
        assert run.held is not None
        held.append(run.held[0])
    assert held == ["each[0].price", "each[0].note", "each[1].price", "each[1].note"]
    run.do(StepOn("over"))  # at the end of a turn, the next node of the loop's body is that of the next turn
    assert run.held == ("each[2].price", "step")


def test_a_failure_is_held_before_its_consequences_and_may_be_skipped() -> None:
    nodes = {"a": step(), "b": computing("1", ["a"]), "c": computing("2")}
    for act, output in ((Resume(), "user.no"), (Skip("a"), 2)):
        run = Debugged(nodes, Debugging((Breakpoint("*", on_error=True),)), output="${{ nodes.c.output }}")
        run.fail("a")
        assert run.held == ("a", "error")
        assert not run.said("node.failed")
        run.continue_as_new()
        run.do(act)
        run.do(Resume())
        assert run.outcome() == output


def test_a_held_failure_does_not_keep_a_cancel_from_ending_the_execution() -> None:
    run = Debugged({"a": step(), "b": step()}, Debugging((Breakpoint("*", on_error=True),)))
    run.fail("a")
    run.execution.cancel()
    run.go()
    run.execution.cancelled(run.running["b"])
    run.go()
    assert run.outcome() == "cancelled"
    assert ("node.failed", "a") in run.said("node.failed")


def test_debugging_that_is_switched_off_goes_on_and_keeps_its_breakpoints() -> None:
    run = Debugged(LOOP, Debugging((Breakpoint("each.price"),)))
    told = run.do(Disable())
    assert (run.held, told.debugging, [each.node for each in told.breakpoints]) == (None, False, ["each.price"])
    assert run.outcome() == 204
    run = Debugged({"a": step()}, Debugging((Breakpoint("b"),)))
    assert not run.do(Disable()).debugging
    assert run.do(Enable()).debugging


def test_a_pause_ends_with_the_execution_when_a_node_fails_it() -> None:
    run = Debugged({"a": step(), "b": step(needs=["a"])})
    run.do(Pause())
    run.fail("a")
    assert run.outcome() == "user.no"
    assert run.said("execution.paused", "execution.resumed", "node.skipped", "execution.failed") == [
        ("execution.paused", ""),
        ("node.skipped", "b"),
        ("execution.resumed", ""),
        ("execution.failed", ""),
    ]


def test_a_finally_runs_although_a_cancelled_execution_was_paused() -> None:
    inside = {"body": {"nodes": {"x": step()}}, "finally": {"nodes": {"y": computing("1")}}}
    run = Debugged({"guard": {"type": "try", "config": inside}})
    run.do(Pause())
    run.execution.cancel()
    run.go()
    run.execution.cancelled(run.running["guard.body.x"])
    run.execution.follow()
    run.go()
    assert run.outcome() == "cancelled"
    assert ("node.succeeded", "guard.finally.y") in run.said("node.succeeded")


def test_a_command_is_done_once_and_answered_as_it_was_also_in_a_later_run() -> None:
    run = Debugged({"a": step(), "b": computing("1", ["a"])})
    first = run.do(Pause(), id="once")
    run.do(Resume())
    run.continue_as_new()
    assert run.do(Pause(), id="once") == first
    assert not run.execution.steering.state.paused


def test_what_a_parent_said_earlier_changes_nothing_when_it_comes_later() -> None:
    run = Debugged({"a": step()})
    for serial, act, is_paused in ((2, Resume(), False), (1, Pause(), False), (3, Pause(), True), (2, Resume(), True)):
        run.execution.steer(Command(f"p {serial}", "user:ann", act, serial=serial))
        assert run.execution.steering.state.paused is is_paused


def test_what_waits_or_has_not_started_is_skipped_and_what_runs_is_asked_to_stop() -> None:
    nodes = {
        "wait": {"type": "delay", "config": {"for": "1h"}},
        "ask": {"type": "approval", "config": {"title": "?", "due": "1h"}},
        "runs": step(),
        "last": step(needs=["wait"]),
        "other": computing("7"),
    }
    run = Debugged(nodes, output="${{ nodes.other.output }}")
    assert run.refused(Skip("other")) == "node.closed"
    for path in ("no", "ask.x", "each[0].a", ""):
        assert run.refused(Skip(path)) == "node.unknown"
    run.do(Skip("last"))
    for path in ("wait", "ask", "runs"):
        run.do(Skip(path))
    assert run.asked_to_stop == [run.running["runs"]]
    run.execution.cancelled(run.running["runs"])
    run.execution.follow()
    run.go()
    assert run.outcome() == 7
    assert sorted(path for _, path in run.said("node.skipped")) == ["ask", "last", "runs", "wait"]
    assert not run.said("node.cancelled")


def test_only_declared_variables_of_graphs_that_run_are_edited() -> None:
    run = Debugged({"a": step(), "b": computing("vars.x", ["a"])}, vars={"x": 1})
    assert run.refused(Edit({"y": 1})) == "variable.unknown"
    assert run.refused(Edit({"x": 1}, "each[0]")) == "graph.unknown"
    run.do(Edit({"x": [5]}))
    run.end("a")
    assert run.outcome() == [5]
    [edited] = [event.data for event in run.events if event.type == "variables.edited"]
    assert edited == {"values": {"x": [5]}, "by": "user:ann", "reason": "Let us see."}


def test_a_hold_of_who_is_not_waited_for_yet_is_heard_once_it_is() -> None:
    run = Debugged({"sub": calling("child")}, Debugging((Breakpoint("sub.*"),), reaches=True))
    for hold in (HeldInside("ex_early", "1.1", Held("sub.a", "step")), HeldInside("ex_gone", "1.1", Held("x", "step"))):
        run.do(hold)
    run.do(WentOn("ex_gone", "1.1"))
    assert run.held is None
    run.end("sub", b'"ex_early"')
    assert run.held == ("sub.a", "step")
    assert [type for type, _ in run.said("node.waiting", "execution.paused")] == ["node.waiting", "execution.paused"]
    run.end("settings.pause")
    run.do(WentOn("ex_early", "1.1"))
    assert run.held is None


def test_an_execution_that_nobody_touches_carries_nothing_of_all_this() -> None:
    run = Debugged({"a": step()})
    assert run.execution.carried()[0].steering is None
