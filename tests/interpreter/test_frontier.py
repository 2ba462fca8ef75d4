"""The frontier by itself: every node settles once, from any point on, at a cost that goes with the graph's size."""

import copy
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dag.limits import Limits
from dag.plan import PlanGraph
from interpreter.frontier import CANCELLED, Changes, Frontier, Settled, Standing
from tests.interpreter.documents import document, work
from tests.interpreter.publishing import published
from tests.interpreter.witness import Witness, types
from tests.reference.stage import Stage
from tests.reference.strategies import graphs

STANDING = TypeAdapter(Standing)
STAGED = Stage().types
TYPES = types(Witness())
GRAPHS = graphs().map(lambda generated: published(generated, types=STAGED).graph)
SETTLED = {"succeeded", "failed", "skipped", "cancelled"}


@dataclass
class Run:
    """Drives a frontier the way chance says, and notes what it does."""

    graph: PlanGraph
    fail_fast: bool
    chance: Random
    taken: Counter[int] = field(default_factory=Counter[int])
    skipped: Counter[int] = field(default_factory=Counter[int])
    log: list[Any] = field(default_factory=list[Any])

    def __post_init__(self) -> None:
        self.frontier = Frontier(self.graph, Standing.of(self.graph), fail_fast=self.fail_fast)
        self.frontier.begin()
        self.running: list[int] = []

    @property
    def changes(self) -> list[Changes]:
        return [entry for entry in self.log if isinstance(entry, Changes)]

    @property
    def standing(self) -> Standing:
        return self.frontier.standing()

    def step(self) -> None:
        """Start a node, or let one end; rarely, end it all."""
        at = self.chance.random()
        if at < 0.02:
            self.note(self.frontier.end("cancelled" if at < 0.01 else "stopped"))
            return
        node = take(self.frontier) if at < 0.6 else None
        if node is not None:
            self.taken[node] += 1
            self.log.append(("take", node))
            self.running.append(node)
            if self.chance.random() < 0.2:
                self.frontier.wait(node)
        elif self.running:
            node = self.running.pop(self.chance.randrange(len(self.running)))
            self.note(self.frontier.settle(node, self.how(node)))

    def how(self, node: int) -> Settled:
        if self.frontier.is_cancelling(node) and self.chance.random() < 0.5:
            return CANCELLED
        if self.chance.random() < 0.3:
            return self.frontier.failure_of(node)
        ports = sorted({self.graph.edges[edge].port for edge in self.graph.outgoing[node]} - {"error"}) or ["out"]
        return Settled("succeeded", self.chance.choice(ports))

    def note(self, changes: Changes) -> None:
        self.log.append(changes)
        self.skipped.update(changes.skipped)
        self.running = [n for n in self.running if n not in changes.skipped]

    def to_its_end(self) -> None:
        for _ in range(100 * len(self.graph.nodes) + 100):
            if self.frontier.done:
                return
            self.step()
        raise AssertionError(f"it does not end: {self.standing}")

    def elsewhere(self) -> None:
        """As over a continue-as-new, nothing is left but what can be written down."""
        standing = STANDING.validate_json(STANDING.dump_json(self.standing))
        self.frontier = Frontier(self.graph, standing, fail_fast=self.fail_fast)


RUNS = st.builds(Run, GRAPHS, st.booleans(), st.builds(Random, st.integers(0, 2**32)))


@given(RUNS)
def test_every_node_settles_once_and_starts_at_most_once(run: Run) -> None:
    run.to_its_end()
    assert set(run.standing.status) <= SETTLED
    assert run.frontier.unsettled == 0
    assert set(run.taken.values()) <= {1}
    assert set(run.skipped.values()) <= {1}
    failed_joins = Counter(join for changes in run.changes for join, _ in changes.unsatisfiable)
    for node, status in enumerate(run.standing.status):
        assert run.taken[node] + run.skipped[node] + failed_joins[node] == 1
        assert run.skipped[node] == 0 or status == "skipped"
        assert failed_joins[node] == 0 or status == "failed"


@given(RUNS)
def test_nothing_is_left_over_at_the_end(run: Run) -> None:
    run.to_its_end()
    standing = run.standing
    assert "open" not in standing.edges
    assert (standing.queue, standing.fates, standing.cancelling) == ([], {}, [])
    assert take(run.frontier) is None
    for number, edge in enumerate(run.graph.edges):
        live = standing.status[edge.source] != "cancelled" and standing.port[edge.source] == edge.port
        assert standing.edges[number] == "live" or not live or standing.status[edge.target] != "succeeded"
    before = copy.deepcopy(standing)
    for node in range(len(run.graph.nodes)):
        run.frontier.settle(node, Settled("succeeded", "out"))
    run.frontier.end("cancelled")
    assert run.standing.status == before.status
    assert run.standing.edges == before.edges


@given(RUNS, st.integers(0, 60))
def test_from_any_point_on_a_new_frontier_does_the_same(run: Run, steps: int) -> None:
    for _ in range(steps):
        if not run.frontier.done:
            run.step()
    other = copy.deepcopy(run)
    other.elsewhere()
    assert other.standing == run.standing
    run.to_its_end()
    other.to_its_end()
    assert other.log == run.log
    assert other.standing == run.standing


@given(GRAPHS, st.booleans())
def test_ending_before_anything_started_skips_all(graph: PlanGraph, begun: bool) -> None:  # noqa: FBT001 Hypothesis calls it
    frontier = Frontier(graph, Standing.of(graph), fail_fast=True)
    if begun:
        frontier.begin()
    changes = frontier.end("timed_out")
    assert sorted(changes.skipped) == list(range(len(graph.nodes)))
    assert (changes.cancel, changes.unsatisfiable) == ([], [])
    assert frontier.done
    assert take(frontier) is None


@given(RUNS)
def test_the_first_reason_to_end_stays(run: Run) -> None:
    run.frontier.end("stopped")
    run.frontier.end("cancelled")
    run.to_its_end()
    assert run.standing.ending == "stopped"


def frontier(nodes: Mapping[str, Any], **fields: Any) -> tuple[Frontier, PlanGraph, Mapping[str, int]]:
    plan = published(document(dict(nodes), **fields), types=TYPES, limits=Limits(nodes=50_000))
    made = Frontier(plan.graph, Standing.of(plan.graph), fail_fast=plan.fail == "fast")
    made.begin()
    return made, plan.graph, plan.graph.place


def take(at: Frontier) -> int | None:
    """Start the next node, if one may."""
    node = at.next()
    assert node is None or at.start(node)
    return node


def started(frontier: Frontier) -> list[int]:
    """Start all that is ready."""
    nodes: list[int] = []
    while (node := take(frontier)) is not None:
        nodes.append(node)
    return nodes


OK = Settled("succeeded", "out")


def test_a_count_join_runs_at_its_number_and_cancels_the_rest() -> None:
    nodes = {name: work() for name in "abcd"}
    at, graph, place = frontier({**nodes, "j": work(needs=list("abcd"), join={"count": 2})})
    assert started(at) == [0, 1, 2, 3]
    assert at.settle(place["b"], OK) == Changes()
    assert take(at) is None
    assert at.settle(place["d"], OK).cancel == [place["a"], place["c"]]
    assert take(at) is None, "what is cancelled has to end first"
    at.settle(place["a"], CANCELLED)
    at.settle(place["c"], OK)
    assert started(at) == [place["j"]]
    at.settle(place["j"], OK)
    assert at.standing().status == ["cancelled", "succeeded", "succeeded", "succeeded", "succeeded"]
    assert at.done
    assert len(graph.nodes) == 5


def test_a_count_join_fails_as_soon_as_too_few_are_left() -> None:
    nodes = {name: work() for name in "abc"}
    at, graph, place = frontier({**nodes, "j": work(needs=list("abc"), join={"count": 2})}, settings={"fail": "wait"})
    started(at)
    assert at.settle(place["a"], at.failure_of(place["a"])) == Changes()
    changes = at.settle(place["b"], at.failure_of(place["b"]))
    assert changes.cancel == [place["c"]]
    assert changes.unsatisfiable == []
    assert at.settle(place["c"], CANCELLED).unsatisfiable == [(place["j"], [place["a"], place["b"]])]
    assert at.standing().failed == place["j"]
    assert at.done
    assert len(graph.nodes) == 4


def test_a_join_that_nobody_failed_is_skipped() -> None:
    nodes = {name: work(when="input.none") for name in "ab"}
    at, _, place = frontier({**nodes, "j": work(needs=["a", "b"], join="any"), "after": work(needs=["j"])})
    started(at)
    assert at.settle(place["a"], Settled("skipped")).skipped == [place["a"]]
    assert at.settle(place["b"], Settled("skipped")).skipped == [place["b"], place["j"], place["after"]]
    assert at.done
    assert at.standing().failed is None


def test_a_join_that_ignores_the_rest_runs_at_once_and_only_once() -> None:
    nodes = {name: work() for name in "abc"}
    at, _, place = frontier({**nodes, "j": work(needs=list("abc"), join={"count": 1, "rest": "ignore"})})
    started(at)
    assert at.settle(place["b"], OK) == Changes()
    assert started(at) == [place["j"]]
    assert at.settle(place["a"], OK) == Changes()
    assert at.settle(place["c"], at.failure_of(place["c"])) == Changes()
    assert take(at) is None
    at.settle(place["j"], OK)
    assert at.standing().status == ["succeeded", "succeeded", "failed", "succeeded"]
    assert at.standing().failed is None, "a branch that came too late to matter fails nothing"


def test_an_inner_join_that_fails_fails_the_outer_branch_it_leads_into() -> None:
    nodes = {
        "a": work(),
        "b": work(),
        "inner": work(needs=["a", "b"], join="any"),
        "c": work(),
        "outer": work(needs=["inner", "c"], join="any"),
    }
    at, _, place = frontier(nodes)
    started(at)
    at.settle(place["a"], at.failure_of(place["a"]))
    changes = at.settle(place["b"], at.failure_of(place["b"]))
    assert changes.unsatisfiable == [(place["inner"], [place["a"], place["b"]])]
    assert at.standing().failed is None
    at.settle(place["c"], OK)
    assert started(at) == [place["outer"]]


@pytest.mark.parametrize("fail", ["fast", "wait"])
def test_a_join_that_ends_with_its_graph_does_not_fail_beside_it(fail: str) -> None:
    nodes = {"a": work(), "b": work(), "c": work(needs=["b"]), "other": work()}
    join = {"first": work(needs=["a", "c"], join="any"), "end": work(needs=["other", "first"])}
    at, _, place = frontier({**nodes, **join}, settings={"fail": fail})
    started(at)
    at.settle(place["a"], at.failure_of(place["a"]))
    at.settle(place["b"], OK)
    changes = at.settle(place["other"], at.failure_of(place["other"]))
    if fail == "wait":
        assert changes.skipped == [place["end"]]
        changes = at.end("cancelled")
        assert changes.skipped == [place["c"], place["first"]]
    else:
        assert changes.skipped == [place["c"], place["first"], place["end"]]
    assert changes.unsatisfiable == []
    assert at.done


def any_chain(size: int) -> dict[str, Any]:
    """Each is a join of one branch: that of all before it."""
    nodes = {"n0": work()}
    for n in range(1, size):
        nodes[f"n{n}"] = work(needs=[f"n{n - 1}"], join="any")
    return nodes


def ladder(size: int) -> dict[str, Any]:
    """Joins within the branches of joins, two edges each."""
    nodes = {"n0": work(), "m0": work()}
    for n in range(1, size // 2):
        nodes[f"m{n}"] = work()
        nodes[f"n{n}"] = work(needs=[f"n{n - 1}", f"m{n}"], join="any")
    return nodes


def ignoring_chain(size: int) -> dict[str, Any]:
    """The same, but nothing is cancelled."""
    ignoring = {"join": {"count": 1, "rest": "ignore"}}
    return {name: {**node, **(ignoring if "join" in node else {})} for name, node in any_chain(size).items()}


def wide(size: int) -> dict[str, Any]:
    nodes = {f"n{n}": work() for n in range(size)}
    return {**nodes, "j": work(needs=list(nodes), join={"count": size // 2})}


def wide_all(size: int) -> dict[str, Any]:
    nodes = {f"n{n}": work() for n in range(size)}
    return {**nodes, "j": work(needs=list(nodes))}


def long_branches(size: int) -> dict[str, Any]:
    """A hundred branches of a hundred nodes."""
    nodes: dict[str, Any] = {}
    for n in range(size // 100):
        for m in range(100):
            nodes[f"b{n}_{m}"] = work(needs=[f"b{n}_{m - 1}"] if m else None)
    return {**nodes, "j": work(needs=[f"b{n}_99" for n in range(size // 100)], join="any")}


def row(size: int) -> dict[str, Any]:
    return {f"n{n}": work(needs=[f"n{n - 1}"] if n else None) for n in range(size)}


SHAPES = [any_chain, ladder, ignoring_chain, wide, wide_all, long_branches, row]
FAILING: list[Callable[[int], bool]] = [lambda _: False, lambda _: True, lambda number: number % 10 > 0]
"""None, all, most."""


@pytest.mark.parametrize(("size", "seconds"), [(3_000, 1), pytest.param(10_000, 2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_node_costs_no_more_in_a_large_graph(
    shape: Callable[[int], dict[str, Any]], size: int, seconds: float
) -> None:
    """What goes with the square of the size took four times as long, and more."""
    graph = published(document(shape(size)), types=TYPES, limits=Limits(nodes=2 * size)).graph
    for failing, backwards, fail_fast in product(FAILING, (False, True), (False, True)):
        began = time.process_time()
        run_all(Frontier(graph, Standing.of(graph), fail_fast=fail_fast), failing, backwards=backwards)
        assert time.process_time() - began < seconds


def run_all(frontier: Frontier, failing: Callable[[int], bool], *, backwards: bool) -> None:
    """Start what is ready, let all those end, and again."""
    frontier.begin()
    while not frontier.done:
        nodes = started(frontier)
        assert nodes, "something is ready as long as nothing runs"
        for node in reversed(nodes) if backwards else nodes:
            frontier.settle(node, frontier.failure_of(node) if failing(node) else OK)
