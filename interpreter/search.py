"""The values of its own that an execution is found by."""

from dag.plan import Plan
from interpreter.computing import Computing
from interpreter.frames import Frame
from interpreter.job import Computed, Job
from interpreter.journal import Journal
from interpreter.view import View

SEARCH = -2
"""The number of what they are computed under."""


class SearchValues:
    """Computes them as the execution begins. What cannot be computed is told, and stops nothing."""

    def __init__(self, plan: Plan, view: View, computing: Computing, journal: Journal):
        self._plan = plan
        self._view = view
        self._computing = computing
        self._journal = journal

    def begin(self, root: Frame) -> None:
        """Compute them, if there are any."""
        if self._plan.search is None:
            return
        computed = self._computing.compute(
            SEARCH,
            Job("", self._plan.search),
            self._view.scope(root, self._plan.search_sees),
            path=f"{self._plan.workflow} search",
            title=None,
            salt=b"search",
            of_node=False,
        )
        if computed is not None:
            self.tell(computed)

    def tell(self, computed: Computed) -> None:
        """They have been computed."""
        self._journal.say("execution.search", data={"error" if computed.kind == "fail" else "values": computed.value})
