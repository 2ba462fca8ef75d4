"""Attempts at executions that take over what the one before has done, in a simulated world, without Temporal."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from pydantic import JsonValue

from dag.again import REUSE, Again, Wanted
from dag.events import StepEvent
from interpreter.execution import Execution
from interpreter.orders import Invoke
from tests.interpreter.alone import execution
from tests.interpreter.test_agreement_pure import Simulation
from tests.reference.document import Document
from tests.reference.script import Script
from worker.remembering import Memory, takes


class Attempt(Simulation):
    """One attempt. What it does is remembered, as a replay of it would."""

    def __init__(
        self,
        document: Document,
        script: Script,
        before: "Attempt | None" = None,
        *,
        again: Again | None = None,
        starts_before_pause: int | None = None,
    ):
        number = 1 if before is None or (again is not None and again.kind == "rerun") else before.memory.attempt + 1
        self.memory = Memory(number)
        self.before = before
        self.called: Counter[str] = Counter()
        """How often each activity was started, by path."""
        self.invoked: dict[str, Invoke] = {}
        super().__init__(document, script, starts_before_pause)
        if before is not None:
            again = again or Again("retry", "ex", "run", "key:test")
            self.start = replace(self.start, attempt=number, again=again)
            self.execution = self._execution()

    def _carry_out(self) -> None:
        asked = [order for order in self.execution.orders if isinstance(order, Invoke)]
        self.execution.orders[:] = [o for o in self.execution.orders if not (isinstance(o, Invoke) and o.type == REUSE)]
        for order in asked:
            if order.type != REUSE:
                self.called[order.path] += 1
                self.invoked[order.path] = order
        super()._carry_out()
        for order in asked:
            if order.type == REUSE:
                assert self.before is not None
                assert isinstance(order.config, dict)
                wanted: Any = {**order.config, "anew": tuple(order.config["anew"])}  # pyright: ignore[reportArgumentType]
                found = takes(self.before.memory, Wanted(**wanted))
                self.execution.succeeded(order.number, orjson.dumps(found))
                self._carry_out()

    def _execution(self, before: Execution | None = None) -> Execution:
        return execution(self.plan, self.start, now=self.now, emit=self._said, before=before, remember=self.memory)

    def _said(self, event: StepEvent, replaying: bool) -> None:  # noqa: FBT001 as an Emit
        super()._said(event, replaying)
        self.memory.step(event, replaying)

    def told(self, type: str) -> Mapping[str, Mapping[str, JsonValue]]:
        """What events of one type say, by path."""
        return {event.path: event.data for event in self.events if event.type == type and isinstance(event.data, dict)}

    @property
    def reused(self) -> set[str]:
        """The nodes that were taken over."""
        return {path for path, data in self.told("node.succeeded").items() if data.get("reused")}

    @property
    def ran(self) -> set[str]:
        """The activities that have succeeded by running."""
        return {path for path in self.told("node.succeeded") if path in self.called and path not in self.reused}


def ended(attempt: Attempt) -> Attempt:
    attempt.to_its_end()
    return attempt
