"""Whatever comes in, publishing gives problems with places and never an exception."""

from copy import deepcopy
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.checks.codes import CODES as CHECKED
from dag.documents import read
from dag.problems import CODES, unescaped
from tests.dag.publishing import problems_of, published

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(
    ["a", "b", "test.step", "if", "switch", "for_each", "try", "set", "any", "nodes", "a.true", "30s"]
)
COMPUTED = st.sampled_from(
    ["nodes.a.output", "$", "vars.x", "loop.index", "${{ input.x }}", "${{ secrets.token }}", "${{"]
)
WORDS = NAMES | COMPUTED
WRITTEN = [read(file.read_text(), format="yaml") for file in sorted((Path(__file__).parent / "bad").glob("*.yaml"))]


@st.composite
def mutants(draw: st.DrawFn) -> JsonValue:
    """A document of the corpus with a few places changed into anything."""
    document = deepcopy(draw(st.sampled_from(WRITTEN)))
    for _ in range(draw(st.integers(1, 3))):
        here: Any = document
        while isinstance(here, dict | list) and here:
            key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
            if not isinstance(here[key], dict | list) or draw(st.booleans()):
                here[key] = draw(WORDS | st.lists(WORDS, max_size=2) | json_values)
                break
            here = here[key]
    return document


@given(json_values)
def test_any_json_gives_problems_and_no_exception(value: object) -> None:
    assert published(value).problems


@settings(max_examples=100)
@given(mutants())
def test_a_document_changed_anywhere_gives_no_exception(value: JsonValue) -> None:
    for problem in published(value).problems:
        assert problem.code in CODES or problem.code in CHECKED
        if problem.code not in ("missing_field", "more", "not_accepted"):
            assert at(value, problem.path), problem


@given(st.text() | st.binary())
def test_any_text_gives_problems_and_no_exception(text: str | bytes) -> None:
    assert problems_of(text)


def at(value: Any, pointer: str) -> bool:
    """Whether a pointer leads to a place in a document, or to a field that could stand there."""
    *steps, _ = unescaped(pointer) or ("",)
    for step in steps:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return False
    return isinstance(value, dict | list) or not steps
