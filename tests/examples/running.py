"""Runs examples on the whole engine: a real Temporal server, a worker, and services on loopback that answer them."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import JsonValue
from temporalio.client import Client, WorkflowHandle

from dag.events import StepEvent
from dag.inputs import accepted
from interpreter.start import Start
from runtime.executions import start
from tests.activities.http_server import Request, json_reply, reply
from tests.examples.publishing import FOLDER, published
from tests.interpreter.engine import Ended, ended
from tests.interpreter.event_board import EventBoard
from tests.worker.attempts import Recorded


@dataclass
class Run:
    """How an example ended, and what was said on the way."""

    ended: Ended
    events: list[StepEvent]

    def status(self, path: str) -> str:
        """The last that was said of a node."""
        return [event.type for event in self.events if event.path == path][-1].partition(".")[2]


@dataclass
class Runner:
    client: Client
    board: EventBoard
    queue: str = field(default_factory=lambda: f"q-{uuid.uuid4().hex}")
    sink: Recorded = field(default_factory=Recorded)

    async def __call__(
        self, name: str, changes: Mapping[str, JsonValue] | None = None, env: Mapping[str, JsonValue] | None = None
    ) -> Run:
        """Run an example on its own input, with changes."""
        return await self.end(await self.begin(name, changes, env))

    async def begin(
        self, name: str, changes: Mapping[str, JsonValue] | None = None, env: Mapping[str, JsonValue] | None = None
    ) -> WorkflowHandle[Any, Any]:
        """Start an example on its own input, with changes."""
        version, id = published(name), f"ex_{uuid.uuid4().hex}"
        given: dict[str, JsonValue] = orjson.loads((FOLDER / f"{name}.input.json").read_bytes())
        begin = Start(input=accepted({**given, **(changes or {})}, version.definition.input), env=dict(env or {}))
        return await start(self.client, version.plan, begin, tenant="acme", execution=id, queue=self.queue)

    async def end(self, handle: WorkflowHandle[Any, Any]) -> Run:
        """Wait for the end of one that was started."""
        outcome, id = await ended(handle), handle.id.partition("/")[2]
        said = {event.n: event for event, _ in self.sink.steps if event.execution == id}
        return Run(outcome, [said[n] for n in sorted(said)])


def answering(answers: Mapping[str, bytes]) -> Callable[[Request, asyncio.StreamWriter], Awaitable[None]]:
    """A service that answers by path, and with 404 where it knows nothing."""

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answers.get(request.target.partition("?")[0], reply(404)))

    return answer


def body(value: object, status: int = 200, *headers: str) -> bytes:
    return json_reply(orjson.dumps(value), status, *headers)
