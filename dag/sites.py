"""Every graph of a definition in its place, with the names that loops and `catch` bind around it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dag.checks.names import Fields, bound_in_body
from dag.definition import Definition, Node
from dag.node import Broken
from dag.places import Path, places_of
from dag.scope import Graph
from dag.texts import Written, texts
from dag.wiring.wired import Wired, wire


@dataclass(frozen=True, eq=False)
class Site:
    """A graph where it stands. The document's own has no parent."""

    path: Path
    graph: Graph
    parent: "Site | None" = None
    holder: str = ""
    """The node of the parent that holds this graph."""
    inside: Path = ()
    """Where in the holder it stands."""
    names: Mapping[str, Fields] = field(default_factory=dict[str, Fields])
    """What loops and `catch` around it bind, with the fields of each."""

    @cached_property
    def wired(self) -> Wired:
        """Its edges."""
        return wire(self.graph)

    @cached_property
    def unread(self) -> int:
        """The bits of nodes of which not all edges could be read."""
        broken = (isinstance(node, Broken) and not node.edges_read for node in self.graph.nodes.values())
        return sum(1 << number for number, unread in enumerate(broken) if unread)

    @cached_property
    def texts(self) -> Mapping[str, tuple[Written, ...]]:
        """The expressions and templates of each node."""
        return {id: tuple(texts(node, places_of(node))) for id, node in self.nodes()}

    def outward(self) -> "Iterator[Site]":
        """This graph, then those around it."""
        site: Site | None = self
        while site is not None:
            yield site
            site = site.parent

    def ways_out(self, id: str, last: "Site") -> "Iterator[tuple[Site, str, Path]]":
        """The graphs from a node out to `last`: each with the node in it that leads here, and by what part of it."""
        holder, inside = id, ()
        for around in self.outward():
            yield around, holder, inside
            if around is last:
                return
            holder, inside = around.holder, around.inside

    def declarer(self, variable: str) -> "Site | None":
        """The nearest graph that declares a variable."""
        return next((site for site in self.outward() if variable in site.graph.vars), None)

    def at(self, id: str, *rest: str | int) -> Path:
        """The path of a node here, or of something in it."""
        return (*self.path, "nodes", id, *rest)

    @property
    def held_by(self) -> Node | None:
        """The node that holds this graph."""
        return None if self.parent is None else self.parent.graph.nodes[self.holder]

    def nodes(self) -> Iterator[tuple[str, Node]]:
        """The nodes by id, in written order."""
        yield from self.graph.nodes.items()


def sites(definition: Definition) -> list[Site]:
    """Every graph, an enclosing one before those inside it."""
    found: dict[Path, Site] = {}
    for scope in definition.graphs():
        if not scope.enclosing:
            found[scope.path] = Site(scope.path, scope.graph)
            continue
        around, holder = scope.enclosing[-1]
        parent = found[around.path]
        inside = scope.path[len(around.path) + 2 :]
        names = {**parent.names, **bound_in_body(parent.graph.nodes[holder], inside)}
        found[scope.path] = Site(scope.path, scope.graph, parent, holder, inside, names)
    return list(found.values())
