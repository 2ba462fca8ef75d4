"""Where two JSON values differ, as far as people read on."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import orjson
from pydantic import JsonValue

from dag.places import Path
from dag.problems import pointer

MOST = 100
"""Differences that are told."""
LONGEST = 1_000
"""Bytes of a value that is shown."""


@dataclass(frozen=True)
class Difference:
    """A place where two values differ."""

    path: str
    """A JSON pointer."""
    kind: Literal["added", "removed", "changed"]
    before: JsonValue
    """Null where there is none, and where it is too large to be shown."""
    after: JsonValue
    cut: bool
    """Whether one of them is too large to be shown."""


def differences(before: JsonValue, after: JsonValue) -> list[Difference]:
    """Tell the first differences, those of an object in the order of its keys."""
    return list(islice(_found(before, after), MOST))


def _found(before: JsonValue, after: JsonValue) -> Iterator[Difference]:
    waiting: list[tuple[Path, JsonValue, JsonValue]] = [((), before, after)]
    while waiting:
        path, one, other = waiting.pop()
        match one, other:
            case dict(), dict():
                yield from (_told((*path, key), "removed", one[key], None) for key in one if key not in other)
                yield from (_told((*path, key), "added", None, other[key]) for key in other if key not in one)
                waiting += [((*path, key), one[key], other[key]) for key in reversed(one) if key in other]
            case list(), list():
                both = min(len(one), len(other))
                yield from (_told((*path, n), "added", None, other[n]) for n in range(both, len(other)))
                yield from (_told((*path, n), "removed", one[n], None) for n in range(both, len(one)))
                waiting += [((*path, n), one[n], other[n]) for n in reversed(range(both))]
            case _:
                if _written(one) != _written(other):
                    yield _told(path, "changed", one, other)


def _told(path: Path, kind: Literal["added", "removed", "changed"], before: JsonValue, after: JsonValue) -> Difference:
    shown = [value if len(_written(value)) <= LONGEST else None for value in (before, after)]
    return Difference(pointer(path)[:LONGEST], kind, shown[0], shown[1], shown != [before, after])


def _written(value: JsonValue) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
