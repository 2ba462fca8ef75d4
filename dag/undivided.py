"""Finds the loops whose turns read variables that something else may set while they run: a batch would see them as they
were when it began."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set

from dag.controls.data import Set as SetNode
from dag.controls.loops import ForEach
from dag.places import Path, places
from dag.reads import references
from dag.scope import Graph
from dag.sites import Site
from dag.texts import Written, texts

_OF_GRAPH = places(Graph)

Variable = tuple[Site, str]
"""One that a graph declares."""
Setters = Mapping[int, Set[Path]]
"""Nodes of one graph that set a variable, by their place, each with the parts of it that do."""


def undivided(sites: Sequence[Site]) -> Set[tuple[Site, str]]:
    """Find the loops that must see such a variable as it is, by their graph and id."""
    if not any(isinstance(node, SetNode) for site in sites for _, node in site.nodes()):
        return frozenset()
    setters = _setters(sites)
    return {
        (site, id)
        for (site, id), read in _read_in_loops(sites).items()
        if any(_may_be_set(setters, variable, site, id) for variable in read)
    }


def _setters(sites: Sequence[Site]) -> Mapping[tuple[Variable, Site], Setters]:
    found: dict[tuple[Variable, Site], dict[int, set[Path]]] = defaultdict(lambda: defaultdict(set))
    for site in sites:
        for id, node in site.nodes():
            for name in node.config.values if isinstance(node, SetNode) else ():
                if (declarer := site.declarer(name)) is not None:
                    for around, holder, inside in site.ways_out(id, declarer):
                        found[(declarer, name), around][around.wired.place[holder]].add(inside)
    return found


def _read_in_loops(sites: Sequence[Site]) -> Mapping[tuple[Site, str], Set[Variable]]:
    """What is read within each loop whose turns run at once, of what is declared outside it."""
    found: dict[tuple[Site, str], set[Variable]] = defaultdict(set)
    for site in sites:
        for declarer, name in _read(site):
            for around in site.outward():
                if around is declarer:
                    break
                if isinstance(node := around.held_by, ForEach) and node.config.concurrency != 1:
                    assert around.parent is not None
                    found[around.parent, around.holder].add((declarer, name))
    return found


def _read(site: Site) -> Iterator[Variable]:
    written = [*texts(site.graph, _OF_GRAPH)]
    if site.parent is not None:  # first values come from what is around
        yield from _variables([one for one in written if one.path[0] == "vars"], site.parent)
    yield from _variables([one for one in written if one.path[0] != "vars"], site)
    for id, _ in site.nodes():
        yield from _variables(site.texts[id], site)


def _variables(written: Sequence[Written], site: Site) -> Iterator[Variable]:
    for read in references(written):
        if "vars" in read.roots:
            names = read.roots["vars"]
            every = (name for around in site.outward() for name in around.graph.vars)
            for name in every if names is None else names:
                if (declarer := site.declarer(name)) is not None:
                    yield declarer, name


def _may_be_set(setters: Mapping[tuple[Variable, Site], Setters], variable: Variable, loop_in: Site, loop: str) -> bool:
    for around, holder, inside in loop_in.ways_out(loop, variable[0]):
        here = setters.get((variable, around), {})
        place = around.wired.place[holder]
        if any(_may_run_beside(around, place, other) for other in here if other != place):
            return True
        if around.graph.nodes[holder].type == "parallel" and here.get(place, set[Path]()) - {inside}:
            return True
    return False


def _may_run_beside(site: Site, node: int, other: int) -> bool:
    """Nodes that need each other do not, unless one on the way does not wait for all that it needs."""
    if any(node.join != "all" for node in site.graph.nodes.values()):
        return True
    return not (site.wired.above[node] | site.wired.below[node]) >> other & 1
