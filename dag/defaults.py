"""Fills in the defaults of an input's `properties`, at any depth, before it is checked."""

from collections.abc import Iterator

import orjson
from pydantic import JsonValue

from dag.subschemas import Schema, anchors, referred, subschemas


def filled(value: JsonValue, schema: Schema) -> JsonValue:
    """The value with the defaults of what it leaves out.

    Followed are `properties`, `additionalProperties`, `items`, `prefixItems`, `allOf` and `$ref`; not what holds on a
    condition only. A missing object is not made to hold defaults; one that is itself a default is filled as well.
    """
    if not any("default" in inner for _, inner in subschemas(schema)):
        return value
    whole: JsonValue = orjson.loads(orjson.dumps(value))
    names = anchors(schema)
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[JsonValue, JsonValue]] = [(whole, schema)]
    while waiting:
        here, asked = waiting.pop()
        if not isinstance(here, (dict, list)) or not isinstance(asked, dict) or (id(here), id(asked)) in seen:
            continue
        seen.add((id(here), id(asked)))
        if isinstance(here, dict):
            _fill(here, asked, schema, names)
        waiting.extend(_inside(here, asked))
        waiting.extend((here, other) for other in _same(asked, schema, names))
    return whole


def _fill(here: Schema, asked: Schema, root: Schema, names: dict[str, Schema]) -> None:
    properties = asked.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if name not in here:
            for default in _defaults(inner, root, names):
                here[name] = orjson.loads(orjson.dumps(default))


def _defaults(schema: JsonValue, root: Schema, names: dict[str, Schema]) -> Iterator[JsonValue]:
    """The default of a schema, or else of what it refers to: none or one."""
    seen: set[int] = set()
    while isinstance(schema, dict) and id(schema) not in seen:
        if "default" in schema:
            yield schema["default"]
            return
        seen.add(id(schema))
        ref = schema.get("$ref")
        schema = referred(root, ref, names) if isinstance(ref, str) else None


def _inside(here: Schema | list[JsonValue], asked: Schema) -> Iterator[tuple[JsonValue, JsonValue]]:
    """The objects and lists inside, each with what is asked of it."""
    if isinstance(here, list):
        first = asked.get("prefixItems")
        prefix = first if isinstance(first, list) else []
        rest = asked.get("items")
        for number, item in enumerate(here):
            if isinstance(item, (dict, list)):
                yield item, prefix[number] if number < len(prefix) else rest
        return
    properties = asked.get("properties")
    named = properties if isinstance(properties, dict) else {}
    others = asked.get("additionalProperties") if "patternProperties" not in asked else None
    for name, child in here.items():
        if isinstance(child, (dict, list)):
            yield child, named.get(name, others)


def _same(asked: Schema, root: Schema, names: dict[str, Schema]) -> Iterator[JsonValue]:
    every = asked.get("allOf")
    yield from every if isinstance(every, list) else ()
    ref = asked.get("$ref")
    if isinstance(ref, str):
        yield referred(root, ref, names)
