"""What every model of the language is made of: strict parts, fields that may be left out or be templates, refusals."""

import re
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, LiteralString, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Holds = Literal["expression", "template"]
"""What text in a field can be, other than itself."""

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
