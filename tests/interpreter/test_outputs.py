"""Outputs survive being carried over, and what was stored once keeps its bytes."""

import tracemalloc

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from interpreter.outputs import SEGMENT_BYTES, Index, Outputs

SIZES = [0, 1, 1_000, SEGMENT_BYTES // 2, SEGMENT_BYTES - 2, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES * 3]
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    SCALARS | st.text(st.characters(codec="utf-8")) | st.builds("x".__mul__, st.sampled_from(SIZES)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RUNS = st.lists(st.lists(st.tuples(VALUES, st.booleans()), max_size=6), min_size=1, max_size=6)
"""For each run, the outputs it puts, some of them as JSON text."""


def put(kept: Outputs, node: int, value: JsonValue, *, as_text: bool) -> None:
    if as_text:
        kept.put(node, orjson.dumps(value))
    else:
        kept.put_value(node, value)


@given(RUNS)
def test_every_output_is_there_after_any_number_of_continuations(runs: list[list[tuple[JsonValue, bool]]]) -> None:
    expected: dict[int, JsonValue] = {}
    kept = Outputs()
    for number, puts in enumerate(runs):
        for value, as_text in puts:
            put(kept, len(expected), value, as_text=as_text)
            expected[len(expected)] = value
        if number % 2 and expected:
            kept.value(0)  # what was read is carried on all the same
        kept = Outputs(*kept.pack())
    assert {node: kept.value(node) for node in expected} == expected
    assert all(node in kept for node in expected)
    assert len(expected) not in kept


@given(RUNS)
def test_a_full_segment_keeps_its_bytes_for_ever(runs: list[list[tuple[JsonValue, bool]]]) -> None:
    kept = Outputs()
    node = 0
    before: list[bytes] = []
    for puts in runs:
        for value, as_text in puts:
            put(kept, node, value, as_text=as_text)
            node += 1
        index, segments = kept.pack()
        full = [segment for segment in before if len(segment) >= SEGMENT_BYTES]
        assert segments[: len(full)] == full
        assert len(index.segments) == len(segments)
        assert sorted(number for numbers in index.segments for number in numbers) == list(range(node))
        before = segments
        kept = Outputs(index, segments)


@given(RUNS)
def test_all_segments_but_the_last_are_full(runs: list[list[tuple[JsonValue, bool]]]) -> None:
    kept = Outputs()
    node = 0
    for puts in runs:
        for value, as_text in puts:
            put(kept, node, value, as_text=as_text)
            node += 1
        _, segments = kept.pack()
        assert all(len(segment) >= SEGMENT_BYTES for segment in segments[:-1])
        kept = Outputs(*kept.pack())


def test_packing_twice_gives_the_same() -> None:
    kept = Outputs()
    for node, size in enumerate(SIZES):
        kept.put_value(node, "x" * size)
    assert kept.pack() == kept.pack()


def test_a_segment_is_decoded_only_when_one_of_its_outputs_is_read() -> None:
    good, bad = (b"[" + text.ljust(SEGMENT_BYTES) + b"]" for text in (b'"first", "second"', b"no JSON at all"))
    kept = Outputs(Index([[0], [1, 2], [3]]), [bad, good, bad])
    assert (kept.value(2), kept.value(1)) == ("second", "first")
    assert 0 in kept
    assert kept.pack()[1] == [bad, good, bad]
    with pytest.raises(orjson.JSONDecodeError):
        kept.value(0)


def test_an_output_given_as_text_is_carried_as_it_is_written() -> None:
    kept = Outputs()
    kept.put(0, b'{"a" : 1.50}')
    assert kept.size(0) == 12
    assert kept.pack() == (Index([[0]]), [b'[{"a" : 1.50}]'])


@pytest.mark.parametrize("as_text", [True, False])
def test_an_output_takes_little_more_memory_than_it_has_bytes(*, as_text: bool) -> None:
    kept = Outputs()
    tracemalloc.start()
    try:
        for node in range(1_000):
            put(kept, node, node, as_text=as_text)
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 1_000 * 500
