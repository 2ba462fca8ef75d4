"""The language as a JSON Schema, for editors: written from the models, which are its only definition."""

from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue

from dag.controls.words import WORDS
from dag.definition import DOCUMENT_ORDER, Definition
from dag.inputs import DRAFT
from dag.names import ID
from dag.node import Activity, Broken
from dag.scope import Graph

Described = dict[str, Any]

_NODE_ORDER = ("type", "title", "description", "needs", "join", "when", "config")


def language_schema() -> dict[str, JsonValue]:
    """Describe documents: each that `parse` accepts fits. What else they have to be, `parse` and the checks say.

    `x-holds` tells expressions and templates from other text.
    """
    schema = Definition.model_json_schema(by_alias=True)
    described: Described = schema["$defs"]
    del described[Broken.__name__]
    for part in (*_parts(schema),):
        _tidy(part)
    for graph in (schema, described[Graph.__name__]):
        nodes: Described = graph["properties"]["nodes"]
        nodes |= {"patternProperties": {ID: {"$ref": "#/$defs/Node"}}, "minProperties": 1}
    described["Node"] = _node()
    for model in (*WORDS.values(), Activity):
        _order(described[model.__name__], _NODE_ORDER)
    _order(schema, DOCUMENT_ORDER)
    return {"$schema": DRAFT, **schema}


def _node() -> Described:
    """A step, chosen by its type: the control words by name, all else an activity."""
    names = {word: f"#/$defs/{model.__name__}" for word, model in WORDS.items()}
    return {
        "title": "Node",
        "description": "A step: a control word, or an activity type.",
        "oneOf": [{"$ref": name} for name in (*names.values(), f"#/$defs/{Activity.__name__}")],
        "discriminator": {"propertyName": "type", "mapping": names},
    }


def _parts(schema: Described) -> Iterator[Described]:
    waiting: list[JsonValue] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)


def _tidy(part: Described) -> None:
    """Null stands for what is left out, and is no default; an object whose keys have a form has no others."""
    if "default" in part and part["default"] is None:
        del part["default"]
    if "patternProperties" in part:
        part["additionalProperties"] = False


def _order(schema: Described, first: tuple[str, ...]) -> None:
    properties: Described = schema["properties"]
    names = [name for name in first if name in properties]
    names += [name for name in properties if name not in names]
    schema["properties"] = {name: properties[name] for name in names}
