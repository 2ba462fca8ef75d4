"""Values in queries and paths, read strictly: `5.0` is no whole number and `yes` is not `true`."""

import re
from typing import Annotated, get_origin

from fastapi.dependencies.models import Dependant
from pydantic import BeforeValidator, JsonValue
from pydantic_core import PydanticCustomError
from starlette.requests import HTTPConnection

from api.problems import RequestInvalid

_WHOLE = re.compile(r"[0-9]{1,15}\Z", re.ASCII)
_ONCE = ("authorization", "content-type", "idempotency-key", "if-match")
_FLAGS = {"true": True, "false": False}


def whole(value: object) -> object:
    """Read digits as a number."""
    if isinstance(value, str) and not _WHOLE.match(value):
        raise PydanticCustomError("int_parsing", "This must be a whole number.")
    return value


def flag(value: object) -> object:
    """Read `true` and `false`."""
    if isinstance(value, str) and value not in _FLAGS:
        raise PydanticCustomError("bool_parsing", "This must be true or false.")
    return value


Whole = Annotated[int, BeforeValidator(whole)]
Flag = Annotated[bool, BeforeValidator(flag)]


async def known_parameters(request: HTTPConnection) -> None:
    """Refuse a query that holds what the route does not know, which is a slip of the pen, or holds a thing twice."""
    known = _known(request.scope["route"].dependant) if request.query_params else {}
    problems: list[JsonValue] = []
    for name, _ in request.query_params.multi_items():
        if name not in known:
            problems.append(_problem("unknown_field", name, f"There is no parameter `{name[:100]}` here."))
        elif not known[name] and len(request.query_params.getlist(name)) > 1:
            problems.append(_problem("duplicate_key", name, f"`{name}` stands more than once."))
    if problems:
        raise RequestInvalid(problems[:100])


async def single_headers(request: HTTPConnection) -> None:
    """Refuse a request that says twice who asks or what is meant: what stands before us might read the other one."""
    problems: list[JsonValue] = [
        {"code": "duplicate_key", "in": "header", "path": f"/{name}", "message": f"`{name}` stands more than once."}
        for name in _ONCE
        if len(request.headers.getlist(name)) > 1
    ]
    if problems:
        raise RequestInvalid(problems)


def _problem(code: str, name: str, message: str) -> JsonValue:
    return {"code": code, "in": "query", "path": f"/{name[:100]}", "message": message}


def _known(dependant: Dependant) -> dict[str, bool]:
    """The names of a route's query parameters, each with whether it may stand several times."""
    own = {field.alias: get_origin(field.field_info.annotation) is list for field in dependant.query_params}
    return own | {name: several for inner in dependant.dependencies for name, several in _known(inner).items()}
