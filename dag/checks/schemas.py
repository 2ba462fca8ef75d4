"""Checks a value that holds templates against a JSON Schema: a template passes any type, all else is held to it."""

from collections.abc import Iterable, Iterator, Sequence

from jsonschema_rs import ValidationError, ValidationErrorKind, Validator
from pydantic import JsonValue

from dag.plan import Pointer

CONDITIONS = frozenset({"if", "then", "else", "not", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"})
"""Keywords whose outcome may hang on a value elsewhere."""

_Form = Sequence[ValidationError]
"""What keeps a value from one of several forms."""


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
                path = tuple(error.instance_path)
                forms = _meant(context, path)
                if len(forms) == 1:
                    yield from _told(forms[0], places, above)
                else:
                    yield path, _none_of(forms)
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


def _meant(forms: Sequence[_Form], path: Pointer) -> Sequence[_Form]:
    """The forms that the author can have meant, by their type, then by a field that tells them apart."""
    typed = [form for form in forms if not any(_other_type(error, path) for error in form)]
    kinds = [form for form in typed if not any(_other_kind(error, path) for error in form)]
    return kinds or typed or forms


def _none_of(forms: Sequence[_Form]) -> str:
    types = [error.kind.types for form in forms for error in form if isinstance(error.kind, ValidationErrorKind.Type)]
    if len(types) == sum(map(len, forms)):
        return "This value is not of type " + " or ".join(f'"{name}"' for names in types for name in names) + "."
    return "This fits none of the forms allowed here."


def _other_type(error: ValidationError, path: Pointer) -> bool:
    return isinstance(error.kind, ValidationErrorKind.Type) and tuple(error.instance_path) == path


def _other_kind(error: ValidationError, path: Pointer) -> bool:
    told = isinstance(error.kind, ValidationErrorKind.Constant | ValidationErrorKind.Enum)
    return told and tuple(error.instance_path[:-1]) == path
