"""What no document and no input may hold: NUL, lone surrogates, numbers that do not survive JSON, too much."""

import math
from collections.abc import Iterator
from itertools import islice

from pydantic import JsonValue

from dag.limits import DEFAULTS, LARGEST_INTEGER
from dag.problems import MOST_PROBLEMS, Problem, pointer

_Place = tuple["_Place", str | int] | None
"""A path as a chain from the inside out, so that going down costs nothing."""


def flaws(
    value: JsonValue, *, depth: int = DEFAULTS.document_depth, values: int = DEFAULTS.document_values
) -> list[Problem]:
    """Find everything in a value that it may not hold. Never recurses, never fails."""
    return list(islice(_flaws(value, depth, values), MOST_PROBLEMS + 1))


def parts(value: JsonValue) -> int:
    """How many values there are in it, itself included."""
    count = 1
    waiting = [value]
    while waiting:
        parent = waiting.pop()
        inside = parent.values() if isinstance(parent, dict) else parent if isinstance(parent, list) else ()
        count += len(inside)
        waiting.extend(child for child in inside if isinstance(child, (dict, list)))
    return count


def fatal(problems: list[Problem]) -> bool:
    """Whether a value with these flaws is too large or too strange to look at any further."""
    return any(problem.code in ("limit", "wrong_type") for problem in problems)


def _flaws(value: JsonValue, deepest: int, most: int) -> Iterator[Problem]:
    seen = 0
    waiting: list[tuple[JsonValue, _Place, int]] = [(value, None, 0)]
    while waiting:
        parent, place, depth = waiting.pop()
        if not isinstance(parent, (dict, list)):
            yield from _of_scalar(parent, place)
            continue
        if depth >= deepest:
            yield _problem("limit", place, f"This lies deeper than {deepest} objects and lists.")
            return
        seen += len(parent)
        if seen > most:
            yield _problem("limit", None, f"There are more than {most} values.")
            return
        inside = parent.items() if isinstance(parent, dict) else enumerate(parent)
        deeper: list[tuple[JsonValue, _Place, int]] = []
        for key, child in inside:
            if isinstance(parent, dict):
                yield from _of_key(key, place)
            if isinstance(child, (dict, list)):
                deeper.append((child, (place, key), depth + 1))
            elif type(child) is not str or not child.isascii() or "\0" in child:
                yield from _of_scalar(child, (place, key))
        waiting.extend(reversed(deeper))


def _of_key(key: object, place: _Place) -> Iterator[Problem]:
    if not isinstance(key, str):
        yield _problem("wrong_type", place, "The keys of an object are text.")
    elif not key.isascii() or "\0" in key:
        yield from _of_text(key, (place, key))


def _of_scalar(value: object, place: _Place) -> Iterator[Problem]:
    match value:
        case bool() | None:
            return
        case str():
            yield from _of_text(value, place)
        case int() if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            yield _problem("number_range", place, "Integers beyond ±2^53 do not survive JSON.", "Write it as text.")
        case float() if not math.isfinite(value):
            yield _problem("number_range", place, "This number is not finite, or too large.")
        case int() | float():
            return
        case _:
            yield _problem("wrong_type", place, "This is not a JSON value.")


def _of_text(text: str, place: _Place) -> Iterator[Problem]:
    if "\0" in text:
        yield _problem("not_accepted", place, "Text may not hold NUL characters.")
    try:
        text.encode()
    except UnicodeEncodeError:
        yield _problem("not_accepted", place, "Text may not hold half a character (a lone surrogate).")


def _printable(text: str) -> str:
    return text.replace("\0", "?").encode(errors="replace").decode()


def _problem(code: str, place: _Place, message: str, hint: str | None = None) -> Problem:
    path: list[str | int] = []
    while place is not None:
        place, key = place
        path.append(_printable(key) if isinstance(key, str) else key)
    return Problem(code, pointer(reversed(path)), message, hint)
