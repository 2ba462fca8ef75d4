"""Runs compensations, one at a time: each undoes what a node has done."""

from collections.abc import Callable

import orjson
from pydantic import JsonValue

from dag.errors import ErrorValue
from interpreter.compensation import Due
from interpreter.failures import dumped, fitting
from interpreter.instead import Instead
from interpreter.job import Computed, error_of
from interpreter.journal import Journal, Now, shown, shown_text
from interpreter.orders import Invoke, Order, invocation_of
from interpreter.reusable import Remember


class Undoing:
    """Knows which compensation runs, under a number of its own; says how it ended."""

    def __init__(
        self,
        number: int,
        journal: Journal,
        orders: list[Order],
        *,
        now: Now,
        ended: Callable[[Due, ErrorValue | None], None],
        remember: Remember | None,
    ):
        self._number = number
        self._journal = journal
        self._orders = orders
        self._now = now
        self._ended = ended
        self._remember = remember
        self._running: Due | None = None
        self.instead: Instead | None = None

    @property
    def is_busy(self) -> bool:
        """Whether one runs."""
        return self._running is not None

    def undo(self, due: Due) -> None:
        """Start a compensation."""
        self._running = due
        made = None if self.instead is None or due.error is not None else self.instead.undoes(due)
        mocked: dict[str, JsonValue] = {} if made is None else {"mocked": True}
        self._journal.say("node.started", due.own_path, {"type": due.type, **shown("config", due.config), **mocked})
        if due.error is not None:
            self.failed(due.error)
            return
        if made is not None:
            if made.kind == "fail":
                self.failed(error_of(made))
            else:
                self.succeeded(orjson.dumps(made.value))
            return
        deadline = None if due.timeout is None else self._now.time + due.timeout
        invocation = invocation_of(due.call, Computed("call", secrets=due.secrets), deadline, 0, round=due.round)
        if self.instead is not None:
            invocation = self.instead.marked(due.own_path, invocation)
        self._orders.append(
            Invoke(self._number, due.own_path, due.title, due.type, due.call, due.config, invocation, local=False)
        )

    def succeeded(self, output: bytes) -> None:
        """It has done what it was to do."""
        due = self._over()
        self._journal.say("node.succeeded", due.own_path, {**shown_text("output", output), "port": "out"})
        if self._remember is not None:
            self._remember.undone(due.path)
        self._ended(due, None)

    def failed(self, error: ErrorValue) -> None:
        """It could not."""
        due = self._over()
        node = due.path.rpartition(".")[2]
        self._journal.say(
            "node.failed", due.own_path, {"error": dumped(fitting(error.at(node, due.own_path))), "port": None}
        )
        self._ended(due, error)

    def _over(self) -> Due:
        assert self._running is not None, "what ends was running"
        due, self._running = self._running, None
        return due
