"""The values of a node's templates: the short way, for markers that only name them, gives what the long way gives."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dag.expressions import INLINE, ExpressionBudget, Moment, evaluate
from dag.paths import LONGEST, MOST
from dag.templates import filled, render, scan
from interpreter.compute import compute
from interpreter.evaluator import Evaluator
from interpreter.job import Job

NOON = Moment(1_767_268_800_000, 7)
SCALARS = st.text(max_size=3) | st.booleans() | st.none() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda names: ".".join(["input", *names]))
SPACE = st.sampled_from(["", " ", "\n\t"])
MARKERS = st.builds("${{{{{}{}{}}}}}".format, SPACE, PATHS, SPACE)
OTHER = st.sampled_from(
    [
        "plain",
        "${{ secrets.a }}",
        "${{ input.a & 'x' }}",
        "$${{ input.a }}",
        "${{ input.a }} ${{ input.b }}",
        "${{ '}}' }}",
    ]
)
CONFIGS = st.dictionaries(st.sampled_from("abcd"), MARKERS | OTHER | st.lists(MARKERS, max_size=2), max_size=4)


@given(CONFIGS, st.dictionaries(st.sampled_from("abc"), VALUES))
def test_both_ways_render_alike(config: dict[str, Any], input: dict[str, Any]) -> None:
    scope = {"input": input}
    template = scan(config)
    long = render(template, lambda source: evaluate(source, scope, NOON, INLINE))
    computed = compute(Job("demo.run", template), scope, NOON, INLINE)
    assert (repr(computed.value), computed.secrets) == (repr(long.value), long.secrets)
    assert template.value == config
    short = filled(template, scope)
    assert short is None or repr(short) == repr(long.value)


def test_a_flat_config_of_paths_takes_the_short_way() -> None:
    config: dict[str, Any] = {"url": "${{ input.url }}", "id": "${{input.order.id}}", "method": "GET"}
    assert scan(config).paths == {"url": ("input", "url"), "id": ("input", "order", "id")}


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"a": "plain"},
        "${{ input.a }}",
        ["${{ input.a }}"],
        {"a": {"b": "${{ input.a }}"}},
        {"a": "${{ input.a }}", "b": "${{ input.a + 1 }}"},
        {"a": "x${{ input.a }}"},
        {"a": "$${{ input.a }}"},
        {"a": "${{ input.a }}${{ input.b }}"},
        {"a": "${{ secrets.a }}"},
        {"a": "${{ input }}"},
    ],
)
def test_all_else_goes_the_long_way(config: Any) -> None:
    assert scan(config).paths is None


def test_so_many_that_they_may_be_large_go_the_long_way() -> None:
    config: dict[str, Any] = {str(number): "${{ input.a }}" for number in range(MOST)}
    assert filled(scan(config), {"input": {"a": 1}}) == dict.fromkeys(config, 1)
    assert scan({**config, "more": "${{ input.a }}"}).paths is None
    assert INLINE.result > MOST * LONGEST


def test_what_is_named_counts_against_the_bound_of_a_node() -> None:
    config: dict[str, Any] = {str(number): "${{ input.a }}" for number in range(10)}
    evaluator = Evaluator({"input": {"a": "x" * 100}}, NOON, replace(INLINE, result=999))
    with pytest.raises(ExpressionBudget):
        evaluator.render(scan(config))
    whole = Evaluator({"input": {"a": "x" * 100}}, NOON, replace(INLINE, result=1_000))
    assert whole.render(scan(config))[0] == dict.fromkeys(config, "x" * 100)
