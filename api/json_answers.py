"""Answers whose JSON is written at once, around stored JSON that nobody needs to read on the way."""

from collections.abc import Mapping

import orjson
from fastapi import Response


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Write rows of the store as they are; name their shape by the route's `response_model`."""
    return Response(orjson.dumps(value, option=orjson.OPT_UTC_Z), status, headers, "application/json")
