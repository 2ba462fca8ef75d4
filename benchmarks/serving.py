"""What the worker processes of both sides have in common: how they connect, say that they are ready, and end."""

import asyncio
import gc
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import uvloop
from temporalio.client import Client

from benchmarks.processes import READY
from benchmarks.storage import KEYRING, FolderStorage
from runtime.client import connect
from runtime.settings import Settings

Working = Callable[[Client, Settings], AbstractAsyncContextManager[object]]


def serve(working: Working) -> None:
    """Run a worker until the harness ends it, or is gone itself."""
    uvloop.run(_serve(working, *sys.argv[1:4]))


async def _serve(working: Working, address: str, queue: str, payloads: str) -> None:
    settings = Settings.model_validate({"temporal_address": address, "queue": queue})
    client = await connect(settings, storage=FolderStorage(Path(payloads)), keyring=KEYRING)
    async with working(client, settings):
        gc.collect()
        gc.freeze()  # as a worker does; on both sides
        print(READY, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        os._exit(0)  # the interpreter's own way out may crash while temporalio's threads end
