"""Publishes a workflow and runs it once, where Temporal and a worker run: `python -m examples.run FILE [INPUT]`."""

import asyncio
import os
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import orjson
from pydantic import JsonValue
from temporalio.client import WorkflowFailureError

from activities import registry
from dag.checks.surroundings import Surroundings
from dag.documents import DocumentInvalid, read
from dag.inputs import InputInvalid, accepted
from dag.problems import Problem
from dag.publish import Published, Refused, publish
from interpreter.start import Start
from runtime import settings
from runtime.client import connect
from runtime.executions import start
from runtime.storage import MemoryStorage


async def main(text: bytes, given: JsonValue) -> None:
    """Publish, check the input, run; what is wrong is told, all of it at once."""
    catalog = registry.catalog(registry.load())
    try:
        document = read(text, format="yaml")
        version = publish(document, version=1, catalog=catalog, surroundings=Surroundings())
        tell(version.problems)
        if not isinstance(version, Refused):
            await run(version, accepted(given, version.definition.input))
    except (DocumentInvalid, InputInvalid) as wrong:
        tell(wrong.problems)


async def run(version: Published, input: JsonValue) -> None:
    """Start an execution and wait for its end."""
    found = settings.read()
    client = await connect(found, storage=MemoryStorage())
    begin, execution = Start(input=input), f"ex_{uuid.uuid4().hex}"
    handle = await start(client, version.plan, begin, tenant="example", execution=execution, queue=found.queue)
    print(f"{handle.id} has started")
    try:
        print(orjson.dumps(await handle.result(), option=orjson.OPT_INDENT_2).decode())
    except WorkflowFailureError as failure:
        print(f"failed: {failure.cause}")


def tell(problems: Sequence[Problem]) -> None:
    """Print what is wrong or doubtful."""
    for problem in problems:
        print(f"{problem.severity} at {problem.path or '/'}: {problem.message} {problem.hint or ''}".rstrip())


if __name__ == "__main__":
    given: JsonValue = orjson.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    asyncio.run(main(Path(sys.argv[1]).read_bytes(), given))
    sys.stdout.flush()
    os._exit(0)  # threads of temporalio that still run can crash the interpreter's own way out
