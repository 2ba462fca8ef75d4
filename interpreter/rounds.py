"""How often nodes have been begun anew, and what those that start executions go on with."""

import re

from pydantic import JsonValue

from dag.again import Again
from dag.sub_workflows import BEGIN
from interpreter.handing_down import child_argument
from interpreter.start import Carried

_FIRST = re.compile(r"[^.\[]*")


class Rounds:
    """Tells what nodes have begun in earlier attempts."""

    def __init__(self, at: Carried, again: Again | None):
        self._at = at
        self._again = again

    def of(self, path: str) -> int:
        """The attempt since which a node is not what had its effect before. It goes into its idempotency key; it is 1,
        unless the node, or the one of the document's own graph around it, was begun anew."""
        reuse = self._at.reuse
        if reuse is None or not reuse.rounds:
            return 1
        return max(reuse.rounds.get(path, 1), reuse.rounds.get(first_of(path), 1))

    def asked(self, activity: str, argument: JsonValue) -> JsonValue:
        """What one of Perdure's own activities is asked for. An execution that was started before is not started a
        second time: it goes on."""
        reuse = self._at.reuse
        argument = child_argument(self._at.steering, activity, argument)
        if activity != BEGIN or reuse is None or self._again is None or not isinstance(argument, dict):
            return argument
        attempt = reuse.children.get(str(argument["path"]))
        return argument if attempt is None else {**argument, "attempt": attempt, "again": self._again.by}


def first_of(path: str) -> str:
    """The node of the document's own graph that a path leads through."""
    found = _FIRST.match(path)
    assert found is not None
    return found[0]
