"""What a mask hides, and what it leaves."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from dag.masks import HIDDEN, masked

KEYS = st.sampled_from(["a", "b", "a/b", "~", "*", "0", "1", ""])
VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
POINTERS = st.lists(st.lists(KEYS, max_size=3).map(lambda parts: "".join(f"/{escaped(part)}" for part in parts)))


def escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", HIDDEN),
        ("/token", {"token": HIDDEN, "users": [{"pin": 1, "name": "n"}, {"pin": 2}], "a/b": {"~": 3}}),
        ("/users/*/pin", {"token": "t", "users": [{"pin": HIDDEN, "name": "n"}, {"pin": HIDDEN}], "a/b": {"~": 3}}),
        ("/users/1", {"token": "t", "users": [{"pin": 1, "name": "n"}, HIDDEN], "a/b": {"~": 3}}),
        ("/a~1b/~0", {"token": "t", "users": [{"pin": 1, "name": "n"}, {"pin": 2}], "a/b": {"~": HIDDEN}}),
        ("/*", {"token": HIDDEN, "users": HIDDEN, "a/b": HIDDEN}),
        ("/nothing/here", {"token": "t", "users": [{"pin": 1, "name": "n"}, {"pin": 2}], "a/b": {"~": 3}}),
        ("/token/deeper", {"token": "t", "users": [{"pin": 1, "name": "n"}, {"pin": 2}], "a/b": {"~": 3}}),
    ],
)
def test_a_pointer_hides_what_it_names_and_nothing_else(pointer: str, expected: JsonValue) -> None:
    value: JsonValue = {"token": "t", "users": [{"pin": 1, "name": "n"}, {"pin": 2}], "a/b": {"~": 3}}
    assert masked(value, [pointer]) == expected


def test_a_whole_stays_hidden_when_a_part_of_it_is_named_too() -> None:
    assert masked({"a": {"b": 1, "c": 2}}, ["/a/b", "/a"]) == {"a": HIDDEN}
    assert masked({"a": {"b": 1, "c": 2}}, ["/*", "/a/b"]) == {"a": HIDDEN}


@given(VALUES, POINTERS)
def test_masking_does_what_a_plain_reading_of_the_pointers_says(value: JsonValue, pointers: list[str]) -> None:
    before = deepcopy(value)
    assert masked(value, pointers) == plainly(value, [tuple(read(pointer)) for pointer in pointers])
    assert value == before


def read(pointer: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def plainly(value: JsonValue, paths: list[tuple[str, ...]], at: tuple[str, ...] = ()) -> JsonValue:
    if any(len(path) == len(at) and all(p in {"*", a} for p, a in zip(path, at, strict=True)) for path in paths):
        return HIDDEN
    if isinstance(value, dict):
        return {key: plainly(item, paths, (*at, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [plainly(item, paths, (*at, str(place))) for place, item in enumerate(value)]
    return value
