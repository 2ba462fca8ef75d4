"""What a value becomes on its way through Temporal, and back."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, JsonValue
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from runtime.converter import SMALL, data_converter, raw
from runtime.storage import THRESHOLD, MemoryStorage
from store.sealing import new_master_key, read_keyring

KEYRING = read_keyring(new_master_key())
CONVERTER = data_converter(MemoryStorage(), KEYRING).payload_converter
TEXT = st.text(st.characters(codec="utf-8"))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | FINITE | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
)


@dataclass(frozen=True)
class Point:
    x: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Value:
    value: JsonValue


class Model(BaseModel):
    at: datetime
    point: Point


def there_and_back(value: object, hint: type | None = None) -> object:
    [payload] = CONVERTER.to_payloads([value])
    return CONVERTER.from_payload(payload, hint) if hint else CONVERTER.from_payload(payload)


@given(VALUES)
def test_json_comes_back_as_it_was(value: JsonValue) -> None:
    assert there_and_back(value) == value


def test_dataclasses_and_models_come_back_as_what_is_asked_for() -> None:
    point = Point(1, ("a", "b"))
    model = Model(at=datetime(2026, 1, 2, tzinfo=UTC), point=point)
    assert there_and_back(point, Point) == point
    assert there_and_back(model, Model) == model
    plain = {"at": "2026-01-02T00:00:00Z", "point": {"x": 1, "names": ["a", "b"]}}
    assert there_and_back([{"model": model}]) == [{"model": plain}]


def test_an_integer_of_any_size_can_be_written_and_read() -> None:
    assert there_and_back({"n": 2**64 - 1}) == {"n": 2**64 - 1}
    assert there_and_back({"n": 2**70}) == {"n": float(2**70)}


@pytest.mark.parametrize("hint", [None, Value, dict[str, JsonValue]])
def test_what_can_be_written_can_be_read_however_deep(hint: type | None) -> None:
    deep: JsonValue = 1
    for _ in range(250):
        deep = [deep]
    back: Any = there_and_back({"value": deep}, hint)
    assert (back.value if hint is Value else back["value"]) == deep


def test_raw_values_pass_untouched() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b' {"spaced": 1 } ')
    assert CONVERTER.to_payloads([RawValue(payload)]) == [payload]
    back = CONVERTER.from_payload(payload, RawValue)
    assert isinstance(back, RawValue)
    assert back.payload == payload


@pytest.mark.parametrize(
    ("size", "outside"), [(1_000, False), (THRESHOLD, False), (2 * THRESHOLD, True), (3_000_000, True)]
)
async def test_only_large_payloads_leave_the_history(size: int, *, outside: bool) -> None:
    storage = MemoryStorage()
    converter = data_converter(storage, KEYRING)
    value = secrets.token_hex(size // 2)  # which compression halves at best
    [payload] = await converter.encode([value])
    assert (storage.size > 0) is outside
    assert (b"sha256" in payload.data) is outside
    assert await converter.decode([payload]) == [value]


async def test_what_is_small_once_compressed_stays_in_the_history() -> None:
    storage = MemoryStorage()
    await data_converter(storage, KEYRING).encode(["x" * 1_000_000])
    assert storage.size == 0


@pytest.mark.parametrize(("size", "outside"), [(SMALL, False), (3 * SMALL, True), (THRESHOLD, True)])
async def test_payloads_of_which_there_are_many_at_once_leave_the_history_earlier(size: int, *, outside: bool) -> None:
    storage = MemoryStorage()
    converter = data_converter(storage, KEYRING)
    text = b'"' + secrets.token_hex(size // 2 - 1).encode() + b'"'
    [payload] = await converter.encode([raw(text, outside=True)])
    assert (storage.size > 0) is outside
    [back] = await converter.decode([payload], [RawValue])
    assert back.payload.data == text


def test_a_failure_tells_its_code_and_detail_but_not_our_files() -> None:
    failure = Failure()
    try:
        raise ApplicationError("No.", {"code": "user.no"}, type="user.no", non_retryable=True)
    except ApplicationError as error:
        data_converter(MemoryStorage(), KEYRING).failure_converter.to_failure(error, CONVERTER, failure)
    assert failure.stack_trace == ""
    told = {"message": "No.", "stack_trace": ""}
    assert CONVERTER.from_payload(failure.encoded_attributes) == told
    assert failure.application_failure_info.type == "user.no"
    assert CONVERTER.from_payloads(failure.application_failure_info.details.payloads) == [{"code": "user.no"}]


def test_a_bug_keeps_its_stack_trace() -> None:
    failure = Failure()
    try:
        raise KeyError("x")
    except KeyError as error:
        data_converter(MemoryStorage(), KEYRING).failure_converter.to_failure(error, CONVERTER, failure)
    assert "test_converter.py" in CONVERTER.from_payload(failure.encoded_attributes)["stack_trace"]
