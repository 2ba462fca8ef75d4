"""Finds the line of a document that a JSON pointer leads to."""

from collections.abc import Mapping
from typing import Any

import yaml

from dag.problems import unescaped

_LARGEST = 1_000_000

Outline = Mapping[tuple[str, ...], int]


def outline(text: bytes) -> Outline:
    """The line of every key and item, counted from 1; nothing of a text that cannot be read."""
    if len(text) > _LARGEST:  # it would take seconds, to show a number
        return {}
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeError, RecursionError):
        return {}
    lines: dict[tuple[str, ...], int] = {}
    left: list[tuple[tuple[str, ...], Any]] = [((), root)]
    while left:
        path, node = left.pop()
        match node:
            case yaml.MappingNode():
                entries = [(key.value, key, value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]
            case yaml.SequenceNode():
                entries = [(str(n), item, item) for n, item in enumerate(node.value)]
            case _:
                continue
        for name, marked, value in entries:
            lines[(*path, name)] = marked.start_mark.line + 1
            left.append(((*path, name), value))
    return lines


def line_of(lines: Outline, pointer: str) -> int | None:
    """The line of a place, or of what is nearest above it."""
    path = unescaped(pointer)
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None
