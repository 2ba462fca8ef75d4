"""What holds of every execution, as far as the reference evaluator alone can tell."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.reference.document import Document
from tests.reference.drafting import every_node
from tests.reference.evaluator import run
from tests.reference.expressions import MISSING
from tests.reference.outcome import Outcome
from tests.reference.paths import graph_of, rank_of
from tests.reference.script import Script
from tests.reference.strategies import nested, worlds
from tests.reference.world import Ends

Case = tuple[Document, Script]
PROFILE = settings.get_profile(settings.get_current_profile_name())


def cases(*, virtual_time: bool = True) -> st.SearchStrategy[Case]:
    return nested(virtual_time=virtual_time).flatmap(
        lambda document: st.tuples(st.just(document), worlds(document, virtual_time=virtual_time))
    )


@settings(max_examples=2 * PROFILE.max_examples)
@given(cases())
def test_every_run_ends_with_every_node_settled(case: Case) -> None:
    outcome = run(*case)
    assert {node.status for node in outcome.nodes.values()} <= {"succeeded", "failed", "skipped", "cancelled"}
    for path, node in outcome.nodes.items():
        assert (node.output is not MISSING) == (node.status == "succeeded"), path
        assert (node.code is not None) == (node.status == "failed"), path
        assert rank_of(path, case[0])


@given(cases())
def test_a_finally_runs_once_for_every_try_that_started(case: Case) -> None:
    document, outcome = case[0], run(*case)
    has_finally = {name: "finally" in node["config"] for name, node in every_node(document) if node["type"] == "try"}
    begun = Counter(graph_of(path) for path in outcome.nodes if graph_of(path).endswith(".finally"))
    for graph, started in outcome.order.items():
        for name in started:
            path = f"{graph}.{name}" if graph else name
            if has_finally.get(name) and outcome.nodes[path].code not in ("expression.failed", "expression.type"):
                assert f"{path}.finally" in begun


@given(cases())
def test_what_is_undone_had_succeeded_and_only_executions_that_did_not_undo(case: Case) -> None:
    outcome = run(*case)
    undone = [path.removesuffix(".compensate") for path in outcome.compensated]
    due = [path for path in outcome.nodes if _is_undone(path, outcome, case[0])]
    assert sorted(undone) == (sorted(due) if outcome.status != "succeeded" else [])
    assert (outcome.compensation == "none") == (not undone)


@given(cases())
def test_an_error_names_where_it_arose(case: Case) -> None:
    outcome = run(*case)
    if outcome.error is not None and outcome.error.path is not None:
        assert outcome.error.path.split(".")[-1] == outcome.error.node
        assert outcome.nodes[outcome.error.path].code == outcome.error.code


@given(cases(), st.integers(1, 3))
def test_pausing_keeps_nothing_from_settling(case: Case, starts: int) -> None:
    outcome = run(*case, starts_before_pause=starts)
    assert all(node.status not in ("pending", "running") for node in outcome.nodes.values())


@settings(max_examples=PROFILE.max_examples // 2)
@given(cases(virtual_time=False))
def test_in_real_time_nothing_is_overdue(case: Case) -> None:
    assert Ends("overdue") not in [step.happening for step in run(*case).steps]


def _is_undone(path: str, outcome: Outcome, document: Document) -> bool:
    written: Mapping[str, Any] = dict(every_node(document)).get(path.split(".")[-1], {})
    return outcome.nodes[path].status == "succeeded" and "compensate" in written
