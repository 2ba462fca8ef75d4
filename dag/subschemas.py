"""Where a JSON Schema (2020-12) holds further ones, and what its references name. References stay inside the schema."""

from collections.abc import Iterator
from urllib.parse import unquote

from pydantic import JsonValue

from dag.places import Path
from dag.problems import unescaped

HERE_ONE = ("not", "if", "then", "else")
HERE_LIST = ("allOf", "anyOf", "oneOf")
HERE_MAP = ("dependentSchemas",)
"""What is asked of the same value."""
INSIDE_ONE = ("additionalProperties", "unevaluatedProperties", "propertyNames", "items", "contains", "unevaluatedItems")
INSIDE_LIST = ("prefixItems",)
INSIDE_MAP = ("properties", "patternProperties")
"""What is asked of the values inside it."""
_ONE = frozenset((*HERE_ONE, *INSIDE_ONE, "contentSchema"))
_LIST = frozenset((*HERE_LIST, *INSIDE_LIST))
_MAP = frozenset((*HERE_MAP, *INSIDE_MAP, "$defs", "definitions"))

Schema = dict[str, JsonValue]


def subschemas(root: JsonValue) -> Iterator[tuple[Path, Schema]]:
    """The schema itself and every one in it that is an object, with their paths, outer ones first."""
    waiting: list[tuple[Path, JsonValue]] = [((), root)]
    while waiting:
        path, schema = waiting.pop()
        if not isinstance(schema, dict):
            continue
        yield path, schema
        waiting.extend(reversed([((*path, *step), inner) for step, inner in _held(schema)]))


def _held(schema: Schema) -> Iterator[tuple[Path, JsonValue]]:
    for keyword, value in schema.items():
        if keyword in _ONE:
            yield (keyword,), value
        elif keyword in _LIST and isinstance(value, list):
            yield from (((keyword, number), inner) for number, inner in enumerate(value))
        elif keyword in _MAP and isinstance(value, dict):
            yield from (((keyword, name), inner) for name, inner in value.items())


def anchors(root: JsonValue) -> dict[str, Schema]:
    """The schemas that have a name of their own, by it."""
    return {
        name: schema
        for _, schema in subschemas(root)
        for keyword in ("$anchor", "$dynamicAnchor")
        if isinstance(name := schema.get(keyword), str)
    }


def referred(root: JsonValue, ref: str, names: dict[str, Schema]) -> JsonValue:
    """What `#`, `#/…` or `#name` stands for; None if that is nothing."""
    fragment = ref.removeprefix("#")
    if fragment and not fragment.startswith("/"):
        return names.get(fragment)
    here = root
    for step in unescaped(unquote(fragment)):
        if isinstance(here, dict):
            here = here.get(step)
        elif isinstance(here, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(here):
            here = here[int(step[:9])]
        else:
            return None
    return here
