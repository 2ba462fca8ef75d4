"""Values that are few bytes and much memory are refused wherever they would come in."""

import json
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from activities import reading
from activities.errors import PayloadTooLarge
from dag import inputs
from dag.crowding import crowded
from dag.errors import ErrorValue
from dag.flaws import parts
from dag.inputs import InputInvalid
from tests.hostile.test_computing import SMALL, computed
from worker.output import written
from worker.redaction import Redaction

MANY: JsonValue = [[] for _ in range(1_000_001)]
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from('a[]{},:"\\ \n')),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(st.sampled_from('a[,"\\')), inner, max_size=5),
)


@given(VALUES)
def test_values_are_counted_as_they_are(value: JsonValue) -> None:
    text = json.dumps(value, separators=(",", ":")).encode()
    count = parts(value)
    padding = b" " * (2 * count + 2)  # as every value takes two bytes, short texts are not even looked at
    assert crowded(text + padding, most=count - 1)
    assert not crowded(text + padding, most=count)


def test_an_input_of_a_million_empty_lists_is_refused() -> None:
    with pytest.raises(InputInvalid):
        inputs.accepted(MANY, {})


def test_an_answer_of_a_million_empty_lists_is_refused_before_it_is_read() -> None:
    with pytest.raises(PayloadTooLarge):
        reading.json(orjson.dumps(MANY))
    assert reading.json(b'"' + b"[]," * 1_000_000 + b'"')


def test_an_output_of_a_million_empty_lists_is_refused() -> None:
    with pytest.raises(PayloadTooLarge):
        written(MANY, Redaction())


def test_a_node_that_yields_a_million_empty_lists_fails() -> None:
    items: list[JsonValue] = [1] * 900_000
    result = computed("split", {"items": "input", "size": 1}, items, budget=replace(SMALL, result=20 * 1024**2))
    assert ErrorValue.model_validate(result.value).code == "payload.too_large"
