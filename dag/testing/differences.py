"""Where two JSON values differ."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pydantic import JsonValue

from dag.problems import pointer

MOST = 100
"""Differences that are told of two values."""


@dataclass(frozen=True)
class Difference:
    """One place where they differ; `actual` or `expected` is left out where there is nothing."""

    path: str
    """A JSON pointer."""
    actual: JsonValue
    expected: JsonValue
    missing: bool = False
    """Whether there is nothing where something is expected."""
    unexpected: bool = False


def differences(actual: JsonValue, expected: JsonValue) -> list[Difference]:
    """Where they differ, as far as people read it. Numbers are equal that mean the same; the order of keys is none."""
    return list(islice(_differences(actual, expected), MOST))


def _differences(actual: JsonValue, expected: JsonValue) -> Iterator[Difference]:
    waiting: list[tuple[tuple[str | int, ...], JsonValue, JsonValue]] = [((), actual, expected)]
    while waiting:
        path, left, right = waiting.pop()
        if isinstance(left, dict) and isinstance(right, dict):
            for key in left.keys() - right.keys():
                yield Difference(pointer((*path, key)), left[key], None, unexpected=True)
            for key in right.keys() - left.keys():
                yield Difference(pointer((*path, key)), None, right[key], missing=True)
            waiting += [((*path, key), left[key], right[key]) for key in reversed(left) if key in right]
        elif isinstance(left, list) and isinstance(right, list):
            for place in range(len(right), len(left)):
                yield Difference(pointer((*path, place)), left[place], None, unexpected=True)
            for place in range(len(left), len(right)):
                yield Difference(pointer((*path, place)), None, right[place], missing=True)
            shared = min(len(left), len(right))
            waiting += [((*path, place), left[place], right[place]) for place in reversed(range(shared))]
        elif isinstance(left, bool) is not isinstance(right, bool) or left != right:
            yield Difference(pointer(path), left, right)
