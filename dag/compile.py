"""Compiles a checked definition to a plan: defaults filled in, edges numbered, branches and what is read found."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from pydantic import JsonValue

from dag.activity_type import Catalog, Traits
from dag.controls.words import Control
from dag.definition import Definition, Node
from dag.expressions import References
from dag.node import ERROR, Activity, Broken
from dag.node import Join as WrittenJoin
from dag.node import Retry as WrittenRetry
from dag.places import places
from dag.plan import Call, Join, Plan, PlanGraph, PlanNode, Retry, Sees, Template
from dag.reads import env_names, references, sees
from dag.scope import Graph
from dag.sites import Site
from dag.templates import scan
from dag.texts import Written, texts
from dag.wiring.branches import branches
from dag.wiring.wired import Wired

WITHOUT_OUTPUT = frozenset({"stop", "fail", "break", "continue"})
"""Types that are no end node of their graph."""
REPEATED = 3
"""Attempts of what may safely run twice, unless its author says otherwise."""

_OF_GRAPH = places(Graph)


def compile(definition: Definition, sites: Sequence[Site], *, version: int, catalog: Catalog) -> Plan:
    """Make the plan of a definition in which the checks found no error. Equal definitions give equal plans."""
    settings = definition.settings
    compiler = _Compiler(catalog)
    graph = compiler.graph(sites[0])
    return Plan(
        workflow=definition.name,
        version=version,
        graph=graph,
        title=definition.title,
        fail=settings.fail,
        timeout=_seconds(settings.timeout),
        priority=settings.priority,
        env=env_names(compiler.read),
    )


@dataclass(frozen=True)
class _Compiler:
    catalog: Catalog
    read: list[References] = field(default_factory=list[References])
    """What all expressions met so far read."""

    def graph(self, site: Site) -> PlanGraph:
        graph, wired = site.graph, site.wired
        joins = [_join(node) for node in graph.nodes.values()]
        partial = [join.count is not None for join in joins]
        within = branches(wired.edges, wired.outgoing, partial=partial, order=wired.backward)
        nodes = [
            self._node(id, node, site.texts[id], wired, join, branch)
            for (id, node), join, branch in zip(graph.nodes.items(), joins, within, strict=True)
        ]
        written = [*texts(graph, _OF_GRAPH)]
        return PlanGraph(
            nodes=tuple(nodes),
            edges=tuple(wired.edges),
            vars=scan(dict(graph.vars)) if graph.vars else None,
            vars_see=self._sees((one for one in written if one.path[0] == "vars"), wired),
            output=scan(graph.output) if graph.has_output else None,
            output_sees=self._sees((one for one in written if one.path[0] == "output"), wired),
            ends=tuple(_ends(nodes, wired)),
        )

    def _node(
        self, id: str, node: Node, written: Iterable[Written], wired: Wired, join: Join, branch: int | None
    ) -> PlanNode:
        assert not isinstance(node, Broken), "a definition with problems has no plan"
        written = [one for one in written if one.path[0] in ("when", "config")]
        markers = tuple(one.path[1:] for one in written if one.is_template)
        return PlanNode(
            id=id,
            type=node.type,
            title=node.title,
            join=join,
            when=node.when,
            config=Template(_config(node), markers),
            continue_on_error=node.continues_on_error,
            timeout=_seconds(node.timeout),
            call=self._call(node) if isinstance(node, Activity) else None,
            sees=self._sees(written, wired),
            branch=branch,
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
        )

    def _sees(self, written: Iterable[Written], wired: Wired) -> Sees:
        read = [*references(written)]
        self.read.extend(read)
        return sees(read, wired.place)


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


def _config(node: Control | Activity) -> JsonValue:
    """As it is written, or with the defaults of a control word; expressions and durations as text."""
    # A template may stand where a number is asked for, of which Pydantic would warn.
    return node.config if isinstance(node, Activity) else node.config.model_dump(by_alias=True, warnings=False)


def _ends(nodes: Sequence[PlanNode], wired: Wired) -> Iterator[int]:
    """The nodes of which nothing, or only `error`, is needed."""
    for number, node in enumerate(nodes):
        ports = {wired.edges[edge].port for edge in wired.outgoing[number]}
        if ports <= {ERROR} and node.type not in WITHOUT_OUTPUT:
            yield number


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
