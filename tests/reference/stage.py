"""Activities that wait for their cue: they end when a test says so, as it says."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, RootModel
from temporalio import activity

from activities.activity_type import ActivityType
from activities.context import Context
from dag.activity_type import Traits
from dag.errors import PerdureError
from dag.strands import strand_id
from tests.reference.document import Document
from tests.reference.paths import node_at
from tests.reference.script import Acknowledges, Ending, Raises, Returns

PULSE = 0.01
"""Seconds between heartbeats of an actor that listens: on the answers to them a cancel travels."""


class Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    value: JsonValue = None


class Said(RootModel[JsonValue]):
    """Any output."""


class Cued(PerdureError):
    """It was its cue to fail."""

    def __init__(self, code: str):
        super().__init__()
        self.code = code


@dataclass
class Actor:
    """One node's activity, as the test directs it."""

    on_stage: asyncio.Event = field(default_factory=asyncio.Event)
    listens: asyncio.Event = field(default_factory=asyncio.Event)
    """It is about to be asked to stop. Until then it spares the server its heartbeats."""
    asked_to_stop: asyncio.Event = field(default_factory=asyncio.Event)
    cue: "asyncio.Future[Ending]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    entrances: int = 0


class Stage:
    """All actors, by execution and node."""

    def __init__(self, *, with_local: bool = True) -> None:
        self.with_local = with_local
        self._actors: defaultdict[tuple[str | None, str], Actor] = defaultdict(Actor)

    def actor(self, workflow_id: str, node: str) -> Actor:
        """The actor of a node, on stage or not yet."""
        return self._actors[workflow_id, node]

    def dismiss(self) -> None:
        """Nobody waits for a cue any more."""
        for actor in self._actors.values():
            if not actor.cue.done():
                actor.cue.set_result(Acknowledges())

    def local(self, document: Document, paths: Iterable[str] | None = None) -> set[str]:
        """Of some node runs, those that are local activities; without any, of those of the document's own graph."""
        among = document["nodes"] if paths is None else paths
        return {path for path in among if node_at(path, document)["type"] == "test.read" and self.with_local}

    @property
    def types(self) -> list[ActivityType[Any, Any]]:
        """`test.step` has effects, `test.read` has none, unless there are to be no local activities."""
        return [_type("test.step", self._run, effects=True), _type("test.read", self._run, effects=not self.with_local)]

    async def _run(self, part: Part, context: Context) -> Said:
        info = activity.info()
        whose = strand_id(info.workflow_id or "")
        actor = self._actors[f"{whose.tenant}/{whose.execution}", info.activity_id]
        actor.entrances += 1
        actor.asked_to_stop.clear()
        actor.on_stage.set()
        try:
            listening = asyncio.create_task(_listen(actor, context))
            try:
                await asyncio.shield(actor.cue)
            finally:
                listening.cancel()
        except asyncio.CancelledError:
            actor.asked_to_stop.set()
            if isinstance(await asyncio.shield(actor.cue), Acknowledges):
                raise
        match actor.cue.result():
            case Returns(output):
                return Said(output)
            case Raises(code):
                raise Cued(code)
            case Acknowledges():
                raise Cued("user.dismissed")


async def _listen(actor: Actor, context: Context) -> None:
    await actor.listens.wait()
    while True:
        context.heartbeat(None)
        await asyncio.sleep(PULSE)


def _type(name: str, run: Callable[[Part, Context], Any], *, effects: bool) -> ActivityType[Any, Any]:
    traits = Traits(effects=effects)
    return ActivityType(name, name, Part, Said, run, timedelta(minutes=5), traits=lambda _: traits)
