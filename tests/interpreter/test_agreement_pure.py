"""The interpreter's decisions against the reference evaluator, in the same simulated world, without Temporal."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dag.errors import ErrorValue
from dag.events import StepEvent
from interpreter.execution import Execution
from interpreter.journal import Now
from interpreter.orders import Cancel, Invoke
from interpreter.start import Start
from tests.interpreter.alone import execution
from tests.interpreter.publishing import published
from tests.reference.document import Document
from tests.reference.evaluator import run
from tests.reference.example import Example
from tests.reference.examples import EXAMPLES
from tests.reference.examples_of_constructs import CONSTRUCTS
from tests.reference.journal import outcome_of
from tests.reference.outcome import Outcome
from tests.reference.script import Acknowledges, Raises, Returns, Script
from tests.reference.stage import Stage
from tests.reference.strategies import graphs, nested, scripts, worlds
from tests.reference.world import Ends, Settles, TimesOut, World

Case = tuple[Document, Script]
TYPES = Stage().types
PROFILE = settings.get_profile(settings.get_current_profile_name())
"""A profile with more examples makes more of each of these tests."""


def cases() -> st.SearchStrategy[Case]:
    return graphs().flatmap(lambda document: st.tuples(st.just(document), scripts(document)))


def nested_cases() -> st.SearchStrategy[Case]:
    return nested().flatmap(lambda document: st.tuples(st.just(document), worlds(document)))


@pytest.mark.parametrize("example", [*EXAMPLES, *CONSTRUCTS], ids=lambda example: example.sentence)
def test_the_interpreter_agrees_with_the_hand(example: Example) -> None:
    outcome = played(example.document, example.script)
    assert {name: node.status for name, node in outcome.nodes.items()} == example.nodes
    assert outcome == run(example.document, example.script)


@settings(max_examples=2 * PROFILE.max_examples)
@given(cases())
def test_any_graph_ends_as_the_reference_says(case: Case) -> None:
    assert played(*case) == run(*case)


@settings(max_examples=2 * PROFILE.max_examples)
@given(nested_cases())
def test_any_nested_graph_ends_as_the_reference_says(case: Case) -> None:
    assert played(*case) == run(*case)


@settings(max_examples=2 * PROFILE.max_examples)
@given(nested_cases(), st.integers(1, 3))
def test_nested_graphs_may_continue_as_new_at_every_safe_point(case: Case, starts: int) -> None:
    assert played(*case, starts_before_pause=starts) == run(*case, starts_before_pause=starts)


@settings(max_examples=2 * PROFILE.max_examples)
@given(cases(), st.integers(1, 3))
def test_continuing_as_new_at_every_safe_point_changes_nothing(case: Case, starts: int) -> None:
    assert played(*case, starts_before_pause=starts) == run(*case, starts_before_pause=starts)


@given(cases())
def test_a_node_starts_only_after_what_it_needs(case: Case) -> None:
    document, script = case
    settled: set[str] = set()
    for event in events_of(document, script):
        if event.type == "node.started":
            needs = [need.partition(".")[0] for need in document["nodes"][event.path].get("needs", [])]
            join = document["nodes"][event.path].get("join", "all")
            if join == "all":
                assert settled.issuperset(needs)
            elif needs:
                assert settled.intersection(needs)
        elif event.type in ("node.succeeded", "node.failed", "node.skipped", "node.cancelled"):
            settled.add(event.path)
    assert settled == set(document["nodes"])


def played(document: Document, script: Script, *, starts_before_pause: int | None = None) -> Outcome:
    """What the interpreter makes of a document in the world of a script."""
    return outcome_of(events_of(document, script, starts_before_pause=starts_before_pause))


def events_of(document: Document, script: Script, *, starts_before_pause: int | None = None) -> list[StepEvent]:
    """The step events of an interpreter in a simulated world."""
    simulation = Simulation(document, script, starts_before_pause)
    simulation.to_its_end()
    return simulation.events


class Simulation:
    """Stands in for Temporal: carries out an execution's orders in virtual time."""

    def __init__(self, document: Document, script: Script, starts_before_pause: int | None):
        self.plan = published(document, types=TYPES)
        self.events: list[StepEvent] = []
        self.now = Now()
        self.starts_before_pause = starts_before_pause
        self.starts = 0
        self.numbers: dict[str, int] = {}
        """What runs, by path."""
        self.start = Start(input=dict(script.input))
        self.world = World(script, document)
        if script.cancel_at is not None:
            self.world.will_end("cancelled", at=script.cancel_at)
        self.execution = self._execution()

    def to_its_end(self) -> None:
        self.execution.begin()
        self._advance()
        while self.execution.outcome is None:
            self._next()
            self._advance()

    def _next(self) -> None:
        alarm = self.execution.alarm()
        if alarm is not None and all(alarm <= at for at, _ in self.world.due.values()):
            self.world.now = self.now.time = alarm
            return
        happening = self.world.next()
        self.now.time = self.world.now
        match happening:
            case Ends():
                self.execution.cancel()
            case Settles(node, ending):
                number = self.numbers.pop(node)
                match ending:
                    case Returns(output):
                        self.execution.succeeded(number, orjson.dumps(output))
                    case Raises(code):
                        self.execution.failed(number, ErrorValue(code=code, message="No."))
                    case Acknowledges():
                        self.execution.cancelled(number)
            case TimesOut() | None:
                raise AssertionError("the execution waits for nothing")

    def _advance(self) -> None:
        self._carry_out()
        while True:
            while self.execution.advance(calls=not self._pauses()):
                self._carry_out()
            if self.execution.outcome is not None or not self._pauses() or not self.world.is_idle:
                return
            self._continue_as_new()

    def _pauses(self) -> bool:
        if self.starts_before_pause is None or self.execution.ending == "cancelled":
            return False
        return self.starts >= self.starts_before_pause

    def _carry_out(self) -> None:
        for order in self.execution.orders:
            match order:
                case Invoke():
                    self.starts += 1
                    self.numbers[order.path] = order.number
                    self.world.start_activity(order.path)
                case Cancel():
                    self.world.ask_to_stop(next(path for path, n in self.numbers.items() if n == order.number))
                case _:
                    raise AssertionError("no expression of a generated graph is too large for the workflow task")
        self.execution.orders.clear()

    def _continue_as_new(self) -> None:
        """As over a real one, nothing is left but what can be written down."""
        self.execution = self._execution(self.execution)
        self.starts = 0

    def _execution(self, before: Execution | None = None) -> Execution:
        return execution(self.plan, self.start, now=self.now, emit=self._said, before=before)

    def _said(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 as an Emit
        self.events.append(event)
