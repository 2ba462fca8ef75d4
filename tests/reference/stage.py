"""Activities that wait for their cue: they end when a test says so, as it says."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, RootModel

from activities.activity_type import ActivityType
from activities.context import Context
from dag.activity_type import Traits
from dag.errors import PerdureError
from tests.reference.script import Acknowledges, Ending, Raises, Returns
from worker.adapter import KEYS

PULSE = 0.02
"""Seconds between heartbeats, on the answers to which a cancel travels."""


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
    asked_to_stop: asyncio.Event = field(default_factory=asyncio.Event)
    cue: "asyncio.Future[Ending]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    entrances: int = 0


class Stage:
    """All actors, by execution and node."""

    def __init__(self) -> None:
        self._actors: defaultdict[str, Actor] = defaultdict(Actor)

    def actor(self, workflow_id: str, node: str) -> Actor:
        """The actor of a node, on stage or not yet."""
        return self._actors[str(uuid.uuid5(KEYS, f"{workflow_id}\n{node}"))]

    @property
    def types(self) -> list[ActivityType[Any, Any]]:
        """`test.step` has effects, `test.read` has none; neither may be tried again."""
        return [_type("test.step", self._run, effects=True), _type("test.read", self._run, effects=False)]

    async def _run(self, part: Part, context: Context) -> Said:
        actor = self._actors[context.idempotency_key]
        actor.entrances += 1
        actor.asked_to_stop.clear()
        actor.on_stage.set()
        try:
            while not actor.cue.done():
                context.heartbeat(None)
                await asyncio.wait([actor.cue], timeout=PULSE)
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
                raise AssertionError("nobody asked it to stop")


def _type(name: str, run: Callable[[Part, Context], Any], *, effects: bool) -> ActivityType[Any, Any]:
    traits = Traits(effects=effects)
    return ActivityType(name, name, Part, Said, run, timedelta(minutes=5), traits=lambda _: traits)
