"""What expressions see of an execution: only what the compiler found that they read."""

from itertools import islice

from pydantic import JsonValue

from dag.plan import Plan, Sees
from interpreter.frames import Frame
from interpreter.outputs import Outputs
from interpreter.start import Carried, Start
from interpreter.times import iso


class View:
    """Lays the values before expressions that they read, as they are at the time."""

    def __init__(self, id: str, start: Start, plan: Plan, at: Carried, outputs: Outputs):
        self._id = id
        self._start = start
        self._plan = plan
        self._at = at
        self._outputs = outputs

    def scope(self, frame: Frame, sees: Sees) -> dict[str, JsonValue]:
        """Values by root, as a node of the frame sees them."""
        scope: dict[str, JsonValue] = {root: self._root(root, frame) for root in sees.roots}
        if sees.nodes or sees.around:
            nodes = {frame.node(place).id: self._fields(frame, place, fields) for place, fields in sees.nodes}
            for level, place, fields in sees.around:
                around = next(islice(frame.outward(), level, None))
                nodes[around.node(place).id] = self._fields(around, place, fields)
            scope["nodes"] = nodes
        return scope

    def masks(self, frame: Frame, sees: Sees) -> dict[str, tuple[str, ...]]:
        """What is masked of the outputs that are seen, by node."""
        seen = [frame.node(place) for place, _ in sees.nodes]
        seen += [next(islice(frame.outward(), level, None)).node(place) for level, place, _ in sees.around]
        return {node.id: node.call.mask for node in seen if node.call is not None and node.call.mask}

    def _root(self, root: str, frame: Frame) -> JsonValue:
        match root:
            case "input":
                return self._start.input
            case "vars":
                return frame.variables()
            case "env":
                return dict(self._start.env)
            case "execution":
                return self._execution()
            case _:
                return next(around.at.names[root] for around in frame.outward() if root in around.at.names)

    def _execution(self) -> dict[str, JsonValue]:
        return {
            "id": self._id,
            "workflow": self._plan.workflow,
            "version": self._plan.version,
            "started_at": iso(self._at.started_at),
            "trigger": self._start.trigger,
            "attempt": self._start.attempt,
        }

    def _fields(self, frame: Frame, place: int, fields: tuple[str, ...]) -> JsonValue:
        seen: dict[str, JsonValue] = {}
        for field in fields:
            match field:
                case "output":
                    number = frame.at.base + place
                    # A batch has of the graphs around it what its turns read; a breakpoint's condition may read more.
                    if frame.at.standing.status[place] == "succeeded" and number in self._outputs:
                        seen["output"] = self._outputs.value(number)
                case "status":
                    seen["status"] = public(frame.at.standing.status[place])
                case "port":
                    seen["port"] = frame.at.standing.port[place]
                case _:
                    error = frame.at.errors.get(place)
                    seen["error"] = None if error is None else error.model_dump(mode="json")
        return seen


def public(status: str) -> str:
    """A status as people know it: how a join clears its branches is nobody's business."""
    return "pending" if status in ("clearing", "ready") else status
