"""Expressions that only name a value, as most do: what they yield is seen without the engine."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from dag.limits import LARGEST_INTEGER

Path = tuple[str, ...]

LONGEST = 1_000
"""Characters of a text that is seen so."""
MOST = 250
"""Values of one config that are seen so: all of them together are less than any budget."""

_NAME = r"(?!(?:and|or|in|true|false|null|function)\b)[A-Za-z_]\w*"
_PATH = re.compile(rf"{_NAME}(?:\.{_NAME})+", re.ASCII)
_OPENING, _CLOSING = "${{", "}}"


def path_of(source: str) -> Path:
    """The names that lead to the value, of an expression that is nothing else."""
    bare = source.strip(" \t\r\n")
    return tuple(bare.split(".")) if _PATH.fullmatch(bare) else ()


def path_in(text: JsonValue) -> Path:
    """The same of a text that holds one such expression as its only marker, which is no secret."""
    if not (isinstance(text, str) and text.startswith(_OPENING) and text.endswith(_CLOSING)):
        return ()
    path = path_of(text[len(_OPENING) : -len(_CLOSING)])
    return () if path[:1] == ("secrets",) else path


def seen(path: Path, scope: Mapping[str, JsonValue]) -> str | bool | int | None:
    """What a path leads to through objects, if that is a single value and not large; None: it is to be evaluated."""
    value: Any = scope if path else None
    try:
        for name in path:
            value = value[name]
    except (KeyError, TypeError):  # it is not there, or what is there is no object
        return None
    if isinstance(value, str):
        return value if len(value) <= LONGEST else None
    if isinstance(value, int):  # a boolean too
        return value if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else None
    return None
