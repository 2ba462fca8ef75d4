"""`python -m benchmarks`: measures side by side, and prints what it found as Markdown."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import uvloop

from benchmarks.case import Stage
from benchmarks.cases import CASES
from benchmarks.conditions import conditions
from benchmarks.measuring import Measured, measure
from benchmarks.processes import child
from benchmarks.report import markdown, write
from benchmarks.servers.temporal import temporal
from benchmarks.storage import KEYRING, FolderStorage
from runtime import namespace
from runtime.client import connect
from runtime.settings import Settings

OURS, BY_HAND = "ours", "by-hand"


async def main(asked: argparse.Namespace) -> None:
    """Run the cases that were asked for, one after the other."""
    cases = [case for case in CASES if not asked.case or case.name in asked.case]
    for case in cases:
        if case.prepare:
            await case.prepare()
    found = conditions(asked.repeat)
    with tempfile.TemporaryDirectory(prefix="perdure-benchmarks-") as folder:
        async with _stage(Path(folder)) as stage:
            measured = [await measure(case, stage, repeat=asked.repeat, tell=_tell) for case in cases]
    results = markdown(measured, found)
    print(f"\n{results}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(_raw(measured, found), indent=1))
    if asked.write:
        write(results)


@asynccontextmanager
async def _stage(folder: Path) -> AsyncGenerator[Stage]:
    payloads = folder / "payloads"
    payloads.mkdir()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(temporal(folder))
        for program, queue in (("interpreted", OURS), ("handwritten", BY_HAND)):
            command = [sys.executable, "-m", f"benchmarks.{program}.worker", address, queue, str(payloads)]
            await stack.enter_async_context(child(command, folder / f"{program}.log", speaks=True))
        settings = Settings.model_validate({"temporal_address": address})
        client = await connect(settings, storage=FolderStorage(payloads), keyring=KEYRING)
        await namespace.prepare(client)
        yield Stage(address, client, OURS, BY_HAND, folder)


def _raw(measured: Sequence[Measured], found: Sequence[str]) -> object:
    cases = {each.case.name: {"seconds": each.seconds, "facts": each.facts} for each in measured}
    return {"conditions": list(found), "cases": cases}


def _tell(line: str) -> None:
    print(line, flush=True)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--case", action="append", choices=[case.name for case in CASES], help="only this one; repeatable"
    )
    parser.add_argument("--repeat", type=int, default=7, help="repetitions; short cases take several samples in each")
    parser.add_argument("--json", type=Path, help="also write every sample into this file")
    parser.add_argument("--write", action="store_true", help="put the results into benchmarks/README.md")
    asked = parser.parse_args()
    if asked.write and asked.case:
        parser.error("the README shows all cases of one run: no --case with --write")
    return asked


async def _until_stopped(asked: argparse.Namespace) -> None:
    """SIGTERM ends a run as Ctrl-C does: everything that was started is ended first."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await main(asked)


if __name__ == "__main__":
    asked = _asked()
    status = 0
    try:
        uvloop.run(_until_stopped(asked))
    except (asyncio.CancelledError, KeyboardInterrupt):
        print("Stopped", file=sys.stderr)
        status = 1
    sys.stdout.flush()
    os._exit(status)  # the interpreter's own way out may crash while temporalio's threads end
