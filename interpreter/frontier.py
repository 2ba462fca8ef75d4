"""Which nodes of a graph may start, are skipped or are cancelled: decided from what has settled, with no I/O."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from dag.plan import PlanGraph

Status = Literal["pending", "clearing", "ready", "running", "waiting", "succeeded", "failed", "skipped", "cancelled"]
Fate = Literal["run", "skip", "fail"]
Ending = Literal["failed", "stopped", "cancelled", "timed_out", "broken", "continued"]

UNSTARTED = ("pending", "clearing", "ready")
STARTED = ("running", "waiting")
UNSETTLED: tuple[Status, ...] = (*UNSTARTED, *STARTED)


class Settled(NamedTuple):
    """How a node ended, and the port it emitted on, if any."""

    status: Literal["succeeded", "failed", "skipped", "cancelled"]
    port: str | None = None


SKIPPED = Settled("skipped")
CANCELLED = Settled("cancelled")
FAILED = Settled("failed")


@dataclass(slots=True)
class Changes:
    """What one settlement led to, besides nodes that became ready."""

    skipped: list[int] = field(default_factory=list[int])
    cancel: list[int] = field(default_factory=list[int])
    """Running nodes that must be asked to stop."""
    unsatisfiable: list[tuple[int, list[int]]] = field(default_factory=list[tuple[int, list[int]]])
    """Joins that failed, each with the failed nodes of its branches."""


NONE = Changes()
"""What most settlements lead to: made once, since every node settles."""


@dataclass(slots=True)
class Standing:
    """Where a graph stands. Everything here is carried over continue-as-new as it is."""

    status: list[Status]
    port: list[str | None]
    edges: list[Literal["open", "live", "dead"]]
    queue: list[int] = field(default_factory=list[int])
    failures: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """By join, the nodes whose failure failed one of its branches."""
    fates: dict[int, Fate] = field(default_factory=dict[int, Fate])
    """Decided joins that wait until the rest of their branches has settled."""
    cancelling: list[int] = field(default_factory=list[int])
    failed: int | None = None
    """The node whose failure is the graph's error."""
    ending: Ending | None = None
    """Why the graph ends before all its nodes had their turn."""

    @classmethod
    def of(cls, graph: PlanGraph) -> "Standing":
        """Nothing has happened yet."""
        size = len(graph.nodes)
        return cls(["pending"] * size, [None] * size, ["open"] * len(graph.edges))


class Frontier:
    """Runs joins, branches and dead paths over one graph. A step costs what it touches, not the size of the graph."""

    def __init__(self, graph: PlanGraph, standing: Standing, *, fail_fast: bool):
        self._graph = graph
        self._at = standing
        self._fail_fast = fail_fast
        self._queue = deque(standing.queue)
        self._cancelling = set(standing.cancelling)
        self._live = [0] * len(graph.nodes)
        self._open = [len(edges) for edges in graph.incoming]
        for number, state in enumerate(standing.edges):
            if state != "open":
                self._count(graph.edges[number].target, state)
        self._unsettled = sum(map(standing.status.count, UNSETTLED))
        self._closed: set[int] = set()
        """Branches in which everything has settled, so that no walk enters them again."""
        self._awaited_by: dict[int, list[int]] = {}
        """By running node, the decided joins that wait for it."""
        self._awaits: dict[int, int] = {}
        """By decided join, how many running nodes it waits for."""
        for join in standing.fates:
            self._await_rest(join, [n for n in self._unsettled_in_branches_of(join) if standing.status[n] in STARTED])
        self._work: deque[tuple[int, Settled]] = deque()
        self._readied: list[int] = []
        self._hopeless: deque[int] = deque()
        """Joins to be skipped, unless what else follows from the settlement fails one of their branches."""
        self._doomed: set[int] = set()
        self._unsatisfiable: set[int] = set()
        """Joins about to fail, unless they are skipped first with what is around them."""
        self._changes = Changes()

    def standing(self) -> Standing:
        """The state to carry on from."""
        self._at.queue = [node for node in self._queue if self._at.status[node] == "ready"]
        self._at.cancelling = sorted(self._cancelling)
        return self._at

    def begin(self) -> Changes:
        """Queue the nodes that need nothing."""
        for node, incoming in enumerate(self._graph.incoming):
            if not incoming:
                self._readied.append(node)
        return self._finish()

    def next(self) -> int | None:
        """The next node that may start, if any; it leaves the queue."""
        while self._queue:
            node = self._queue.popleft()
            if self._at.status[node] == "ready":
                return node
        return None

    def upcoming(self) -> Iterator[int]:
        """The nodes that may start, in their order."""
        return (node for node in self._queue if self._at.status[node] == "ready")

    def unread(self, node: int) -> None:
        """What `next` gave is to be given again, before the others."""
        self._queue.appendleft(node)

    def start(self, node: int) -> bool:
        """Start a node that may; false when it may not any more."""
        if self._at.status[node] != "ready":
            return False
        self._at.status[node] = "running"
        return True

    @property
    def has_ready(self) -> bool:
        """Whether nodes are in the queue."""
        return bool(self._queue)

    def put_back(self, node: int) -> None:
        """A node that was started cannot start yet."""
        self._at.status[node] = "ready"

    def wait(self, node: int) -> None:
        """A started node waits for a time, a person or an event."""
        self._at.status[node] = "waiting"

    def settle(self, node: int, how: Settled) -> Changes:
        """A started node has ended."""
        self._work.append((node, how))
        return self._finish()

    def clear(self, node: int) -> Changes:
        """Skip a node that has not started; one that has is asked to stop."""
        self._clear([node])
        return self._finish()

    def end(self, why: Ending) -> Changes:
        """Skip what has not started and cancel what runs. The first reason stays."""
        self._end(why)
        return self._finish()

    @property
    def done(self) -> bool:
        """Every node has settled."""
        return self._unsettled == 0

    @property
    def unsettled(self) -> int:
        """How many nodes have not settled."""
        return self._unsettled

    def is_cancelling(self, node: int) -> bool:
        """Whether a running node was asked to stop."""
        return node in self._cancelling

    def failure_of(self, node: int) -> Settled:
        """How a failure of this node settles it: on its `error` port, on `out`, or on none."""
        if node in self._graph.wired_errors:
            return Settled("failed", "error")
        return Settled("failed", "out") if self._graph.nodes[node].continue_on_error else FAILED

    def _finish(self) -> Changes:
        while self._work or self._hopeless:
            if self._work:
                self._settle(*self._work.popleft())
            elif self._at.status[join := self._hopeless.popleft()] == "pending" and join not in self._doomed:
                self._decide(join, "skip")
        if self._readied:
            ready = [node for node in self._readied if self._at.status[node] in ("pending", "clearing")]
            ready.sort()
            for node in ready:
                self._at.status[node] = "ready"
            self._queue.extend(ready)
            self._readied.clear()
        changes = self._changes
        if not (changes.skipped or changes.cancel or changes.unsatisfiable):
            return NONE
        self._changes = Changes()
        return changes

    def _settle(self, node: int, how: Settled) -> None:
        if self._at.status[node] not in UNSETTLED:
            return
        being_cancelled = node in self._cancelling
        if being_cancelled and how.status == "failed":
            how = FAILED  # recorded, but it changes nothing any more
        self._at.status[node] = how.status
        self._at.port[node] = how.port
        self._unsettled -= 1
        if how.status == "failed" and node in self._unsatisfiable:
            self._changes.unsatisfiable.append((node, self._at.failures[node]))
        if how.status == "skipped":
            self._changes.skipped.append(node)
        self._cancelling.discard(node)
        for join in self._awaited_by.pop(node, ()):
            self._awaits[join] -= 1
            if self._awaits[join] == 0:
                del self._awaits[join]
                self._carry_out(join)
        if how.status == "failed" and how.port is None and not being_cancelled:
            self._fail(node)
        for edge in self._graph.outgoing[node]:
            if self._at.edges[edge] == "open":
                emitted = how.port is not None and self._graph.edges[edge].port == how.port
                self._decide_edge(edge, "live" if emitted else "dead")

    def _fail(self, node: int) -> None:
        branch = self._graph.nodes[node].branch
        if branch is not None:
            self._fail_branch(branch, node)
            return
        if self._at.failed is None and self._at.ending is None:
            self._at.failed = node
        if self._fail_fast:
            self._end("failed")
        else:
            self._doom(node)

    def _end(self, why: Ending) -> None:
        if self._at.ending is None:
            self._at.ending = why
            self._clear(range(len(self._graph.nodes)))

    def _fail_branch(self, branch: int, node: int) -> None:
        join = self._graph.edges[branch].target
        self._at.failures.setdefault(join, []).append(node)
        self._clear(self._unsettled_in(branch))
        if self._at.edges[branch] == "open":
            self._decide_edge(branch, "dead")
        elif self._at.status[join] == "pending":
            self._look(join)

    def _doom(self, node: int) -> None:
        """Skip everything unstarted downstream of a failure."""
        stack = [node]
        while stack:
            for edge in self._graph.outgoing[stack.pop()]:
                target = self._graph.edges[edge].target
                if target not in self._doomed:
                    self._doomed.add(target)
                    stack.append(target)
                    if self._at.status[target] in UNSTARTED:
                        self._skip(target)

    def _decide_edge(self, edge: int, state: Literal["live", "dead"]) -> None:
        target = self._graph.edges[edge].target
        self._at.edges[edge] = state
        self._count(target, state)
        if self._at.status[target] == "pending":
            self._look(target)

    def _count(self, target: int, state: Literal["live", "dead"]) -> None:
        self._open[target] -= 1
        if state == "live":
            self._live[target] += 1

    def _look(self, node: int) -> None:
        """Decide a pending join as soon as its edges allow."""
        live, still_open, count = self._live[node], self._open[node], self._graph.nodes[node].join.count
        if count is None:
            if still_open == 0:
                self._decide(node, "run" if live else "skip")
        elif live >= count:
            self._decide(node, "run")
        elif live + still_open < count:
            if self._at.failures.get(node):
                self._decide(node, "fail")
            else:
                self._hopeless.append(node)

    def _decide(self, join: int, fate: Fate) -> None:
        self._at.status[join] = "clearing"
        if fate == "run" and not self._graph.nodes[join].join.cancel_rest:
            self._readied.append(join)  # as nearly always: there is nothing to be awaited
            return
        self._at.fates[join] = fate
        running: list[int] = []
        if self._graph.nodes[join].join.cancel_rest:
            running = self._clear(self._unsettled_in_branches_of(join))
        self._await_rest(join, running)

    def _await_rest(self, join: int, running: list[int]) -> None:
        if not running:
            self._carry_out(join)
            return
        self._awaits[join] = len(running)
        for node in running:
            self._awaited_by.setdefault(node, []).append(join)

    def _carry_out(self, join: int) -> None:
        match self._at.fates.pop(join, None):
            case "run":
                self._readied.append(join)
            case "skip":
                self._work.append((join, SKIPPED))
            case "fail":
                self._unsatisfiable.add(join)
                self._work.append((join, self.failure_of(join)))
            case None:  # skipped meanwhile
                pass

    def _clear(self, nodes: Iterable[int]) -> list[int]:
        """Skip what has not started and cancel what runs among `nodes`; say which run."""
        running: list[int] = []
        for node in nodes:
            status = self._at.status[node]
            if status in UNSTARTED:
                self._skip(node)
            elif status in STARTED:
                running.append(node)
                if node not in self._cancelling:
                    self._cancelling.add(node)
                    self._changes.cancel.append(node)
        return running

    def _skip(self, node: int) -> None:
        """Its turn to be settled comes; until then nothing else is decided about it."""
        self._at.status[node] = "clearing"
        self._at.fates.pop(node, None)
        self._work.append((node, SKIPPED))

    def _unsettled_in_branches_of(self, join: int) -> list[int]:
        return [node for edge in self._graph.incoming[join] for node in self._unsettled_in(edge)]

    def _unsettled_in(self, branch: int) -> list[int]:
        """What has not settled in a branch and those within it, in written order. What is settled is walked once."""
        found: list[int] = []
        entered: list[int] = []
        stack = [branch]
        while stack:
            edge = stack.pop()
            if edge in self._closed:
                continue
            entered.append(edge)
            for node in self._graph.members.get(edge, ()):
                if self._at.status[node] in UNSETTLED:
                    found.append(node)
                if self._graph.nodes[node].join.count is not None:
                    stack.extend(self._graph.incoming[node])
        for edge in reversed(entered):
            if self._is_closed(edge):
                self._closed.add(edge)
        return sorted(found)

    def _is_closed(self, branch: int) -> bool:
        return all(
            self._at.status[node] not in UNSETTLED
            and (
                self._graph.nodes[node].join.count is None
                or all(inner in self._closed for inner in self._graph.incoming[node])
            )
            for node in self._graph.members.get(branch, ())
        )
