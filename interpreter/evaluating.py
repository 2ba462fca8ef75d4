"""Computes what nodes and graphs ask for, with what they see before it."""

from collections.abc import Mapping

import orjson
from pydantic import JsonValue

from dag.plan import Plan, Sees
from interpreter.computing import Computing
from interpreter.explaining import Asked
from interpreter.frames import Frame
from interpreter.job import Computed, Job
from interpreter.orders import Evaluate
from interpreter.reusable import Remember
from interpreter.settling import Settling
from interpreter.view import View

NO_NAMES: Mapping[str, JsonValue] = {}


class Evaluating:
    """Lays out what is seen, and has what takes long computed outside."""

    def __init__(
        self, plan: Plan, view: View, computing: Computing, settling: Settling, remember: Remember | None = None
    ):
        self._plan = plan
        self._view = view
        self._computing = computing
        self._settling = settling
        self._remember = remember

    def compute(
        self, frame: Frame, place: int, job: Job, sees: Sees, names: Mapping[str, JsonValue]
    ) -> Computed | None:
        """What comes of a job for a node, or for the graph itself; None: it is computed outside."""
        scope = self._view.scope(frame, sees)
        if names:
            scope.update(names)
        salt = _salt(frame, place, names)
        if self._remember is not None and place < frame.size:
            self._remember.computes(frame.path(place), lambda: self._asked(frame, place, job, sees, scope, salt))
        computed = self._computing.compute(job, scope, salt=salt)
        if isinstance(computed, Computed):
            return computed
        if place == frame.size:
            path = frame.prefix[:-1] or self._plan.workflow
            order = Evaluate(frame.itself, path, None, of_node=False, job=job, scope=scope, moment=computed)
        else:
            title, of_node = frame.node(place).title, self.is_starting(frame, place)
            order = Evaluate(frame.at.base + place, frame.path(place), title, of_node, job, scope, computed)
        self._computing.send(order)
        return None

    def _asked(
        self, frame: Frame, place: int, job: Job, sees: Sees, scope: Mapping[str, JsonValue], salt: bytes
    ) -> Asked:
        moment = self._computing.moment(salt)
        return Asked(frame.node(place).type, job, orjson.dumps(scope), moment, self._view.masks(frame, sees))

    def is_starting(self, frame: Frame, place: int) -> bool:
        """Whether what runs for a node is the node itself, and not something that is computed for its inside or end."""
        at = frame.at
        return place < frame.size and place not in at.held and at.base + place not in self._settling.promising


def _salt(frame: Frame, place: int, names: Mapping[str, JsonValue]) -> bytes:
    """Makes the chance of each computation its own: of each turn too."""
    if frame.parent is None and not names:
        itself = -2 if frame.at.begun else -1
        return (itself if place == frame.size else place).to_bytes(8, "big", signed=True)
    loop = names.get("loop")
    turn = loop.get("index") if isinstance(loop, dict) else ""
    return f"{frame.prefix}{place}.{frame.at.begun}.{turn}".encode()
