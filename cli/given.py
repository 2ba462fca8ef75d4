"""JSON as it is given on the command line."""

import sys
from pathlib import Path

import orjson
from pydantic import JsonValue

from cli.outcomes import Misused


def given(text: str, what: str) -> JsonValue:
    """Read JSON: the text itself, `@FILE`, or `@-` for standard input."""
    try:
        if text == "@-":
            return orjson.loads(sys.stdin.buffer.read())
        return orjson.loads(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except OSError as wrong:
        raise Misused(f"{text[1:]} cannot be read: {wrong.strerror}.") from wrong
    except orjson.JSONDecodeError as wrong:
        raise Misused(f"The {what} is not JSON: {wrong}.") from wrong
