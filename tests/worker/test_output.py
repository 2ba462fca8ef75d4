"""What an output must be to leave the process."""

import json
import tracemalloc

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from activities.errors import PayloadTooLarge
from worker.output import MAX_BYTES, MAX_DEPTH, written
from worker.redaction import HIDDEN, Redaction

NOTHING = Redaction()
FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(codec="utf-8"))
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


def nested(levels: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(levels):
        value = [value]
    return value


@given(VALUES)
def test_an_ordinary_output_stays_what_it_is(value: JsonValue) -> None:
    assert json.loads(written(value, NOTHING)) == value


@given(VALUES, st.text("abc", min_size=4, max_size=6))
def test_a_secret_shows_neither_in_values_nor_in_keys(value: JsonValue, secret: str) -> None:
    text = written({"v": [value, secret, {f"x{secret}": 1}]}, Redaction([secret])).decode()
    assert secret not in text
    assert HIDDEN in text


def test_a_number_that_is_a_secret_is_hidden() -> None:
    assert written({"pin": 482913, "other": 4829, "rate": 0.5}, Redaction(["482913"])) == (
        b'{"pin":"***","other":4829,"rate":0.5}'
    )


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63, 2**64, -(2**70), 10**1000])
def test_an_integer_that_readers_would_round_becomes_text(number: int) -> None:
    assert orjson.loads(written({"id": [number, 1]}, NOTHING)) == {"id": [str(number), 1]}


def test_the_largest_exact_integers_stay_numbers() -> None:
    assert written([2**53, -(2**53)], NOTHING) == b"[9007199254740992,-9007199254740992]"


def test_half_a_surrogate_pair_and_numbers_that_json_lacks_are_replaced() -> None:
    assert orjson.loads(written({"\ud800": "a\udfff", "n": [float("nan"), float("inf")]}, NOTHING)) == {
        "?": "a?",
        "n": [None, None],
    }


def test_an_output_may_be_nested_to_the_limit_and_no_deeper() -> None:
    assert written(nested(MAX_DEPTH), NOTHING) == b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH
    for redact in (NOTHING, Redaction(["secret"])):
        with pytest.raises(PayloadTooLarge, match="nested"):
            written(nested(MAX_DEPTH + 1), redact)
        with pytest.raises(PayloadTooLarge, match="nested"):
            written(nested(5_000), redact)


def test_an_output_may_be_as_large_as_the_limit_and_no_larger() -> None:
    assert len(written("x" * (MAX_BYTES - 2), NOTHING)) == MAX_BYTES
    with pytest.raises(PayloadTooLarge) as refused:
        written("x" * (MAX_BYTES - 1), NOTHING)
    assert refused.value.details == {"size": MAX_BYTES + 1, "limit": MAX_BYTES}
    with pytest.raises(PayloadTooLarge):
        written(10**100_000, NOTHING)


def test_an_output_takes_little_more_memory_than_it_has_bytes() -> None:
    tracemalloc.start()
    try:
        kept = [written({"number": number}, NOTHING) for number in range(1_000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(kept) == 1_000
    assert taken < 1_000 * 500
