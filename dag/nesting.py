"""Writes JSON that is nested no deeper than told. orjson sees to that at no cost, at 254 levels of its own."""

import orjson
from pydantic import JsonValue

_MOST = 254
"""Levels that orjson writes."""


def written(value: JsonValue, *, levels: int, option: int = 0) -> bytes:
    """The JSON text of a value. Raises TypeError when it has more levels, or holds what cannot be written."""
    text = orjson.dumps(value, option=option)
    if text.count(b"[") + text.count(b"{") <= levels:  # it cannot be deeper; nearly always so, and quicker to see
        return text
    around = _MOST - levels
    nested = value
    for _ in range(around):
        nested = [nested]
    return orjson.dumps(nested, option=option)[around : -around or None]
