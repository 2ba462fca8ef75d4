"""A version compiled for running: everything resolved, nothing left to look up. Immutable and content-hashed."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, NamedTuple

import orjson
from pydantic import JsonValue, TypeAdapter

from dag.paths import MOST, Path, path_in

Pointer = tuple[str | int, ...]
Tree = dict[str | int, "Tree"]


class Edge(NamedTuple):
    """Leads from a port of one node to another node; nodes by their place in the written order."""

    source: int
    port: str
    target: int


@dataclass(frozen=True)
class Join:
    """How many live edges a node waits for: all that can come (None), or the first `count`."""

    count: int | None = None
    cancel_rest: bool = False


@dataclass(frozen=True)
class Template:
    """A JSON value and the places in it of strings that hold `${{ … }}` (dag/templates.py renders it)."""

    value: JsonValue = None
    places: tuple[Pointer, ...] = ()

    @cached_property
    def tree(self) -> "Tree":
        """The places, by the steps that lead to them."""
        tree: Tree = {}
        for place in self.places:
            branch = tree
            for step in place:
                branch = branch.setdefault(step, {})
        return tree

    @cached_property
    def paths(self) -> Mapping[str, Path] | None:
        """Where the values of an object's markers are, by key, if each is the whole of an item and only names a value:
        nearly all are so. None: there is more to it, or nothing."""
        value = self.value
        if not isinstance(value, dict) or not 0 < len(self.places) <= MOST:
            return None
        paths = {str(place[0]): path_in(value[str(place[0])]) for place in self.places if len(place) == 1}
        return paths if len(paths) == len(self.places) and all(paths.values()) else None


@dataclass(frozen=True)
class Sees:
    """What expressions read, found by the compiler, so that only that is laid before them."""

    roots: tuple[str, ...] = ()
    """`input`, `vars`, `env`, `execution`, and what loops and `catch` around bind; not `nodes`, nor names that a type
    binds itself (`item`, `index`, …)."""
    nodes: tuple[tuple[int, tuple[str, ...]], ...] = ()
    """Places of nodes, each with the fields read of it: `output`, `status`, `port`, `error`."""
    around: tuple[tuple[int, int, tuple[str, ...]], ...] = ()
    """The same of nodes in graphs around, with how many levels up they are."""


@dataclass(frozen=True)
class Retry:
    """When a failed attempt is tried again, and how soon; times in seconds."""

    max_attempts: int = 1
    initial: float = 1.0
    factor: float = 2.0
    max: float = 60.0
    when: str | None = None
    never: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cache:
    """Reuse of an output that was stored before."""

    ttl: float
    key: str | None = None
    """An expression; among what the node sees."""


@dataclass(frozen=True)
class Call:
    """What only activity nodes have."""

    effects: bool
    """False: may run as a local activity, and again after a crash."""
    retry: Retry
    attempt_timeout: float
    own_timeout: bool = False
    """Whether the node says so itself; else its type does, as the worker knows too."""
    queue: str | None = None
    mask: tuple[str, ...] = ()
    cache: Cache | None = None


@dataclass(frozen=True)
class Compensation:
    """The activity that undoes a node."""

    type: str
    config: Template
    call: Call
    timeout: float | None = None
    sees: Sees = Sees()
    """Of its config, besides the node's `output`."""


@dataclass(frozen=True)
class PlanNode:
    """One step, with its type's defaults filled in."""

    id: str
    type: str
    title: str | None = None
    join: Join = Join()
    when: str | None = None
    config: Template = Template()
    """Of a control word with its defaults filled in; fields that are expressions are bare text and no template."""
    continue_on_error: bool = False
    timeout: float | None = None
    call: Call | None = None
    """None: a control word, run inside the interpreter."""
    sees: Sees = Sees()
    """Of `when` and all of `config`."""
    branch: int | None = None
    """The innermost branch this node is in, named by its edge into the any/count join."""
    graphs: "Mapping[str, PlanGraph]" = field(default_factory=dict[str, "PlanGraph"])
    """The graphs inside: `body`, `catch[0]`, `finally`, or branches by name, in written order."""
    compensate: Compensation | None = None
    undivided: bool = False
    """A loop that never runs in batches: variables that its turns read may be set while it runs."""


@dataclass(frozen=True)
class PlanGraph:
    """Nodes in written order, the edges between them (by target, in the order of `needs`), variables and output."""

    nodes: tuple[PlanNode, ...]
    edges: tuple[Edge, ...] = ()
    vars: Template | None = None
    vars_see: Sees = Sees()
    output: Template | None = None
    output_sees: Sees = Sees()
    ends: tuple[int, ...] = ()
    """Nodes whose outputs make the graph's output when none is written."""

    @cached_property
    def incoming(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the edges that lead to it."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, edge in enumerate(self.edges):
            found[edge.target].append(number)
        return tuple(map(tuple, found))

    @cached_property
    def outgoing(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the edges that leave it, in the written order of their targets."""
        found: list[list[int]] = [[] for _ in self.nodes]
        for number, edge in enumerate(self.edges):
            found[edge.source].append(number)
        return tuple(map(tuple, found))

    @cached_property
    def members(self) -> Mapping[int, tuple[int, ...]]:
        """For each branch, by its edge, the nodes whose innermost branch it is."""
        found: dict[int, list[int]] = {}
        for number, node in enumerate(self.nodes):
            if node.branch is not None:
                found.setdefault(node.branch, []).append(number)
        return {branch: tuple(nodes) for branch, nodes in found.items()}

    @cached_property
    def wired_errors(self) -> frozenset[int]:
        """The nodes whose `error` port leads somewhere."""
        return frozenset(edge.source for edge in self.edges if edge.port == "error")

    @cached_property
    def wired_ports(self) -> frozenset[tuple[int, str]]:
        """The ports that lead somewhere."""
        return frozenset((edge.source, edge.port) for edge in self.edges)

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where each node stands in the written order, by its id."""
        return {node.id: number for number, node in enumerate(self.nodes)}


@dataclass(frozen=True)
class Concurrency:
    """How many executions of the workflow run at once, and what becomes of one more."""

    limit: int
    on_limit: Literal["queue", "reject", "replace"] = "queue"
    key: Template | None = None
    """As the config of a `transform`: those with equal keys count together."""
    key_sees: Sees = Sees()


@dataclass(frozen=True)
class Plan:
    """What one execution of one version runs."""

    workflow: str
    version: int
    graph: PlanGraph
    title: str | None = None
    fail: Literal["fast", "wait"] = "fast"
    on_failure: str | None = None
    """The workflow that is told of failures."""
    timeout: float | None = None
    priority: int = 3
    search: Template | None = None
    """Values that the execution is found by."""
    search_sees: Sees = Sees()
    concurrency: Concurrency | None = None
    env: tuple[str, ...] = ()
    """The names of the tenant's settings that expressions read; `*` alone where one reads them as a whole."""

    @cached_property
    def hash(self) -> str:
        """Equal plans have equal hashes; the order of keys counts."""
        return hashlib.sha256(encode(self)).hexdigest()

    @cached_property
    def text(self) -> bytes:
        """As JSON. Every start needs it, and writing a large plan takes milliseconds."""
        return _PLAN.dump_json(self, exclude_defaults=True)


_PLAN = TypeAdapter(Plan)


def encode(plan: Plan) -> bytes:
    """Write a plan as JSON, the same bytes every time."""
    return plan.text


def decode(text: bytes) -> Plan:
    """Read what `encode` wrote."""
    # Pydantic's own reader gives up at 200 levels; a document may have more.
    return _PLAN.validate_python(orjson.loads(text))
