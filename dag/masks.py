"""Hides what a node's `mask` names: JSON pointers into its output, where `*` stands for every key or place."""

from collections.abc import Sequence
from typing import TypeAlias

from pydantic import JsonValue

HIDDEN = "***"

_Tree: TypeAlias = dict[str, "_Tree"]
"""What is masked, by key; an empty tree masks the whole value."""


def masked(value: JsonValue, pointers: Sequence[str]) -> JsonValue:
    """Replace what the pointers name, leaving the value itself as it is; what they do not find is nothing to hide."""
    if not pointers:
        return value
    tree: _Tree = {}
    for pointer in sorted(pointers, key=len, reverse=True):  # the whole is masked after its parts, and wins
        place = tree
        for part in pointer.split("/")[1:]:
            place = place.setdefault(part.replace("~1", "/").replace("~0", "~"), {})
        place.clear()
    return _hide(value, [tree])


def _hide(value: JsonValue, trees: Sequence[_Tree]) -> JsonValue:
    if not all(trees):
        return HIDDEN
    match value:
        case dict():
            return {key: _hide_in(item, key, trees) for key, item in value.items()}
        case list():
            return [_hide_in(item, str(place), trees) for place, item in enumerate(value)]
        case _:
            return value


def _hide_in(item: JsonValue, key: str, trees: Sequence[_Tree]) -> JsonValue:
    inner = [tree[name] for tree in trees for name in {key, "*"} & tree.keys()]
    return _hide(item, inner) if inner else item
