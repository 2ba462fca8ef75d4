"""The values of its own that an execution is found by."""

from dag.plan import Plan
from interpreter.computing import Computing
from interpreter.frames import Frame
from interpreter.job import Computed, Job
from interpreter.journal import Journal
from interpreter.orders import Evaluate
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
        job, scope = Job("", self._plan.search), self._view.scope(root, self._plan.search_sees)
        computed = self._computing.compute(job, scope, salt=b"search")
        if isinstance(computed, Computed):
            self.tell(computed)
        else:
            path = f"{self._plan.workflow} search"
            self._computing.send(Evaluate(SEARCH, path, None, of_node=False, job=job, scope=scope, moment=computed))

    def tell(self, computed: Computed) -> None:
        """They have been computed."""
        self._journal.say("execution.search", data={"error" if computed.kind == "fail" else "values": computed.value})
