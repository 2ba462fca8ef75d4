"""What expressions see of an execution: only what the compiler found that they read."""

from datetime import UTC, datetime

from pydantic import JsonValue

from dag.plan import Plan, Sees
from interpreter.outputs import Outputs
from interpreter.start import Carried, Start


class View:
    """Lays the values before expressions that they read, as they are at the time."""

    def __init__(self, id: str, start: Start, plan: Plan, at: Carried, outputs: Outputs):
        self._id = id
        self._start = start
        self._plan = plan
        self._at = at
        self._outputs = outputs

    def scope(self, sees: Sees) -> dict[str, JsonValue]:
        """Values by root."""
        scope: dict[str, JsonValue] = {root: self._root(root) for root in sees.roots}
        if sees.nodes:
            scope["nodes"] = {self._plan.graph.nodes[n].id: self._fields(n, fields) for n, fields in sees.nodes}
        return scope

    def _root(self, root: str) -> JsonValue:
        match root:
            case "input":
                return self._start.input
            case "vars":
                return dict(self._at.vars)
            case "env":
                return dict(self._start.env)
            case "execution":
                return self._execution()
            case _:
                raise AssertionError(f"the compiler lets through an unknown root: {root}")

    def _execution(self) -> dict[str, JsonValue]:
        return {
            "id": self._id,
            "workflow": self._plan.workflow,
            "version": self._plan.version,
            "started_at": iso(self._at.started_at),
            "trigger": self._start.trigger,
            "attempt": self._start.attempt,
        }

    def _fields(self, number: int, fields: tuple[str, ...]) -> dict[str, JsonValue]:
        seen: dict[str, JsonValue] = {}
        for field in fields:
            match field:
                case "output":
                    if self._at.standing.status[number] == "succeeded":
                        seen["output"] = self._outputs.value(number)
                case "status":
                    seen["status"] = public(self._at.standing.status[number])
                case "port":
                    seen["port"] = self._at.standing.port[number]
                case _:
                    error = self._at.errors.get(number)
                    seen["error"] = None if error is None else error.model_dump(mode="json")
        return seen


def public(status: str) -> str:
    """A status as people know it: how a join clears its branches is nobody's business."""
    return "pending" if status in ("clearing", "ready") else status


def iso(time: float) -> str:
    """A time as people write it, to the millisecond."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
