"""Every error of the API as problem details (RFC 9457), with a `code` that never changes meaning."""

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from pydantic import BaseModel, JsonValue
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection
from temporalio.service import RPCError

from api.lingering import LingeringResponse
from dag.errors import PerdureError
from dag.problems import MOST_PROBLEMS, pointer
from runtime.gone import AWAY

MEDIA_TYPE = "application/problem+json"

STATUSES: Mapping[str, int] = {
    "approval.form": 422,
    "approval.not_assigned": 403,
    "approval.self": 403,
    "auth.missing": 401,
    "auth.invalid": 401,
    "body.incomplete": 400,
    "body.slow": 408,
    "body.too_large": 413,
    "body.unsupported": 415,
    "condition.missing": 409,
    "condition.not_asked": 409,
    "condition.too_long": 409,
    "cursor.invalid": 422,
    "document.invalid": 422,
    "definition.invalid": 422,
    "dependency.unmet": 409,
    "execution.unfinished": 409,
    "draft.changed": 412,
    "limit.dependencies": 422,
    "limit.breakpoints": 422,
    "limit.env": 422,
    "limit.env_bytes": 422,
    "limit.secret_bytes": 422,
    "limit.secrets": 422,
    "limit.test_bytes": 422,
    "limit.tests": 422,
    "execution.open": 409,
    "execution.succeeded": 409,
    "execution.too_old": 409,
    "input.invalid": 422,
    "output.invalid": 422,
    "payload.too_large": 422,
    "request.invalid": 422,
    "test.invalid": 422,
    "test.rerun_refused": 422,
    "tests.failed": 409,
    "tests.not_run": 409,
    "method.not_allowed": 405,
    "origin.refused": 403,
    "precondition.missing": 428,
}
"""Codes with a status of their own; each other's is by its ending. What is in neither is a bug of ours: 500."""
ENDINGS: Mapping[str, int] = {
    "unknown": 404,
    "conflict": 409,
    "exists": 409,
    "mismatch": 409,
    "closed": 409,
    "unpublished": 409,
    "name_differs": 422,
    "refused": 422,
    "limited": 429,
    "unavailable": 503,
}
_RETRY_AFTER = "2"
_LONGEST_PATH = 2_000
"""Characters; a key can be as long as a body."""
_KINDS: Mapping[str, str] = {"missing": "missing_field", "extra_forbidden": "unknown_field"}

logger = logging.getLogger("perdure.api")


class Flaw(BaseModel):
    """One thing to mend."""

    code: str
    path: str
    """A JSON pointer into what `in` names."""
    message: str
    hint: str | None = None
    severity: Literal["error", "warning"] = "error"


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """Stable; its words are parted by dots."""
    instance: str | None = None
    problems: list[Flaw] | None = None
    """Every thing to mend, where there can be several."""
    details: JsonValue = None
    """More to know, by code."""


class RequestInvalid(PerdureError):
    """The request is not what is expected here. The problems say where and why."""

    code = "request.invalid"

    def __init__(self, problems: Sequence[JsonValue]):
        super().__init__(details=[*problems])


class RouteUnknown(PerdureError):
    """There is nothing at this address."""

    code = "route.unknown"


class MethodNotAllowed(PerdureError):
    """This address does not take that method; the header Allow names those that it takes."""

    code = "method.not_allowed"


class BodyIncomplete(PerdureError):
    """The body ended before it was whole."""

    code = "body.incomplete"


class TemporalUnavailable(PerdureError):
    """Temporal does not answer; try again in a moment."""

    code = "temporal.unavailable"


class Internal(PerdureError):
    """Something went wrong in Perdure itself; its log tells what."""


def install(app: FastAPI) -> None:
    """Answer every error of an app with problem details, also where a WebSocket was asked for."""
    handlers: Mapping[type[Exception], Any] = {
        PerdureError: _expected,
        RequestValidationError: _validation,
        WebSocketRequestValidationError: _validation,
        HTTPException: _by_starlette,
        ClientDisconnect: _gone,
        RPCError: _by_temporal,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


def status_of(code: str) -> int:
    """The HTTP status that goes with a code."""
    return STATUSES.get(code) or ENDINGS.get(code.rpartition(".")[2], 500)


def answer(wrong: PerdureError, *, instance: str, headers: Mapping[str, str] | None = None) -> Response:
    """Write an error as a response."""
    status = status_of(wrong.code)
    shown = wrong if status != 500 else Internal()
    listed = isinstance(shown.details, list)
    body = {
        "type": f"urn:perdure:problem:{shown.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": shown.message,
        "code": shown.code,
        "instance": instance,
        "problems" if listed else "details": shown.details,
    }
    told = {name: value for name, value in body.items() if value is not None}
    kind = LingeringResponse if status == 413 else Response
    return kind(orjson.dumps(told), status, {**_headers(status), **(headers or {})}, MEDIA_TYPE)


def flaws(errors: Sequence[ErrorDetails], *, place: str | None = None) -> list[JsonValue]:
    """Pydantic's errors as problems. FastAPI says in front of each path what the value stood in."""
    return [_flaw(error, place) for error in errors[:MOST_PROBLEMS]]


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the problems that a route can answer with, for OpenAPI."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _flaw(error: ErrorDetails, place: str | None) -> JsonValue:
    kind = error["type"]
    path = error["loc"] if place else error["loc"][1:]
    code = _KINDS.get(kind) or ("wrong_type" if kind.endswith(("_type", "_parsing")) else "invalid_value")
    return {
        "code": code,
        "in": place or str(error["loc"][0]),
        "path": pointer(path)[:_LONGEST_PATH],
        "message": error["msg"][:500],
        "hint": None,
        "severity": "error",
    }


def _headers(status: int) -> Mapping[str, str]:
    match status:
        case 401:
            return {"WWW-Authenticate": 'Bearer realm="perdure"'}
        case 408 | 413:
            return {"Connection": "close"}  # the rest of the body is not read
        case 429 | 503:
            return {"Retry-After": _RETRY_AFTER}
        case _:
            return {}


async def _expected(request: HTTPConnection, wrong: PerdureError) -> Response:
    if status_of(wrong.code) == 500:
        logger.error("No status goes with the code %s", wrong.code, exc_info=wrong)
    return answer(wrong, instance=request.url.path)


async def _validation(
    request: HTTPConnection, wrong: RequestValidationError | WebSocketRequestValidationError
) -> Response:
    return answer(RequestInvalid(flaws(wrong.errors())), instance=request.url.path)


async def _by_starlette(request: Request, wrong: HTTPException) -> Response:
    match wrong.status_code:
        case 404:
            told: PerdureError = RouteUnknown()
        case 405:
            told = MethodNotAllowed()
        case _:
            told = Internal()
    return answer(told, instance=request.url.path, headers=wrong.headers)


async def _gone(request: Request, wrong: ClientDisconnect) -> Response:
    return answer(BodyIncomplete(), instance=request.url.path)


async def _by_temporal(request: Request, wrong: RPCError) -> Response:
    if wrong.status in AWAY:
        return answer(TemporalUnavailable(), instance=request.url.path)
    logger.error("Temporal answered %s", wrong.status.name, exc_info=wrong)
    return answer(Internal(), instance=request.url.path)


async def _unexpected(request: Request, wrong: Exception) -> Response:
    return answer(Internal(), instance=request.url.path)
