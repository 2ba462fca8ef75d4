"""Writes whatever Perdure keeps as JSON."""

import orjson
from pydantic_core import to_json, to_jsonable_python


def written(value: object) -> bytes:
    """The JSON text of any JSON value, dataclass or Pydantic model."""
    try:
        return orjson.dumps(value, default=to_jsonable_python)
    except TypeError:  # integers beyond 64 bits, keys that are no text
        return to_json(value)
