"""Keeps errors small: each is told in events, carried over continue-as-new, and part of the errors that it causes."""

from collections.abc import Sequence

from pydantic import JsonValue

from dag.errors import ErrorValue
from dag.nesting import written

MESSAGE = 4_000
"""Characters of a message."""
DETAILS = 64 * 1024
"""Bytes of details. Of causes there is less room, or errors that cause each other would grow without end."""
CAUSES = 16 * 1024
SHORT = 200
"""Characters of a code, and of the message of a cause for which there is little room."""
LEVELS = 100


def dumped(error: ErrorValue) -> JsonValue:
    """The error as data, without what it does not say."""
    return error.model_dump(mode="json", exclude_none=True)


def fitting(error: ErrorValue) -> ErrorValue:
    """The error, cut to what an execution keeps."""
    return error.model_copy(
        update={
            "code": error.code[:SHORT],
            "message": _cut(error.message, MESSAGE),
            "details": error.details if _size(error.details) <= DETAILS else _left_out(DETAILS),
            "cause": error.cause if _size(error.cause) <= CAUSES else _left_out(CAUSES),
        }
    )


def causes(errors: Sequence[ErrorValue]) -> list[JsonValue]:
    """As many errors as there is room for, in few words where it gets narrow."""
    room = CAUSES
    told: list[JsonValue] = []
    for error in errors:
        whole = dumped(error)
        if _size(whole) > room // 2:
            whole = dumped(
                ErrorValue(code=error.code, message=_cut(error.message, SHORT), node=error.node, path=error.path)
            )
        room -= _size(whole)
        if room < 0:
            break
        told.append(whole)
    return told


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _left_out(limit: int) -> str:
    return f"Left out: more than {limit} bytes, or nested too deep."


def _size(value: JsonValue) -> float:
    """In bytes; endless if it is nested too deep."""
    try:
        return len(written(value, levels=LEVELS))
    except TypeError:
        return float("inf")
