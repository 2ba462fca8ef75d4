"""Reads bodies: bounded in size and time, as UTF-8, as JSON or YAML, strictly.

A route names its body before its session: a slow body must not hold a connection to the database."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Request
from pydantic import BaseModel, JsonValue, ValidationError

from api.dependencies import Caller
from api.problems import RequestInvalid, flaws, responses
from dag.documents import DocumentInvalid, Format, read
from dag.errors import PerdureError
from dag.limits import DEFAULTS, Limits
from dag.problems import MOST_PROBLEMS

Model = TypeVar("Model", bound=BaseModel)

DOCUMENT = DEFAULTS
"""The limits of a definition."""
INPUT = replace(DEFAULTS, document_bytes=DEFAULTS.payload_bytes, document_values=DEFAULTS.payload_values)
"""The limits of a body that holds an input."""
PATIENCE = 60.0
"""Seconds in which a body must have come."""
BODY_PROBLEMS = responses(400, 408, 413, 415)
"""What a route that reads a body can answer with."""
_LARGE = 128 * 1024
"""Bytes from which on reading takes so long that other requests would feel it."""
_JSON = ("application/json",)
_YAML = ("application/yaml", "text/yaml", "application/x-yaml", "text/x-yaml")
_FORMATS: dict[str, Format] = {**dict.fromkeys(_JSON, "json"), **dict.fromkeys(_YAML, "yaml")}


class BodyTooLarge(PerdureError):
    """The body is larger than is read here."""

    code = "body.too_large"


class BodySlow(PerdureError):
    """The body took too long to come."""

    code = "body.slow"


class BodyUnsupported(PerdureError):
    """A body of this type is not read here."""

    code = "body.unsupported"


async def document(request: Request, caller: Caller) -> JsonValue:
    """Read a definition, as JSON or as YAML."""
    return await _value(request, _FORMATS, DOCUMENT)


def body(
    model: type[Model], *, limits: Limits = DOCUMENT, optional: bool = False
) -> Callable[[Request, Caller], Awaitable[Model]]:
    """Make what reads a JSON body of one shape, which may be missing where it is `optional`. Give the model
    `extra="forbid"`: types are strict anyway."""

    async def reads(request: Request, caller: Caller) -> Model:
        if (
            optional
            and "content-type" not in request.headers
            and not await content(request, most=limits.document_bytes)
        ):
            return model()
        return await parsed(request, model, limits=limits)

    return reads


async def parsed(request: Request, model: type[Model], *, limits: Limits = DOCUMENT) -> Model:
    """Read a JSON body of one shape."""
    try:
        value = await _value(request, dict.fromkeys(_JSON, "json"), limits)
    except DocumentInvalid as wrong:
        problems = [problem.value() for problem in wrong.problems]
        raise RequestInvalid([{**problem, "in": "body"} for problem in problems if isinstance(problem, dict)]) from None
    try:
        return model.model_validate(value, strict=True)
    except ValidationError as wrong:
        raise RequestInvalid(_listed(wrong)) from None


async def content(request: Request, *, most: int) -> bytes:
    """Read the bytes of a body, as long as they are few and come soon."""
    if int(request.headers.get("content-length", "0")) > most:
        raise _too_large(most)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise _too_large(most)
                chunks.append(chunk)
    except TimeoutError:
        raise BodySlow(f"The body was not there after {PATIENCE:g} s.") from None
    return b"".join(chunks)


def described(model: type[BaseModel], *, required: bool = True, **example: object) -> dict[str, Any]:
    """The body of a route for OpenAPI, which sees no dependency read it."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    schema = _inlined(schema, schema.pop("$defs", {}))
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema, **example}}}}


def _inlined(schema: Any, defined: dict[str, Any]) -> Any:
    """A schema with its parts in their places: it stands where no definitions can stand beside it."""
    match schema:
        case {"$ref": str(name)} if (part := defined.get(name.rpartition("/")[2])) is not None:
            return _inlined(part, defined)
        case dict():
            return {key: _inlined(value, defined) for key, value in cast(dict[str, Any], schema).items()}
        case list():
            return [_inlined(value, defined) for value in cast(list[Any], schema)]
        case _:
            return schema


def _listed(wrong: ValidationError) -> list[JsonValue]:
    if wrong.error_count() > MOST_PROBLEMS:  # to list hundreds of thousands would hold up everybody for seconds
        message = f"There are more than {MOST_PROBLEMS} problems here."
        return [{"code": "more", "in": "body", "path": "", "message": message}]
    return flaws(wrong.errors(include_url=False, include_context=False, include_input=False), place="body")


def _too_large(most: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {most} bytes.")


async def _value(request: Request, formats: dict[str, Format], limits: Limits) -> JsonValue:
    format = _format(request, formats)
    text = await content(request, most=limits.document_bytes)
    if len(text) < _LARGE:
        return read(text, format=format, limits=limits)
    return await asyncio.to_thread(read, text, format=format, limits=limits)


def _format(request: Request, formats: dict[str, Format]) -> Format:
    kind, *parameters = (part.strip().lower() for part in request.headers.get("content-type", "").split(";"))
    if kind not in formats:
        raise BodyUnsupported(f"Say by the header Content-Type what this is: {' or '.join(formats)}.")
    if any(part.startswith("charset=") and part[8:].strip('"') not in ("utf-8", "utf8") for part in parameters):
        raise BodyUnsupported("Text is read as UTF-8 only.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BodyUnsupported("Compressed bodies are not read.")
    return formats[kind]


Document = Annotated[JsonValue, Depends(document)]
