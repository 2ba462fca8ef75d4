"""Writes whatever Perdure keeps as JSON."""

import orjson
from pydantic_core import to_json, to_jsonable_python


def written(value: object) -> bytes:
    """The JSON text of any JSON value, dataclass or Pydantic model."""
    try:
        return orjson.dumps(value, default=to_jsonable_python)
    except TypeError:  # integers beyond 64 bits, keys that are no text
        return to_json(value)


def compact(text: bytes) -> bytes:
    """The same text in no more memory than it needs, to be kept. orjson (3.13) leaves each in the buffer that it wrote
    it into: 4 KiB, or 16, or 64, and so on."""
    return b"%b" % text
