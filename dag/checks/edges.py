"""Checks edges and joins: they lead from a port that is there, each stands once, and none leads in a circle."""

from collections.abc import Iterator

from dag.checks.guessing import Guess
from dag.definition import Node
from dag.node import ERROR, OUT, Broken, Join, Need
from dag.problems import Problem, pointer
from dag.sites import Site
from dag.wiring.components import cycles

MOST_NAMED = 20
"""Nodes of a cycle that its message names."""


def check_edges(site: Site, guess: Guess) -> Iterator[Problem]:
    """Check the edges of a graph one by one."""
    ports: dict[str, frozenset[str]] = {}
    for id, node in site.nodes():
        seen: set[tuple[str, str]] = set()
        for number, need in enumerate(node.edges):
            source = site.graph.nodes.get(need.id)
            if source is None:
                yield _nowhere(need, pointer(site.at(id, "needs", number)), site, guess)
            elif (need.id, need.port) in seen:
                path = pointer(site.at(id, "needs", number))
                yield Problem("duplicate_edge", path, f"`{need.text}` is needed twice.", "Leave one of them out.")
            elif not isinstance(source, Broken):
                if need.id not in ports:
                    ports[need.id] = frozenset(source.ports)
                if need.port not in ports[need.id]:
                    yield _no_port(need, source, pointer(site.at(id, "needs", number)))
            seen.add((need.id, need.port))


def check_cycles(site: Site) -> Iterator[Problem]:
    """Name the nodes of each cycle."""
    for cycle in cycles(site.wired.successors, site.wired.groups):
        named = [site.wired.ids[node] for node in [*cycle[:MOST_NAMED], cycle[0]]]
        if len(cycle) > MOST_NAMED:
            named.insert(MOST_NAMED, f"… ({len(cycle) - MOST_NAMED} more)")
        message = "These nodes wait for each other: " + " → ".join(named) + "."
        yield Problem("cycle", pointer(site.at(named[0], "needs")), message, "To repeat steps, use a loop.")


def check_joins(site: Site) -> Iterator[Problem]:
    """Check that a join has edges to wait for, and enough of them."""
    for id, node in site.nodes():
        if "join" in node.model_fields_set and not node.needs:
            path = pointer(site.at(id, "join"))
            yield Problem("join_without_needs", path, "No edge leads here, so there is nothing to join.")
        elif isinstance(node.join, Join) and node.join.count > (edges := len(set(node.edges))):
            path = pointer(site.at(id, "join", "count"))
            yield Problem("join_count", path, f"This waits for {node.join.count} live edges; {edges} lead here.")


def check_on_error(site: Site) -> Iterator[Problem]:
    """Check that a failure that goes on by `out` is not wired as an error too."""
    wired = {site.wired.ids[edge.source] for edge in site.wired.edges if edge.port == ERROR}
    for id, node in site.nodes():
        if node.continues_on_error and id in wired:
            message = "A failure goes on by `out`, and never leaves by `error`, which is wired."
            hint = "Keep one of the two: `on_error: continue`, or the edge from `error`."
            yield Problem("field_not_allowed", pointer(site.at(id, "on_error")), message, hint)


def _nowhere(need: Need, path: str, site: Site, guess: Guess) -> Problem:
    if any(need.id in around.wired.place for around in site.outward()):
        message = f"`{need.id}` is a node of another graph, around this one."
        return Problem("unknown_node", path, message, "Edges stay within their graph; expressions may read it.")
    return Problem("unknown_node", path, f"There is no node `{need.id}` in this graph.", guess(need.id, site.wired.ids))


def _no_port(need: Need, source: Node, path: str) -> Problem:
    if not source.ports:
        return Problem("unknown_port", path, f"`{need.id}` ends the execution: no edge leaves it.")
    if need.port == OUT and source.type == "fail":
        hint = f"It has `out` only with `on_error: continue`. Write `{need.id}.error`."
    else:
        hint = "Its ports: " + ", ".join(f"`{need.id}.{port}`" for port in source.ports[:40]) + "."
    return Problem("unknown_port", path, f"`{need.id}` has no port `{need.port}`.", hint)
