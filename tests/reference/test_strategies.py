"""What is generated may be published, and reaches every construct."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings

from activities import registry
from dag.publish import review
from tests.interpreter.publishing import SURROUNDINGS
from tests.reference.stage import Stage
from tests.reference.strategies import graphs, nested

CATALOG = registry.catalog({**registry.load(), **{each.name: each for each in Stage().types}})
PROFILE = settings.get_profile(settings.get_current_profile_name())


@settings(max_examples=PROFILE.max_examples // 2)
@given(graphs())
def test_a_generated_graph_has_no_problems(document: Mapping[str, Any]) -> None:
    assert _errors(document) == []


@given(nested())
def test_generated_graphs_within_graphs_have_no_problems(document: Mapping[str, Any]) -> None:
    assert _errors(document) == []


@settings(max_examples=PROFILE.max_examples // 2)
@given(nested(virtual_time=False))
def test_neither_have_those_for_real_time(document: Mapping[str, Any]) -> None:
    assert _errors(document) == []


def _errors(document: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    problems = review(dict(document), catalog=CATALOG, surroundings=SURROUNDINGS)
    return [(each.code, each.path, each.message) for each in problems if each.severity == "error"]
