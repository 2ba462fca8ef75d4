"""Compiles a checked definition to a plan: defaults filled in, edges numbered, branches and what is read found."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import JsonValue

from dag.activity_type import Catalog, Traits
from dag.controls.reaching import Workflow
from dag.controls.words import Control
from dag.definition import Definition, Node
from dag.expressions import References
from dag.node import ERROR, Activity, Broken
from dag.node import Join as WrittenJoin
from dag.node import Retry as WrittenRetry
from dag.places import Path, places
from dag.plan import Cache, Call, Compensation, Concurrency, Join, Plan, PlanGraph, PlanNode, Retry, Sees, Template
from dag.reads import env_names, references, sees
from dag.scope import Graph
from dag.sites import Site
from dag.templates import scan
from dag.texts import Written, texts
from dag.undivided import undivided
from dag.wiring.branches import branches
from dag.wiring.wired import Wired

WITHOUT_OUTPUT = frozenset({"stop", "fail", "break", "continue"})
"""Types that are no end node of their graph."""
REPEATED = 3
"""Attempts of what may safely run twice, unless its author says otherwise."""

GRAPHS_IN_CONFIG = {"body": True, "branches": True, "finally_": True, "catch": {"__all__": {"body"}}}
"""Where configs hold graphs, which are compiled on their own."""

_OF_SEARCH = tuple(place for place in places(Definition) if place.pattern[:2] == ("settings", "search"))
_OF_KEY = tuple(place for place in places(Definition) if place.pattern[:2] == ("settings", "concurrency"))
_OF_GRAPH = places(Graph)
NO_WORKFLOWS: Mapping[str, int] = {}


def compile(
    definition: Definition,
    sites: Sequence[Site],
    *,
    version: int,
    catalog: Catalog,
    newest: Mapping[str, int] = NO_WORKFLOWS,
) -> Plan:
    """Make the plan of a definition in which the checks found no error. Equal definitions give equal plans. `newest`
    has the version that is started of each workflow where a node does not say."""
    settings = definition.settings
    inner: dict[Site, list[Site]] = {}
    for site in sites:
        if site.parent is not None:
            inner.setdefault(site.parent, []).append(site)
    compiler = _Compiler(catalog, inner, newest, undivided(sites))
    graph = compiler.graph(sites[0])
    return Plan(
        workflow=definition.name,
        version=version,
        graph=graph,
        title=definition.title,
        fail=settings.fail,
        timeout=_seconds(settings.timeout),
        priority=settings.priority,
        on_failure=None if settings.on_failure is None else settings.on_failure.workflow,
        search=scan(dict(settings.search)) if settings.search else None,
        search_sees=compiler.seen(texts(definition, _OF_SEARCH), sites[0]),
        concurrency=compiler.concurrency(definition, sites[0]),
        env=env_names(compiler.read),
    )


@dataclass(frozen=True)
class _Compiler:
    catalog: Catalog
    inner: Mapping[Site, Sequence[Site]]
    """By graph, those that its nodes hold."""
    newest: Mapping[str, int]
    undivided: Set[tuple[Site, str]]
    read: list[References] = field(default_factory=list[References])
    """What all expressions met so far read."""

    def concurrency(self, definition: Definition, root: Site) -> Concurrency | None:
        written = definition.settings.concurrency
        if written is None:
            return None
        return Concurrency(
            limit=written.limit,
            on_limit=written.on_limit,
            key=None if written.key is None else Template({"expression": written.key}),
            key_sees=self.seen(texts(definition, _OF_KEY), root),
        )

    def graph(self, site: Site) -> PlanGraph:
        graph, wired = site.graph, site.wired
        joins = [_join(node) for node in graph.nodes.values()]
        partial = [join.count is not None for join in joins]
        within = branches(wired.edges, wired.outgoing, partial=partial, order=wired.backward)
        held: dict[str, dict[str, PlanGraph]] = {}
        for inner in self.inner.get(site, ()):
            held.setdefault(inner.holder, {})[part(inner.inside)] = self.graph(inner)
        nodes = [
            self._node(id, node, site, join, branch, held.get(id, {}))
            for (id, node), join, branch in zip(graph.nodes.items(), joins, within, strict=True)
        ]
        written = [*texts(graph, _OF_GRAPH)]
        return PlanGraph(
            nodes=tuple(nodes),
            edges=tuple(wired.edges),
            vars=scan(dict(graph.vars)) if graph.vars else None,
            vars_see=self.seen((one for one in written if one.path[0] == "vars"), site),
            output=scan(graph.output) if graph.has_output else None,
            output_sees=self.seen((one for one in written if one.path[0] == "output"), site),
            ends=tuple(_ends(nodes, wired)),
        )

    def _node(
        self, id: str, node: Node, site: Site, join: Join, branch: int | None, graphs: Mapping[str, PlanGraph]
    ) -> PlanNode:
        assert not isinstance(node, Broken), "a definition with problems has no plan"
        written = [one for one in site.texts[id] if one.path[0] in ("when", "config", "cache")]
        markers = tuple(one.path[1:] for one in written if one.is_template and one.path[0] == "config")
        return PlanNode(
            id=id,
            type=node.type,
            title=node.title,
            join=join,
            when=node.when,
            config=Template(_config(node, self.newest), markers),
            continue_on_error=node.continues_on_error,
            timeout=_seconds(node.timeout),
            call=self._call(node) if isinstance(node, Activity) else None,
            sees=self.seen(written, site),
            branch=branch,
            graphs=graphs,
            compensate=self._compensation(id, node, site),
            undivided=(site, id) in self.undivided,
        )

    def _compensation(self, id: str, node: Control | Activity, site: Site) -> Compensation | None:
        written = node.compensate if isinstance(node, Activity | Workflow) else None
        if written is None:
            return None
        spec = self.catalog[written.type]
        traits = spec.traits(written.config)
        call = Call(
            effects=True,  # it is there for its effect, and a normal activity is the one that is done once
            retry=_retry(written.retry or WrittenRetry(), traits),
            attempt_timeout=spec.timeout.total_seconds(),
        )
        reads = [one for one in site.texts[id] if one.path[:2] == ("compensate", "config")]
        return Compensation(
            written.type, scan(dict(written.config)), call, _seconds(written.timeout), self.seen(reads, site)
        )

    def _call(self, node: Activity) -> Call:
        spec = self.catalog[node.type]
        traits = spec.traits(node.config)
        return Call(
            effects=traits.effects,
            retry=_retry(node.retry or WrittenRetry(), traits),
            attempt_timeout=(node.attempt_timeout or spec.timeout).total_seconds(),
            own_timeout=node.attempt_timeout is not None,
            queue=node.queue,
            mask=tuple(node.mask),
            cache=None if node.cache is None else Cache(node.cache.ttl.total_seconds(), node.cache.key),
        )

    def seen(self, written: Iterable[Written], site: Site) -> Sees:
        """What several expressions of a graph read."""
        read = [*references(written)]
        self.read.extend(read)
        return sees(read, site)


def part(inside: Path) -> str:
    """The name of a graph within its node, by where in the node it stands."""
    match inside:
        case ("config", "branches", name):
            return str(name)
        case ("config", "catch", number, "body"):
            return f"catch[{number}]"
        case _:
            return str(inside[1])


def _join(node: Node) -> Join:
    match node.join:
        case "all":
            return Join()
        case "any":
            return Join(1, cancel_rest=True)
        case WrittenJoin(count=count, rest=rest):
            return Join(count, cancel_rest=rest == "cancel")


def _retry(written: WrittenRetry, traits: Traits) -> Retry:
    plain = Retry()
    return Retry(
        max_attempts=written.max_attempts or (REPEATED if traits.repeatable else 1),
        initial=plain.initial if written.initial is None else written.initial.total_seconds(),
        factor=plain.factor if written.factor is None else float(written.factor),
        max=plain.max if written.max is None else written.max.total_seconds(),
        when=written.when,
        never=tuple(written.never),
    )


def _config(node: Control | Activity, newest: Mapping[str, int]) -> JsonValue:
    """As it is written, or with the defaults of a control word; expressions and durations as text."""
    if isinstance(node, Activity):
        return node.config
    # A template may stand where a number is asked for, of which Pydantic would warn.
    config = node.config.model_dump(by_alias=True, warnings=False, exclude=GRAPHS_IN_CONFIG)
    if isinstance(node, Workflow) and node.config.version is None:
        config["version"] = newest.get(node.config.name)
    return config


def _ends(nodes: Sequence[PlanNode], wired: Wired) -> Iterator[int]:
    """The nodes of which nothing, or only `error`, is needed."""
    for number, node in enumerate(nodes):
        ports = {wired.edges[edge].port for edge in wired.outgoing[number]}
        if ports <= {ERROR} and node.type not in WITHOUT_OUTPUT:
            yield number


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
