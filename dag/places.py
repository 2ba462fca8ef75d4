"""Where in a node, a graph or the settings the expressions, templates and inner graphs stand, read off their models."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import JsonValue

from dag.node import NodeFields
from dag.part import Part, Text

Kind = Literal["expression", "template", "graph"]
Path = tuple[str | int, ...]
Pattern = tuple[str, ...]
"""Keys as they are written; `*` stands for every key of an object or every item of a list."""


@dataclass(frozen=True)
class Place:
    """Expressions: the text there. Templates: every string in what is there. Graphs: what is there."""

    pattern: Pattern
    holds: Kind


@cache
def places(model: type[Part]) -> tuple[Place, ...]:
    """Every place in a model, in the order of its fields; not those in the nodes and graphs inside it."""
    return tuple(
        dict.fromkeys(
            place
            for name, field in model.model_fields.items()
            for place in _places(_whole(field.annotation, field.metadata), (field.alias or name,))
        )
    )


def places_of(node: NodeFields) -> tuple[Place, ...]:
    """Every place in a node. (`switch` has two kinds of config, so the class of the node does not tell.)"""
    config: object = getattr(node, "config", None)
    return _places_with(type(node), type(config)) if isinstance(config, Part) else places(type(node))


@cache
def _places_with(model: type[NodeFields], config: type[Part]) -> tuple[Place, ...]:
    outside = tuple(place for place in places(model) if place.pattern[0] != "config")
    return outside + tuple(Place(("config", *place.pattern), place.holds) for place in places(config))


def found(value: Part | JsonValue, pattern: Pattern) -> Iterator[tuple[Path, Any]]:
    """What stands where a pattern says, in a model or a document, with its path."""
    here: list[tuple[Path, Any]] = [((), value)]
    for key in pattern:
        here = [((*path, step), child) for path, parent in here for step, child in _children(parent, key)]
    yield from here


def _whole(annotation: Any, metadata: list[Any]) -> Any:
    return Annotated[annotation, *metadata] if metadata else annotation


def _places(annotation: Any, pattern: Pattern) -> Iterator[Place]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        holds: list[Kind] = [mark.holds for mark in marks if isinstance(mark, Text)]
        if holds:
            yield Place(pattern, holds[0])
        else:
            yield from _places(inner, pattern)
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _places(member, pattern)
    elif origin in (list, dict):
        yield from _places(get_args(annotation)[-1], (*pattern, "*"))
    elif isinstance(annotation, type) and issubclass(annotation, Part):
        if annotation.role == "graph":
            yield Place(pattern, "graph")
        elif annotation.role == "part":
            yield from (Place(pattern + place.pattern, place.holds) for place in places(annotation))


def _children(parent: Part | JsonValue, key: str) -> Iterator[tuple[str | int, Any]]:
    match parent:
        case Part():
            child = getattr(parent, _attribute(type(parent), key), None)
            if child is not None:
                yield key, child
        case dict() if key == "*":
            yield from parent.items()
        case dict() if key in parent:
            yield key, parent[key]
        case list() if key == "*":
            yield from enumerate(parent)
        case _:
            return


@cache
def _attribute(model: type[Part], key: str) -> str:
    return next((name for name, field in model.model_fields.items() if field.alias == key), key)
