"""Nodes that are not run, since they have been: what they did before is taken over, by their paths.

What was done is found out by an activity when the execution begins. Outputs wait among the others, under numbers of
their own, until it is the turn of their nodes."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

import orjson
from pydantic import JsonValue

from dag.again import REUSE, Again, Wanted
from dag.errors import ErrorValue, PerdureError
from dag.events import EventType
from dag.invocation import USUAL
from dag.plan import PlanNode
from interpreter.compensation import Due
from interpreter.frames import Frame, Frames
from interpreter.frontier import Ending
from interpreter.instead import Instead
from interpreter.invoking import output_shown
from interpreter.journal import SHOWN_BYTES, Journal, Now
from interpreter.lasting import OURS
from interpreter.orders import Invoke, Order
from interpreter.outputs import Outputs, OutputsTooLarge
from interpreter.reusable import Remember, Reusable, reusable
from interpreter.settling import Settling
from interpreter.start import Carried, Kept, Reuse, Start
from interpreter.undoing import Undoing

REUSING = -7
"""The number of the activity that finds out."""
ROLLING_BACK = -8
"""The number of what is undone before anything runs."""
AT_THE_BEGINNING = frozenset({REUSING, ROLLING_BACK})
PATH = "execution.again"
"""What that activity is shown as in Temporal. No node has this path: there is none with a node inside called so."""
NEVER = frozenset({"stop", "break", "continue"})
"""They do nothing but end what is around them."""
STOPPED = ErrorValue(code="cancelled", message="Taking over what was done before was stopped.")
SAID: Mapping[str, EventType] = {
    "retry": "execution.retried",
    "rerun": "execution.rerun_of",
    "rollback": "execution.rolled_back",
}


class NotReused(PerdureError):
    """Outputs can be given only for nodes whose own ones would be taken over."""

    code = "rerun.not_reused"


class Reusing:
    """Takes over what was done, once what is in the way of it is undone."""

    def __init__(
        self,
        start: Start,
        at: Carried,
        frames: Frames,
        outputs: Outputs,
        journal: Journal,
        settling: Settling,
        orders: list[Order],
        *,
        now: Now,
        remember: Remember | None,
        go_on: Callable[[], None],
        fail: Callable[[ErrorValue], None],
        end: Callable[[Ending], None],
    ):
        self._again = start.again
        self._attempt = start.attempt
        self._is_batch = start.strand is not None
        self._at = at
        self._frames = frames
        self._outputs = outputs
        self._journal = journal
        self._settling = settling
        self._orders = orders
        self._undoing = Undoing(ROLLING_BACK, journal, orders, now=now, ended=self._undone, remember=remember)
        self._remember = remember
        self._go_on = go_on
        self._fail = fail
        self._end = end
        self._ends: Ending | None = None

    def rehearse(self, instead: Instead | None) -> None:
        """In a test, let what stands in for the world answer."""
        self._undoing.instead = instead

    @property
    def is_due(self) -> bool:
        """Whether it is to be found out what can be taken over."""
        return self._again is not None and not (self._at.reuse is not None and self._at.reuse.is_known)

    def find_out(self) -> None:
        """Ask for all that can be."""
        again = self._again
        assert again is not None
        if not self._is_batch:
            self._journal.say(SAID[again.kind], data=_said(again))
        elif not again.run:
            self._found(Reusable())
            return
        rounds = {} if self._at.reuse is None else self._at.reuse.rounds
        wanted = Wanted(PATH, again.kind, again.execution, again.run, self._attempt, again.anew, rounds)
        self._orders.append(Invoke(REUSING, PATH, None, REUSE, OURS, asdict(wanted), USUAL, local=False))

    def succeeded(self, number: int, text: bytes) -> None:
        """What was asked for has been done."""
        if number == ROLLING_BACK:
            self._undoing.succeeded(text)
        else:
            self._found(reusable(orjson.loads(text)))

    def failed(self, number: int, error: ErrorValue) -> None:
        """What was asked for could not be done."""
        if number == ROLLING_BACK:
            self._undoing.failed(error)
        else:
            self._fail(error)

    def cancelled(self, number: int) -> None:
        """What was asked for was stopped."""
        self.failed(number, STOPPED)

    def lasted(self) -> None:
        """Nothing here is a local activity."""

    def go_on(self) -> bool:
        """Undo what is next of what is undone before anything runs; false when nothing can be done now."""
        reuse = self._at.reuse
        if reuse is None or not reuse.undo or self._undoing.is_busy:
            return False
        self._undoing.undo(reuse.undo[-1])
        return True

    def ends(self, why: Ending) -> bool:
        """Whether the execution ends once what is being undone has been; nothing has run then."""
        if self._undoing.is_busy:
            self._ends = self._ends or why
        return self._undoing.is_busy

    def take(self, frame: Frame, place: int) -> bool:
        """It is a node's turn: whether it was taken over."""
        reuse = self._at.reuse
        if reuse is None:
            return False
        node, path = frame.graph.nodes[place], frame.path(place)
        kept = reuse.nodes.get(path)
        if kept is not None and kept.type == node.type:
            del reuse.nodes[path]
            self._take_over(frame, place, kept)
            return True
        if path in reuse.lost and _has_lost(frame, place, reuse):
            self._settling.cancelled(frame, place)
            return True
        return False

    def edited(self, frame: Frame, vars: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
        """The first values of a graph's variables, as they are to be."""
        if self._again is None or frame.parent is not None:
            return vars
        return {**vars, **self._again.vars}

    def _found(self, found: Reusable) -> None:
        again = self._again
        assert again is not None
        missing = [path for path in again.outputs if path not in found.nodes]
        if missing and not self._is_batch:
            self._fail(NotReused(f"These nodes have nothing to take over: {', '.join(missing)}.").value())
            return
        found = _edited(found, again.outputs)
        if self._remember is not None:
            self._remember.took_over(found)
        reuse = Reuse(
            is_known=True,
            lost=set(found.lost),
            due=found.due,
            undo=found.undo,
            children=dict(found.children),
            rounds={**({} if self._at.reuse is None else self._at.reuse.rounds), **found.rounds},
        )
        first = self._frames.reserve(len(found.nodes))
        try:
            for number, (path, done) in enumerate(found.nodes.items(), start=first):
                self._outputs.put(number, orjson.dumps(done.output))
                reuse.nodes[path] = Kept(done.type, done.port, number)
        except OutputsTooLarge as full:
            self._fail(full.value())
            return
        self._at.reuse = reuse
        if reuse.undo:
            self._journal.say("compensation.started", data={"due": len(reuse.undo)})
        else:
            self._begin(reuse)

    def _begin(self, reuse: Reuse) -> None:
        """From here on everything that was done and stays is undone should the execution fail."""
        self._frames.root.due.extend(reuse.due)
        reuse.due = []
        self._go_on()

    def _undone(self, _: Due, error: ErrorValue | None) -> None:
        reuse = self._at.reuse
        assert reuse is not None
        if error is None:
            reuse.undo.pop()
        if reuse.undo and error is None and self._ends is None:
            return
        self._journal.say("compensation.ended", data={"status": "failed" if error is not None else "done"})
        if self._ends is not None:
            reuse.undo.clear()
            self._end(self._ends)
        elif error is not None:
            reuse.undo.clear()
            self._fail(error)
        else:
            self._begin(reuse)

    def _take_over(self, frame: Frame, place: int, kept: Kept) -> None:
        node, number = frame.graph.nodes[place], frame.at.base + place
        text = self._outputs.text(kept.number)
        self._outputs.drop(kept.number)
        try:
            self._outputs.put(number, text)
        except OutputsTooLarge as full:
            self._settling.fail(frame, place, full.value())
            return
        value = self._outputs.value(number) if len(text) <= SHOWN_BYTES or node.type == "set" else None
        if node.type == "set":
            self._apply(frame, value)
        shown = output_shown(node, text, value)
        self._settling.succeed(frame, place, kept.port, {**shown, "type": node.type, "reused": True})

    def _apply(self, frame: Frame, values: JsonValue) -> None:
        """Set variables as they were set, but for those that are to be otherwise, or are no more."""
        assert isinstance(values, dict)
        assert self._again is not None
        for name, value in values.items():
            declarer = next((around for around in frame.outward() if name in around.declared), None)
            if declarer is not None and (declarer.parent is not None or name not in self._again.vars):
                declarer.at.vars[name] = value


def _edited(found: Reusable, outputs: Mapping[str, JsonValue]) -> Reusable:
    edits = {path: replace(found.nodes[path], output=output) for path, output in outputs.items() if path in found.nodes}
    return replace(found, nodes={**found.nodes, **edits}) if edits else found


def _said(again: Again) -> dict[str, JsonValue]:
    said: dict[str, JsonValue] = {"by": again.by, "reason": again.reason}
    match again.kind:
        case "retry":
            return said
        case "rerun":
            return {**said, "execution": again.execution, "from": [*again.nodes]}
        case "rollback":
            return {**said, "to": again.nodes[0]}


def _has_lost(frame: Frame, place: int, reuse: Reuse) -> bool:
    """Whether a join that a node leads to has been decided without it, and runs no more."""
    node: PlanNode = frame.graph.nodes[place]
    while node.branch is not None:
        node = frame.graph.nodes[frame.graph.edges[node.branch].target]
        if node.join.cancel_rest and frame.prefix + node.id in reuse.nodes:
            return True
    return False
