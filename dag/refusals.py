"""What Pydantic says of a document, as problems in the words of the person who wrote it."""

import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import JsonValue, Tag, ValidationError
from pydantic_core import ErrorDetails

from dag.controls.words import WORDS
from dag.node import Activity
from dag.part import Part, tag
from dag.places import Path
from dag.problems import CODES, MOST_PROBLEMS, Problem, did_you_mean, pointer

ACTIVITY = tag("activity")

_MOST_ERRORS = 100_000
"""Past it the mere list of errors would take seconds to write."""

_EXPECTED: Mapping[str, str] = {
    "bool_type": "true or false",
    "dict_type": "an object",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "list_type": "a list",
    "model_type": "an object",
    "string_type": "text",
}
_NODES: Mapping[str, type[Part]] = {ACTIVITY: Activity, **{tag(word): model for word, model in WORDS.items()}}
_ELSEWHERE: Mapping[str, str] = {"rest": "It goes into `join`, as in `{count: 1, rest: ignore}`."}


def refusals(error: ValidationError, model: type[Part]) -> tuple[list[Problem], list[Path]]:
    """Tell the problems of a document that is not what `model` says, and the places that Pydantic found them at."""
    if error.error_count() > _MOST_ERRORS:
        return [Problem("limit", "", f"More than {_MOST_ERRORS} things are wrong.", "Is this a workflow?")], []
    details = error.errors(include_url=False)
    return [_problem(detail, model) for detail in details[: MOST_PROBLEMS + 1]], [detail["loc"] for detail in details]


def written(loc: Path) -> Path:
    """Pydantic's place of an error as a path in the document: without the tags of unions, and keys as their values."""
    path = loc[:-1] if loc and loc[-1] == "[key]" else loc
    return tuple(part for part in path if not _is_tag(part))


def _is_tag(part: str | int) -> bool:
    return isinstance(part, str) and part.startswith("\0")


def _problem(detail: ErrorDetails, model: type[Part]) -> Problem:
    kind, loc, value = detail["type"], detail["loc"], detail["input"]
    context = detail.get("ctx", {})
    path = written(loc)
    here = pointer(path)
    match kind:
        case "missing":
            return Problem("missing_field", here, f"`{path[-1]}` is missing.", _description(model, loc))
        case "extra_forbidden":
            return _extra(model, loc, here)
        case "literal_error":
            return _not_one_of(context["expected"], value, here)
        case "union_tag_not_found" | "union_tag_invalid":
            return _no_type(value, here)
        case "greater_than_equal":
            return Problem("invalid_value", here, f"This must be at least {context['ge']}.")
        case "less_than_equal":
            return Problem("invalid_value", here, f"This must be at most {context['le']}.")
        case "too_short" | "string_too_short":
            return Problem("invalid_value", here, "This may not be empty.")
        case _ if kind in _EXPECTED:
            return Problem("wrong_type", here, f"Expected {_EXPECTED[kind]}, found {_found(value)}.")
        case _ if kind in CODES:
            field = context.get("field")
            place = here if field is None else here + pointer([field])
            return Problem(kind, place, context["message"], context["hint"] or None)
        case _:
            return Problem("invalid_value", here, "This value is not accepted here.")


def _extra(model: type[Part], loc: Path, here: str) -> Problem:
    name = str(loc[-1])
    part = _at(model, loc[:-1])
    if part is None:
        return Problem("unknown_field", here, f"There is no field `{name}` here.")
    if part.role == "node":
        owners = [tag for tag, node in _NODES.items() if name in _names(node)]
        if owners:
            kind = "an activity" if part is Activity else f"`{str(loc[-2])[1:]}`"
            return Problem("field_not_allowed", here, f"`{name}` does not go with {kind}.", _owners(owners))
    hint = _ELSEWHERE.get(name) or did_you_mean(name, _names(part))
    return Problem("unknown_field", here, f"There is no field `{name}` here.", hint)


def _owners(tags: list[str]) -> str | None:
    if len(tags) > 6:
        return None
    words = ", ".join("activities" if tag == ACTIVITY else f"`{tag[1:]}`" for tag in tags)
    return f"It goes with {words}."


def _not_one_of(expected: str, value: JsonValue, here: str) -> Problem:
    allowed = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    hint = "Allowed: " + ", ".join(f"`{word}`" for word in allowed) + "."
    if not isinstance(value, str):
        return Problem("invalid_value", here, f"{_found(value).capitalize()} is not allowed here.", hint)
    return Problem("invalid_value", here, f"`{value[:100]}` is not allowed here.", hint)


def _no_type(value: JsonValue, here: str) -> Problem:
    match value:
        case {"type": str(word)}:
            message = f"`{word[:100]}` is no control word, and an activity type is written `family.name`."
            return Problem("unknown_type", here + "/type", message, did_you_mean(word, WORDS))
        case {"type": other}:
            return Problem("wrong_type", here + "/type", f"Expected text, found {_found(other)}.")
        case dict():
            return Problem("missing_field", here + "/type", "`type` is missing.", "A control word, or `family.name`.")
        case _:
            return Problem("wrong_type", here, f"Expected an object, found {_found(value)}.")


def _found(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


def _description(model: type[Part], loc: Path) -> str | None:
    part = _at(model, loc[:-1])
    if part is None:
        return None
    return next(
        (field.description for name, field in part.model_fields.items() if (field.alias or name) == loc[-1]), None
    )


def _names(part: type[Part]) -> list[str]:
    return [field.alias or name for name, field in part.model_fields.items()]


def _at(model: type[Part], loc: Path) -> type[Part] | None:
    """The model that an object at this place has to be of."""
    annotation: Any = model
    for part in loc:
        annotation = next(_step(annotation, part), None)
    members = [member for member, _ in _members(annotation) if isinstance(member, type) and issubclass(member, Part)]
    return members[0] if members else None


def _step(annotation: Any, part: str | int) -> Iterator[Any]:
    if part in _NODES:
        yield _NODES[str(part)]
    for member, name in _members(annotation):
        if _is_tag(part):
            if name == part:
                yield member
        elif get_origin(member) in (list, dict):
            yield get_args(member)[-1]
        elif isinstance(member, type) and issubclass(member, Part):
            for attribute, field in member.model_fields.items():
                if (field.alias or attribute) == part:
                    yield field.annotation


def _members(annotation: Any) -> Iterator[tuple[Any, str | None]]:
    """What a value may be, each with the tag that chooses it."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *marks = get_args(annotation)
        name = next((mark.tag for mark in marks if isinstance(mark, Tag)), None)
        for member, inner_name in _members(inner):
            yield member, name or inner_name
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation, None
