"""The input of a workflow: its JSON Schema, checked when publishing, and what that says of an input at start."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice

import orjson
from jsonschema_rs import Draft202012Validator, FancyRegexOptions, ValidationError, ValidationErrorKind
from pydantic import JsonValue

from dag.defaults import filled
from dag.errors import PerdureError
from dag.flaws import flaws, parts
from dag.limits import DEFAULTS, Limits
from dag.problems import MOST_PROBLEMS, Problem, pointer, told
from dag.schema_cost import MOST, heaviest
from dag.subschemas import Schema, anchors, referred, subschemas

DRAFT = "https://json-schema.org/draft/2020-12/schema"
MOST_WORK = 50_000_000
"""Subschemas asked of all parts of an input: a second or two."""
_LITTLE_WORK = 50_000
"""Up to it every mismatch is told, past it the first."""
_LARGE_SCHEMA = 5_000
"""Up to as many values in a schema every mismatch is told, past it the first."""
_PATTERNS = FancyRegexOptions(backtrack_limit=100_000)


class InputInvalid(PerdureError):
    """The input does not fit the workflow's schema. The problems say where and why."""

    code = "input.invalid"

    def __init__(self, problems: tuple[Problem, ...]):
        self.problems = problems
        super().__init__(details=[problem.value() for problem in problems])


def accepted(value: JsonValue, schema: Schema, *, limits: Limits = DEFAULTS, most_work: int = MOST_WORK) -> JsonValue:
    """The input with its defaults filled in. Raises InputInvalid with every problem it has. The schema has none."""
    problems = flaws(value, depth=limits.document_depth, values=limits.payload_values)
    if problems:
        raise InputInvalid(told(problems))
    if not schema:
        return value
    validator, heaviest_part = _compiled(orjson.dumps(schema))
    whole = filled(value, schema)
    work = heaviest_part * parts(whole)
    if work > most_work:
        raise InputInvalid((Problem("limit", "", "This is too large for its schema to be checked."),))
    if not validator.is_valid(whole):
        raise InputInvalid(told(list(_mismatches(_errors(validator, whole, every=work <= _LITTLE_WORK)))))
    return whole


def schema_problems(schema: JsonValue) -> list[Problem]:
    """What is wrong with a JSON Schema; places are pointers into it."""
    problems = flaws(schema)
    if problems:
        return problems
    if not _META.is_valid(schema):
        errors = _errors(_META, schema, every=parts(schema) <= _LARGE_SCHEMA)
        return list(dict.fromkeys(_in_schema(error) for error in errors))
    problems = list(islice(_references(schema), MOST_PROBLEMS))
    if problems:
        return problems
    if isinstance(schema, dict) and heaviest(schema) is None:
        return [Problem("invalid_schema", "", "This schema refers to itself without end, or in too many ways at once.")]
    try:
        _validator(orjson.dumps(schema))
    except ValidationError as wrong:
        return [_in_schema(wrong)]
    return []


_META = Draft202012Validator({"$ref": DRAFT}, offline=True, mask="This")


@lru_cache(maxsize=64)
def _compiled(schema: bytes) -> tuple[Draft202012Validator, int]:
    return _validator(schema), heaviest(orjson.loads(schema)) or MOST


def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(
        orjson.loads(schema), offline=True, mask="This", validate_formats=True, pattern_options=_PATTERNS
    )


def _errors(validator: Draft202012Validator, value: JsonValue, *, every: bool) -> list[ValidationError]:
    """Every error, or only the first: the library lists them at once, each with a copy of what is wrong."""
    if every:
        return list(islice(validator.iter_errors(value), MOST_PROBLEMS + 1))
    try:
        validator.validate(value)
    except ValidationError as first:
        return [first]
    return []


def _in_schema(error: ValidationError) -> Problem:
    return Problem("invalid_schema", pointer(error.instance_path), f"{_sentence(error)}.")


def _references(root: JsonValue) -> Iterator[Problem]:
    names = anchors(root)
    for path, schema in subschemas(root):
        if "$schema" in schema and str(schema["$schema"]).removesuffix("#") != DRAFT:
            yield Problem("invalid_schema", pointer((*path, "$schema")), "Schemas are of draft 2020-12.", f"`{DRAFT}`")
        if path and "$id" in schema:
            message = "A schema inside another has no `$id` of its own."
            yield Problem("invalid_schema", pointer((*path, "$id")), message, "Give it an `$anchor`.")
        for keyword in ("$ref", "$dynamicRef"):
            match schema.get(keyword):
                case str() as ref if not ref.startswith("#"):
                    message = "References stay inside the schema."
                    yield Problem("invalid_schema", pointer((*path, keyword)), message, "Write `#/$defs/…`.")
                case str() as ref if not isinstance(referred(root, ref, names), (dict, bool)):
                    yield Problem("invalid_schema", pointer((*path, keyword)), "This refers to nothing in the schema.")
                case _:
                    pass


def _mismatches(errors: Iterable[ValidationError]) -> Iterator[Problem]:
    for error in errors:
        path = error.instance_path
        match error.kind:
            case ValidationErrorKind.Required(property):
                yield Problem("missing_field", pointer((*path, property)), f"`{property}` is missing.")
            case ValidationErrorKind.AdditionalProperties(unexpected):
                for name in unexpected:
                    yield Problem("unknown_field", pointer((*path, name)), f"There is no `{name}` here.")
            case ValidationErrorKind.Type():
                yield Problem("wrong_type", pointer(path), f"{_sentence(error)}.")
            case _:
                yield Problem("invalid_value", pointer(path), f"{_sentence(error)}.")


def _sentence(error: ValidationError) -> str:
    """The masked message: no part of an input is told, which could be long or secret."""
    return error.message[:500]
