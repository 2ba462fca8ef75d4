"""JSON text to a value.

What no value may hold (numbers out of range, half characters) is left in, for `flaws` to find with its place.
"""

import json
from collections.abc import Iterator
from itertools import islice

from pydantic import JsonValue

from dag.places import Path
from dag.problems import MOST_PROBLEMS, Problem, pointer

_TOO_LARGE = 2**64
"""Stands for any integer of many digits, which would take long to convert and is refused anyway."""


def read_json(text: str) -> tuple[JsonValue, list[Problem]]:
    """Read a value, with the problems of the text. Nesting beyond what Python can follow is one of them."""
    twice: list[tuple[dict[str, JsonValue], str]] = []

    def members(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice.extend((found, key) for key in _repeated(pairs))
        return found

    try:
        value = json.loads(text, object_pairs_hook=members, parse_int=integer)
    except json.JSONDecodeError as wrong:
        place = f"line {wrong.lineno}, column {wrong.colno}"
        return None, [Problem("syntax", "", f"This is not JSON: {wrong.msg}, at {place}.")]
    except RecursionError:
        return None, [Problem("limit", "", "Objects and lists nest too deep.")]
    return value, [
        Problem("duplicate_key", pointer((*path, key)), f"`{key}` stands twice here.")
        for path, key in islice(_placed(value, twice) if twice else (), MOST_PROBLEMS + 1)
    ]


def integer(digits: str) -> int:
    """Read an integer, however long."""
    return int(digits) if len(digits) <= 20 else _TOO_LARGE


def _repeated(pairs: list[tuple[str, JsonValue]]) -> dict[str, None]:
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for key, _ in pairs:
        if key in seen:
            repeated[key] = None
        seen.add(key)
    return repeated


def _placed(value: JsonValue, twice: list[tuple[dict[str, JsonValue], str]]) -> Iterator[tuple[Path, str]]:
    """Find the objects again that hold a key twice. One that a later key replaced is not there any more."""
    keys: dict[int, list[str]] = {}
    for found, key in twice:
        keys.setdefault(id(found), []).append(key)
    waiting: list[tuple[Path, JsonValue]] = [((), value)]
    while waiting:
        path, parent = waiting.pop()
        inside = parent.items() if isinstance(parent, dict) else enumerate(parent) if isinstance(parent, list) else ()
        yield from ((path, key) for key in keys.get(id(parent), ()))
        waiting.extend(reversed([((*path, key), child) for key, child in inside if isinstance(child, (dict, list))]))
