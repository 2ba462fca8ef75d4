"""What events are known by: their names and keys."""

import re
from typing import cast

import orjson
from pydantic import JsonValue

from dag.errors import PerdureError

NAME = r"^[^\x00-\x1f\x7f-\x9f]{1,200}$"
_NAME = re.compile(NAME.removesuffix("$"))


class EventNameInvalid(PerdureError):
    """The name of an event has 1 to 200 characters, and no control characters."""

    code = "config.invalid"


def checked(name: str) -> str:
    """The same name. Raises EventNameInvalid."""
    if not _NAME.fullmatch(name):
        raise EventNameInvalid
    return name


def canonical(key: JsonValue) -> bytes:
    """Equal for equal keys, whatever the order in their objects, or whether a whole number was written as `1` or
    `1.0`."""
    return orjson.dumps(_plain(key), option=orjson.OPT_SORT_KEYS)


def _plain(value: JsonValue) -> JsonValue:
    match value:
        case float() if value.is_integer():
            return int(value) if abs(value) < 2**63 else value
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return cast(JsonValue, value)
