"""What the fields of the language hold, names apart: expressions, templates, durations, times, numbers."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    JsonValue,
    PlainSerializer,
    SkipValidation,
    ValidationInfo,
    WithJsonSchema,
)

from dag import durations
from dag.durations import DurationInvalid
from dag.limits import DEFAULTS, Limits
from dag.part import Text, wrong

NotEmpty = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1)]
"""One or more."""


def _iterations(value: int, info: ValidationInfo) -> int:
    if value > (limit := limits_of(info).iterations):
        raise wrong("limit", f"This is more than {limit} iterations.")
    return value


Iterations = Annotated[Count, AfterValidator(_iterations)]
"""How many turns a loop may take, at most as many as the limits allow."""


def _expression(value: object, info: ValidationInfo) -> object:
    match value:
        case bool() | int() | float():
            literal = str(value).lower() if isinstance(value, bool) else str(value)
            raise wrong("wrong_type", "An expression is text.", f'Write "{literal}", in quotes.')
        case str() if not value.strip():
            raise wrong("invalid_value", "This expression is empty.")
        case str() if "${{" in value:
            raise wrong("invalid_value", "This is an expression, not a template.", "Write it without `${{` and `}}`.")
        case str() if len(value) > (limit := limits_of(info).expression_bytes) // 4 and len(value.encode()) > limit:
            raise wrong("limit", f"This expression is longer than {limit} bytes.")
        case _:
            return value


def limits_of(info: ValidationInfo) -> Limits:
    """The limits that the validation was started with."""
    context: Any = info.context or {}
    return context.get("limits", DEFAULTS)


Expression = Annotated[str, BeforeValidator(_expression), Text("expression")]
"""Bare JSONata, without `${{ }}`."""


def _duration(value: object) -> object:
    match value:
        case str():
            try:
                return durations.parse(value)
            except DurationInvalid as refused:
                raise wrong("invalid_value", refused.message) from None
        case int() | float() if not isinstance(value, bool):
            raise wrong("wrong_type", "A duration is text with a unit.", f'Write "{value}s" for seconds.')
        case timedelta():
            return value
        case _:
            raise wrong("wrong_type", "A duration is text.", 'Write "30s", "5m", "2h" or "1d".')


def _written(value: timedelta | str) -> str:
    return value if isinstance(value, str) else durations.text(value)


def _positive(value: timedelta) -> timedelta:
    if not value:
        raise wrong("invalid_value", "This must be longer than nothing.")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(_written),
    WithJsonSchema({"type": "string", "pattern": durations.FORM, "examples": ["30s", "5m", "2h", "1d"]}),
]
"""`250ms`, `30s`, `5m`, `2h`, `1d`, or ISO 8601."""
Span = Annotated[Duration, AfterValidator(_positive)]
"""A duration that is longer than nothing."""


def _execution_time(value: timedelta, info: ValidationInfo) -> timedelta:
    if value > (limit := limits_of(info).execution_time):
        raise wrong("limit", f"An execution lasts at most {durations.text(limit)}.")
    return value


ExecutionTime = Annotated[Span, AfterValidator(_execution_time)]
"""How long an execution may last, at most as long as the limits allow."""


def _moment(value: str) -> str:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise wrong("invalid_value", "This is not an ISO 8601 time.", "Write `2030-01-31T09:00:00Z`.") from None
    return value


_MOMENT = {"type": "string", "examples": ["2030-01-31T09:00:00Z"]}
Moment = Annotated[str, AfterValidator(_moment), WithJsonSchema(_MOMENT)]
"""An ISO 8601 time; without an offset it is UTC."""


def _version(value: object) -> object:
    if type(value) is not int:
        raise wrong("wrong_type", "The language's version is a whole number.", "Write `language: 1`.")
    return value


LanguageVersion = Annotated[Literal[1], BeforeValidator(_version)]
"""`true` and `1.0` equal 1 in Python, but are none in a document."""

Json = SkipValidation[JsonValue]
"""Any JSON. Not looked at again: `parse` has walked the whole document."""
Template = Annotated[Json, Text("template")]
"""Any JSON; its strings may hold templates."""
TemplateObject = Annotated[dict[str, Json], Text("template")]
"""An object whose strings may hold templates."""
