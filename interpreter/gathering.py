"""Makes the output of a node with graphs inside from what its slots hold."""

from collections.abc import Sequence

import orjson
from pydantic import JsonValue

from interpreter.constructs.steps import Yield
from interpreter.outputs import Outputs
from interpreter.sizes import check_written
from interpreter.words.config import ConfigInvalid

NULL = b"null"


def gathered(asked: Yield, slots: Sequence[int], outputs: Outputs) -> bytes:
    """The output as JSON text; `slots` are the numbers of those that are asked for. Raises PerdureError."""
    texts = [outputs.text(slot) if slot in outputs else NULL for slot in slots]
    match asked.mode:
        case "value":
            return texts[0] if texts else NULL
        case "list":
            text = b"[" + b",".join(texts) + b"]"
        case "full":
            rows: list[JsonValue] = [
                {**row, "output": orjson.loads(text)} for row, text in zip(asked.rows, texts, strict=True)
            ]
            text = orjson.dumps(rows)
        case "by_name":
            pairs = (orjson.dumps(name) + b":" + text for name, text in zip(asked.names, texts, strict=True))
            text = b"{" + b",".join(pairs) + b"}"
        case "merge":
            text = orjson.dumps(_merged([orjson.loads(text) for text in texts]))
        case "none":
            return NULL
    check_written(text)
    return text


def _merged(values: Sequence[JsonValue]) -> JsonValue:
    merged: dict[str, JsonValue] = {}
    for value in values:
        if not isinstance(value, dict):
            raise ConfigInvalid("`result: merge` puts objects together; an output is none.")
        merged.update(value)
    return merged
