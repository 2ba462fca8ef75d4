"""Makes what an attempt gives back fit to leave the process."""

import orjson
from pydantic import JsonValue

from activities.errors import PayloadTooLarge
from dag import nesting
from dag.crowding import crowded
from dag.json_writing import compact
from dag.limits import DEFAULTS
from worker.redaction import HIDDEN, Redaction

MAX_BYTES = 20 * 1024 * 1024
MAX_DEPTH = 100
"""Executions carry outputs inside other values; all that reads or writes JSON here manages 250 levels."""
MAX_INTEGER = 2**53
MAX_BITS = 10_000


def written(output: JsonValue, redact: Redaction, *, limit: int = MAX_BYTES) -> bytes:
    """Write an output as JSON without secrets, within the limits of size and depth; an integer that readers of JSON
    would round becomes text."""
    try:
        text = nesting.written(output, levels=MAX_DEPTH, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:  # a large integer, half a surrogate pair, or too deep
        text = None
    if text is None or redact.may_touch(text):  # nearly every output needs no walk through all of it
        text = nesting.written(clean(output, redact), levels=MAX_DEPTH)
    if len(text) > limit:
        raise PayloadTooLarge(
            f"The output has {len(text)} bytes of JSON, more than {limit}; ask for less, or keep it as a reference.",
            details={"size": len(text), "limit": limit},
        )
    if crowded(text):
        raise PayloadTooLarge(
            f"The output has more than {DEFAULTS.payload_values} values; ask for less, or keep it as a reference.",
            details={"limit": DEFAULTS.payload_values},
        )
    return compact(text)


def clean(value: JsonValue, redact: Redaction) -> JsonValue:
    """Replace what may not leave as it is: secrets, also in keys, and what no JSON reader takes."""
    return _clean(value, redact, MAX_DEPTH)


def _clean(value: JsonValue, redact: Redaction, levels: int) -> JsonValue:
    match value:
        case str():
            return _text(value, redact)
        case bool() | None:
            return value
        case int() if value.bit_length() > MAX_BITS:
            raise PayloadTooLarge(f"An integer has more than {MAX_BITS} bits.", details={"limit": MAX_BITS})
        case int() | float():
            if redact(str(value)) != str(value):
                return HIDDEN
            return str(value) if isinstance(value, int) and abs(value) > MAX_INTEGER else value
        case _ if levels == 0:
            raise PayloadTooLarge(f"The output is nested deeper than {MAX_DEPTH} levels.", details={"limit": MAX_DEPTH})
        case dict():
            return {_text(key, redact): _clean(item, redact, levels - 1) for key, item in value.items()}
        case list():
            return [_clean(item, redact, levels - 1) for item in value]


def _text(text: str, redact: Redaction) -> str:
    return redact(text if text.isascii() else text.encode("utf-8", "replace").decode())
