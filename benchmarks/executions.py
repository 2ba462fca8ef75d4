"""Starts executions on Temporal, waits for their results as any client would, and checks them; for both sides alike."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from temporalio.client import Client, WorkflowHandle

from benchmarks.case import Contender, Facts

Begin = Callable[[str], Awaitable[WorkflowHandle[Any, Any]]]
"""Starts one execution under the given id."""


class WrongResult(Exception):
    """A contender did other work than it should."""


def contender(name: str, client: Client, begin: Begin, *, result: object, at_once: int = 1) -> Contender:
    """Somebody who runs an execution, or many at once, from start to result."""
    latest = ""

    async def once() -> None:
        nonlocal latest
        handle = await begin(str(uuid4()))
        latest = handle.id
        given = await handle.result()
        if given != result:
            raise WrongResult(f"{name} gave {given!r} instead of {result!r}")

    async def run() -> float:
        began = time.perf_counter()
        await asyncio.gather(*(once() for _ in range(at_once)))
        return time.perf_counter() - began

    async def facts() -> Facts:
        await asyncio.sleep(1)  # what has just closed is listed a moment later
        lengths = [run.history_length or 0 async for run in client.list_workflows(f"WorkflowId = '{latest}'")]
        return {"runs": len(lengths), "events": sum(lengths), "most events in a run": max(lengths)}

    return Contender(name, run, facts)
