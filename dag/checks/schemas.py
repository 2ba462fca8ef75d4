"""Checks a value that holds templates against a JSON Schema: a template passes any type, all else is held to it."""

from collections.abc import Iterable, Iterator, Sequence

from jsonschema_rs import ValidationError, ValidationErrorKind, Validator
from pydantic import JsonValue

from dag.plan import Pointer

CONDITIONS = frozenset({"if", "then", "else", "not", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"})
"""Keywords whose outcome may hang on a value elsewhere."""


def mismatches(validator: Validator, value: JsonValue, templated: Sequence[Pointer]) -> Iterator[tuple[Pointer, str]]:
    """Say what breaks the schema whatever the templates at `templated` will yield, and where."""
    if validator.is_valid(value):
        return
    places = frozenset(templated)
    above = frozenset(place[:depth] for place in templated for depth in range(len(place)))
    yield from _told(validator.iter_errors(value), places, above)


def _told(
    errors: Iterable[ValidationError], places: frozenset[Pointer], above: frozenset[Pointer]
) -> Iterator[tuple[Pointer, str]]:
    for error in errors:
        if not _certain(error, places, above):
            continue
        match error.kind:
            case ValidationErrorKind.AnyOf(context) | ValidationErrorKind.OneOfNotValid(context):
                meant = _meant(context, tuple(error.instance_path))
                if meant is None:
                    yield tuple(error.instance_path), "This fits none of the forms allowed here."
                else:
                    yield from _told(meant, places, above)
            case ValidationErrorKind.AdditionalProperties(unexpected):
                for name in unexpected:
                    yield (*error.instance_path, name), "There is no such field."
            case _:
                yield tuple(error.instance_path), f"{error.message}."


def _certain(error: ValidationError, places: frozenset[Pointer], above: frozenset[Pointer]) -> bool:
    """Whether an error stands whatever the templates yield."""
    path = tuple(error.instance_path)
    if path in places or (places and not CONDITIONS.isdisjoint(error.schema_path)):
        return False
    if path not in above:
        return True
    match error.kind:
        case ValidationErrorKind.AnyOf(context) | ValidationErrorKind.OneOfNotValid(context):
            return all(any(_certain(inner, places, above) for inner in branch) for branch in context)
        case (
            ValidationErrorKind.OneOfMultipleValid()
            | ValidationErrorKind.Constant()
            | ValidationErrorKind.Enum()
            | ValidationErrorKind.Contains()
            | ValidationErrorKind.UniqueItems()
        ):
            return False
        case _:
            return True


def _meant(branches: Sequence[Sequence[ValidationError]], path: Pointer) -> Sequence[ValidationError] | None:
    """The one form that the author must have meant, by its type or by its discriminator, if there is one."""
    kept = [branch for branch in branches if not any(_other_type(error, path) for error in branch)]
    if len(kept) > 1:
        kept = [branch for branch in kept if not any(_other_kind(error, path) for error in branch)]
    return kept[0] if len(kept) == 1 else None


def _other_type(error: ValidationError, path: Pointer) -> bool:
    return isinstance(error.kind, ValidationErrorKind.Type) and tuple(error.instance_path) == path


def _other_kind(error: ValidationError, path: Pointer) -> bool:
    told = isinstance(error.kind, ValidationErrorKind.Constant | ValidationErrorKind.Enum)
    return told and tuple(error.instance_path[:-1]) == path
