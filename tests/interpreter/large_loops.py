"""Large loops for tests: a small loop is large with SMALL."""

import asyncio
from collections.abc import Sequence
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from dag.batches import Batch
from interpreter.start import Tuning
from runtime.batches import batch_id
from tests.interpreter.engine import Engine
from tests.interpreter.histories import Handle

SMALL = Tuning(batch=3, batches_beyond=3)
FOREVER: dict[str, Any] = {"type": "delay", "config": {"for": "1d"}}


def loop(
    items: str, body: dict[str, Any], *, needs: Sequence[str] = (), output: str | None = None, **config: Any
) -> dict[str, Any]:
    """A loop over items."""
    graph = {"nodes": body, **({} if output is None else {"output": output})}
    return {
        "type": "for_each",
        **({"needs": [*needs]} if needs else {}),
        "config": {"items": items, "concurrency": 4, "body": graph, **config},
    }


def batch(engine: Engine, handle: Handle, number: int, path: str = "loop") -> Handle:
    """The strand of a batch."""
    return engine.client.get_workflow_handle(batch_id(handle.id, Batch(path, number)))


def said(engine: Engine, handle: Handle, type: str) -> list[tuple[str, str, Any]]:
    """What events of one type say, with their strands and paths."""
    return [(event.strand, event.path, event.data) for event in engine.events(handle) if event.type == type]


def waiting(engine: Engine, handle: Handle) -> int:
    """How many nodes wait."""
    return [*engine.statuses(handle).values()].count("waiting")


async def begun(strand: Handle) -> Handle:
    """The same strand, once it runs."""
    while True:
        try:
            await strand.describe()
        except RPCError as silence:
            if silence.status is not RPCStatusCode.NOT_FOUND:
                raise
            await asyncio.sleep(0.02)
        else:
            return strand
