"""The expressions of generated documents: conditions and values, of what is known where they stand."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reference.document import ACTIVITIES, CONSTRUCTS
from tests.reference.recipes import Choice

MOST = 6
"""Nodes that one text may choose from."""


@dataclass(frozen=True)
class Sight:
    """What is known somewhere: nodes that have settled, nearest first, and what loops and `catch` around bind."""

    nodes: Mapping[str, Mapping[str, Any]]
    values: Sequence[str] = ()
    conditions: Sequence[str] = ()


def condition(sight: Sight, choice: Choice) -> str:
    """A condition; of the last few choices one that fails."""
    return _chosen(
        choice,
        [
            "input.n > 2",
            "input.flag",
            *(text for name in [*sight.nodes][:MOST] for text in _asked_of(name, sight.nodes[name])),
            "vars.v > 2",
            "input.absent",
            "$not(input.flag) and input.n < 4",
            *(["input.flag or $error('boom')"] if choice > 20 else []),
            "input.n = 2",
            *sight.conditions,
        ],
    )


def value(sight: Sight, choice: Choice) -> str:
    """An expression; of the last few choices one that fails."""
    return _chosen(
        choice,
        [
            "input.n",
            *(_result_of(name, sight.nodes[name]) for name in [*sight.nodes][:MOST]),
            "vars.v + 1",
            "vars.w",
            "input.absent",
            "input.n + input.n",
            *(["$error('boom')"] if choice > 25 else []),
            *sight.values,
        ],
    )


def marked(expression: str) -> str:
    """A template of nothing but an expression."""
    return f"${{{{ {expression} }}}}"


def _asked_of(name: str, node: Mapping[str, Any]) -> Iterator[str]:
    """Only of ends: between `running` and `waiting` the languages of a type may differ."""
    yield f"nodes.{name}.status = 'succeeded'"
    if node["type"] in ACTIVITIES:
        yield f"nodes.{name}.output.v > 2"
    yield f"nodes.{name}.status = 'skipped' or nodes.{name}.port = 'error'"
    if node["type"] in CONSTRUCTS:
        yield f"nodes.{name}.status = 'cancelled' or nodes.{name}.error.node = '{name}'"
    else:
        yield f"nodes.{name}.status = 'cancelled' or nodes.{name}.error.code = 'user.{name}'"


def _result_of(name: str, node: Mapping[str, Any]) -> str:
    match node["type"]:
        case "test.step" | "test.read":
            return f"nodes.{name}.output.v"
        case "set":
            return f"nodes.{name}.output.w"
        case "transform" | "reduce":
            return f"nodes.{name}.output + 1"
        case kind if kind in CONSTRUCTS:
            return f"nodes.{name}.error.code"
        case _:
            return f"nodes.{name}.port"


def _chosen(choice: Choice, texts: list[str]) -> str:
    return texts[choice % len(texts)]
