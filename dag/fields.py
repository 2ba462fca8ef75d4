"""What the fields of the language hold: names, expressions, templates, durations."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, LiteralString, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
    SkipValidation,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from dag import durations
from dag.durations import DurationInvalid
from dag.limits import DEFAULTS, Limits

Holds = Literal["expression", "template"]
"""What text in a field can be, other than itself."""

ROOTS = ("input", "nodes", "vars", "loop", "error", "event", "output", "env", "execution", "secrets")
"""The names that expressions start from. Those of loop items and caught errors are beside them."""

RESERVED_WORKFLOWS = (
    "executions",
    "validate",
    "import",
    "webhooks",
    "analytics",
    "monitoring",
    "templates",
    "test",
)
RESERVED_IDS = ("true", "false", "null")
RESERVED_CASES = ("default", "error", "out")

WORKFLOW_NAME = r"^[a-z][a-z0-9-]{0,62}$"
ID = r"^[a-z][a-z0-9_]{0,62}$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"
EDGE = r"^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62})?$"
ACTIVITY_TYPE = r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$"
ERROR_CODE = r"^[a-z][a-z0-9_]*(\.[A-Za-z0-9_-]+)*$"
USER_CODE = r"^user(\.[A-Za-z0-9_-]+)+$"
ASSIGNEE = r"^(user|group|role):.+$"
MASK = r"^(/([^~/]|~[01])*)*$"
TEMPLATE = r"\$\{\{"


class Part(BaseModel):
    """A part of a document: strict, closed, never changed once made."""

    role: ClassVar[Literal["part", "graph", "node"]] = "part"

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        model_title_generator=lambda model: _words(model.__name__.removesuffix("Config")),
        field_title_generator=lambda name, _: name.strip("_").replace("_", " ").capitalize(),
    )


def _words(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def wrong(code: LiteralString, message: str, hint: str = "", *, field: str | None = None) -> PydanticCustomError:
    """A refusal with a problem's code, for validators. Of a whole part, `field` names the one at fault."""
    return PydanticCustomError(code, "{message}", {"message": message, "hint": hint, "field": field})


def shape(value: Any) -> str:
    """Tells text from all else, for fields that take a word or something else. (Tags begin with NUL: see `tag`.)"""
    return tag("text" if isinstance(value, str) else "other")


def tag(name: str) -> str:
    """Name a member of a union. No document can hold a NUL, so the place of an error tells tags from keys."""
    return "\0" + name


class Text:
    """Marks a string, or a value with strings in it, by what its text is."""

    def __init__(self, holds: Holds):
        self.holds: Holds = holds

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(schema), "x-holds": self.holds}


class _NotNull:
    """Lets a field be left out, but not be null: the two would read alike and mean the same."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_refuse_null, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler(schema)
        others = [one for one in written.get("anyOf", ()) if one != {"type": "null"}]
        if len(others) != 1:
            return {**written, "anyOf": others} if others else written
        return {**{key: value for key, value in written.items() if key != "anyOf"}, **others[0]}


class Templated(Text):
    """Lets a template stand where a value of another type is asked for; the node's start checks what it gives.

    With `rendered` in the validation context no template is left, so that text which looks like one is only text.
    """

    def __init__(self) -> None:
        super().__init__("template")

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_wrap_validator_function(_template_or, handler(_without_text(source)))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        written = handler(schema)
        if handler.resolve_ref_schema(written).get("type") == "string" and not {"enum", "pattern"} & written.keys():
            return {**written, "x-holds": self.holds}
        return {"anyOf": [written, {"type": "string", "pattern": TEMPLATE}], "x-holds": self.holds}


T = TypeVar("T")
Omissible = Annotated[T | None, _NotNull()]
"""May be left out. Null is refused."""
OrTemplate = Annotated[T | str, Templated()]
"""A value, or text with a template in it."""


def _refuse_null(value: object) -> object:
    if value is None:
        raise wrong("wrong_type", "This is null.", "Leave the field out, or give it a value.")
    return value


def _without_text(source: Any) -> Any:
    """`T | str` without its plain `str`, unless that is all."""
    others = [one for one in get_args(source) if one is not str]
    if not others or source is str:
        return str
    return others[0] if len(others) == 1 else Annotated[_union(others), ...]


def _union(members: list[Any]) -> Any:
    union = members[0]
    for member in members[1:]:
        union = union | member
    return union


def _template_or(value: Any, otherwise: Callable[[Any], Any], info: ValidationInfo) -> Any:
    context: Any = info.context or {}
    if isinstance(value, str) and "${{" in value and not context.get("rendered"):
        return value
    return otherwise(value)


def _matching(pattern: str, what: str, *, reserved: tuple[str, ...] = (), hint: str = "") -> AfterValidator:
    form = re.compile(pattern.removesuffix("$") + r"\Z", re.ASCII)

    def check(text: str) -> str:
        if not form.match(text):
            raise wrong("invalid_value", f"This is not {what}.", hint)
        if text in reserved:
            names = ", ".join(f"`{name}`" for name in reserved)
            raise wrong("reserved_name", f"`{text}` is kept for something else.", f"Kept names: {names}.")
        return text

    return AfterValidator(check)


def _named(pattern: str, what: str, *, reserved: tuple[str, ...] = (), hint: str = "") -> Any:
    """Text of one form, checked with words of its own; the pattern is in the JSON Schema too."""
    schema: dict[str, Any] = {"type": "string", "pattern": pattern}
    if reserved:
        schema["not"] = {"enum": list(reserved)}
    return (_matching(pattern, what, reserved=reserved, hint=hint), WithJsonSchema(schema))


_ID_HINT = "Ids begin with a small letter and go on with at most 62 small letters, digits and `_`."
_id = _named(ID, "an id", reserved=RESERVED_IDS, hint=_ID_HINT)
_case = _named(ID, "the name of a case", reserved=RESERVED_CASES + RESERVED_IDS, hint=_ID_HINT)
_branch = _named(ID, "the name of a branch", hint=_ID_HINT)
_item = _named(ID, "a name for the item", reserved=ROOTS + RESERVED_IDS, hint=_ID_HINT)
_caught = _named(
    ID,
    "a name for the error",
    reserved=tuple(root for root in ROOTS if root != "error") + RESERVED_IDS,
    hint=_ID_HINT,
)
_variable = _named(
    VARIABLE,
    "the name of a variable",
    reserved=RESERVED_IDS,
    hint="Variables are letters, digits and `_`, at most 63, and do not begin with a digit.",
)
_edge = _named(EDGE, "an edge", hint="Write the id of a node, or `id.port`.")
_code = _named(ERROR_CODE, "an error code", hint="Codes are words with dots between them, such as `http.503`.")
_user_code = _named(USER_CODE, "a code of your own", hint="It begins with `user.`, such as `user.not_paid`.")
_activity = _named(ACTIVITY_TYPE, "an activity type", hint="Activity types are written `family.name`.")
_assignee = _named(ASSIGNEE, "an assignee", hint="Write `user:…`, `group:…` or `role:…`.")
_mask = _named(MASK, "a JSON pointer", hint="Write `/body/token`; `*` stands for every key or item.")
_workflow = _named(
    WORKFLOW_NAME,
    "the name of a workflow",
    reserved=RESERVED_WORKFLOWS,
    hint="Names begin with a small letter and go on with at most 62 small letters, digits and `-`.",
)

NodeId = Annotated[str, *_id]
CaseName = Annotated[str, *_case]
BranchName = Annotated[str, *_branch]
ItemName = Annotated[str, *_item]
CaughtName = Annotated[str, *_caught]
VariableName = Annotated[str, *_variable]
EdgeText = Annotated[str, *_edge]
ErrorCode = Annotated[str, *_code]
UserErrorCode = Annotated[str, *_user_code]
ActivityTypeName = Annotated[str, *_activity]
Assignee = Annotated[str, *_assignee]
MaskPointer = Annotated[str, *_mask]
WorkflowName = Annotated[str, *_workflow]
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
