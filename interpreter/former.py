"""Reads what an execution carried over continue-as-new, also as former versions wrote it: they may still be running."""

from typing import Any

import orjson
from pydantic import TypeAdapter

from interpreter.start import Carried

_CARRIED = TypeAdapter(Carried)


def carried_over(text: bytes) -> Carried:
    """Where the execution stood."""
    written: dict[str, Any] = orjson.loads(text)
    return _CARRIED.validate_python(_of_one_graph(written) if "standing" in written else written)


def _of_one_graph(written: dict[str, Any]) -> dict[str, Any]:
    """0.1.0 ran the document's own graph only, and kept its state in one piece with the execution's."""
    frame: dict[str, Any] = {
        "base": 0,
        "standing": written.pop("standing"),
        "begun": written.get("begun", False),
        "vars": written.pop("vars", {}),
        "errors": written.pop("errors", {}),
        "waits": written.pop("waits", {}),
        "deadlines": written.pop("node_deadlines", {}),
        "due": [],
    }
    counter = len(frame["standing"]["status"]) + 1
    return {**written, "frames": [frame], "ready": [0], "counter": counter}
