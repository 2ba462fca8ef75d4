"""A further attempt takes over what was done, runs the rest, and ends as if nothing had ever gone wrong."""

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.interpreter.simulated_attempts import Attempt, ended
from tests.interpreter.test_agreement_pure import Case, nested_cases
from tests.reference.document import Document
from tests.reference.journal import SETTLED, outcome_of, without_words
from tests.reference.script import Acknowledges, Behaviour, Raises, Returns, Script
from tests.reference.strategies import graphs, scripts

PROFILE = settings.get_profile(settings.get_current_profile_name())
UNTIMELY = ("stop", "set", "delay")
"""What another pace than before may change the outcome of."""


def calm(document: Document) -> bool:
    """Whether an outcome does not depend on what is quicker than what."""
    nodes = document["nodes"].values()
    timely = all(node["type"] not in UNTIMELY and node.get("join", "all") == "all" for node in nodes)
    return timely and "timeout" not in document.get("settings", {})


def calm_cases() -> st.SearchStrategy[Case]:
    documents = graphs().map(calmed).filter(calm)
    return documents.flatmap(lambda document: st.tuples(st.just(document), scripts(document).map(obedient)))


def obedient(script: Script) -> Script:
    """One whose activities return one thing only: nobody cancels, and what is asked to stop does."""
    activities = {name: replace(each, answers=Acknowledges()) for name, each in script.activities.items()}
    return replace(script, activities=activities, cancel_at=None)


def calmed(document: Document) -> Document:
    nodes: dict[str, Any] = {
        name: {key: value for key, value in node.items() if key not in ("join", "timeout")}
        for name, node in document["nodes"].items()
    }
    return {**document, "nodes": nodes, "settings": {**document.get("settings", {}), "fail": "fast"}}


def mended(script: Script, failed: str) -> Script:
    behaviour = script.behaviour(failed)
    return replace(script, activities={**script.activities, failed: Behaviour(behaviour.takes, Returns({"v": 1}))})


def how_it_ended(attempt: Attempt) -> tuple[object, object]:
    """How an attempt has ended, and each of its nodes."""
    nodes: dict[str, object] = {}
    for event in attempt.events:
        if event.type in SETTLED:
            data: Any = event.data or {}
            nodes[event.path] = event.type, data.get("port"), data.get("output"), (data.get("error") or {}).get("code")
    last: Any = attempt.events[-1]
    return (last.type, without_words(last.data)), nodes


@settings(max_examples=PROFILE.max_examples // 2)
@given(calm_cases())
def test_a_retry_without_the_failure_ends_like_a_run_that_never_failed(case: Case) -> None:
    document, script = case
    first = never = ended(Attempt(document, script))
    while (failed := outcome_of(never.events).culprit) is not None:
        assume(isinstance(script.behaviour(failed).ends, Raises))
        script = mended(script, failed)
        never = ended(Attempt(document, script))
    second = ended(Attempt(document, script, first))
    assert how_it_ended(second) == how_it_ended(never)
    assert not first.ran & second.called.keys()


@settings(max_examples=PROFILE.max_examples // 2)
@given(nested_cases(), st.sampled_from([None, 1, 2, 3]))
def test_no_activity_that_succeeded_and_was_not_undone_runs_twice(case: Case, starts: int | None) -> None:
    document, script = case
    first = ended(Attempt(document, script))
    assume(first.execution.outcome is not None and first.execution.outcome.status != "succeeded")
    script = replace(script, cancel_at=None)
    second = ended(Attempt(document, script, first, starts_before_pause=starts))
    third = ended(Attempt(document, script, second, starts_before_pause=starts))
    kept = standing(first)
    assert not kept & second.called.keys()
    assert not ((kept | standing(second)) - undone(second)) & third.called.keys()


def undone(attempt: Attempt) -> set[str]:
    """The nodes that were undone, and what undid them: that may be undone again which is done again."""
    compensations = {path for path in attempt.ran if path.endswith(".compensate")}
    return compensations | {path.removesuffix(".compensate") for path in compensations}


def standing(attempt: Attempt) -> set[str]:
    """The activities that have succeeded and were not undone."""
    return attempt.ran - undone(attempt)
