"""Says a JSON Schema in words: a table of an object's fields, and what each may hold."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import JsonValue

from dag import durations, names
from dag.part import TEMPLATE
from docs.generator.markdown import anchor, code, codes, sentence, table

Schema = Mapping[str, Any]

FORMS: Mapping[str, str] = {
    durations.FORM: "duration",
    names.ID: "id",
    names.EDGE: "edge",
    names.WORKFLOW_NAME: "name of a workflow",
    names.VARIABLE: "name of a variable",
    names.ACTIVITY_TYPE: "activity type",
    names.ERROR_CODE: "error code",
    names.USER_CODE: "code of your own",
    names.ASSIGNEE: "assignee",
    names.MASK: "JSON pointer",
}
"""What text of each pattern is called."""
_FORMATS = {
    "date-time": "time (ISO 8601)",
    "duration": "duration",
    "base64": "text in base64",
    "ipvanynetwork": "network",
    "uri": "address",
    "uuid": "UUID",
    "binary": "bytes",
}


@dataclass(frozen=True)
class Book:
    """The definitions that schemas refer to, and the heading that each has on the page, if it has one."""

    definitions: Mapping[str, Any]
    headings: Mapping[str, str] = field(default_factory=dict[str, str])

    def fields(self, schema: Schema, *, without: Iterable[str] = ()) -> str:
        """The table of an object's fields."""
        left_out = set(without)
        rows = [self._row(schema, name, part) for name, part in schema.get("properties", {}).items()]
        return table(
            ("field", "holds", "default", "meaning"), [row for row in rows if row[0].strip("`") not in left_out]
        )

    def kind(self, schema: Schema) -> str:
        """What a schema lets stand there, in a few words."""
        if "$ref" in schema:
            said = self._named(str(schema["$ref"]).rpartition("/")[2])
            return said + " with templates" * (said == "any JSON" and schema.get("x-holds") == "template")
        if "const" in schema:
            return code(_json(schema["const"]))
        if "discriminator" in schema and "propertyName" in schema["discriminator"]:
            by = schema["discriminator"]
            return f"object, by its {code(by['propertyName'])}: {codes(by.get('mapping', {}))}"
        if "enum" in schema:
            return codes(_json(value) for value in schema["enum"])
        for union in ("anyOf", "oneOf", "allOf"):
            if union in schema and "properties" not in schema:
                return self._union(schema[union])
        match schema.get("type"):
            case "string":
                return _text(schema)
            case "integer" | "number" as kind:
                return ("whole number" if kind == "integer" else "number") + _range(schema)
            case "boolean":
                return "boolean"
            case "array":
                items = self.kind(schema.get("items", {}))
                items = f"({items})" if " or " in items else items
                return f"list of {items}" + (", one at least" if schema.get("minItems") == 1 else "")
            case "object":
                return self._object(schema)
            case "null":
                return "null"
            case _:
                return "any JSON" + " with templates" * (schema.get("x-holds") == "template")

    def referred(self, schema: Schema) -> list[str]:
        """The definitions that the fields of an object refer to, each once, in order."""
        found: dict[str, None] = {}
        waiting: list[JsonValue] = [*schema.get("properties", {}).values()]
        while waiting:
            match waiting.pop(0):
                case dict() as part:
                    if isinstance(name := part.get("$ref"), str):
                        found[name.rpartition("/")[2]] = None
                    waiting[:0] = [value for key, value in part.items() if key != "discriminator"]
                case list() as parts:
                    waiting[:0] = parts
                case _:
                    pass
        return list(found)

    def _row(self, schema: Schema, name: str, part: Schema) -> tuple[str, str, str, str]:
        needed = name in schema.get("required", ())
        given = "needed" if needed else default(part)
        return code(name), self.kind(part), given, self._meaning(part)

    def _meaning(self, part: Schema) -> str:
        if "description" in part:
            return sentence(part["description"])
        for option in (part, *part.get("anyOf", ())):
            described = self.definitions.get(str(option.get("$ref", "")).rpartition("/")[2], {})
            if "description" in described:
                return sentence(described["description"])
        return ""

    def _named(self, name: str) -> str:
        if name in self.headings:
            return f"[{self.headings[name]}](#{anchor(self.headings[name])})"
        definition: Schema = self.definitions.get(name, {})
        return "object" if "properties" in definition else self.kind(definition)

    def _union(self, options: Iterable[Schema]) -> str:
        plain = [option for option in options if option.get("pattern") != TEMPLATE and option.get("type") != "null"]
        said = list(dict.fromkeys(self.kind(option) for option in plain))
        if {"whole number", "number"} <= set(said):
            said.remove("whole number")
        either = " or ".join(said) if len(said) < 3 else ", ".join(said[:-1]) + " or " + said[-1]
        return either + (", or a template" if any(option.get("pattern") == TEMPLATE for option in options) else "")

    def _object(self, schema: Schema) -> str:
        templates = " with templates" if schema.get("x-holds") == "template" else ""
        for pattern, inner in schema.get("patternProperties", {}).items():
            return f"object: {FORMS.get(pattern, 'name')} → {self.kind(inner)}{templates}"
        match schema.get("additionalProperties"):
            case {**inner} if inner and (said := self.kind(inner)) != "any JSON":
                return f"object of {said}{templates}"
            case _:
                return "object" + templates


def default(schema: Schema) -> str:
    """What stands there when nothing is given."""
    match schema.get("default"):
        case None:
            return ""
        case [] | {}:
            return "empty"
        case value:
            return code(_json(value))


def _text(schema: Schema) -> str:
    if schema.get("x-holds") == "expression":
        return "expression"
    said = FORMS.get(schema.get("pattern", ""), _FORMATS.get(schema.get("format", ""), "text"))
    if said == "text" and "pattern" in schema:
        said = f"text like {code(schema['pattern'])}"
    if "maxLength" in schema:
        said += f", at most {schema['maxLength']:,} characters"
    elif schema.get("minLength") == 1:
        said += ", not empty"
    return said + (" with templates" if schema.get("x-holds") == "template" else "")


def _range(schema: Schema) -> str:
    least, most, above = schema.get("minimum"), schema.get("maximum"), schema.get("exclusiveMinimum")
    match least, most:
        case None, None:
            return "" if above is None else f" above {above}"
        case None, _:
            return f" up to {most:,}" if above is None else f" above {above}, up to {most:,}"
        case _, None:
            return f" from {least}"
        case _:
            return f" from {least:,} to {most:,}"


def _json(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
