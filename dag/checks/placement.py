"""Checks that `break`, `continue` and `stop` stand where they can act."""

from collections.abc import Iterator

from dag.problems import Problem, pointer
from dag.sites import Site

LOOPS = frozenset({"for_each", "while", "repeat"})


def check_placement(site: Site) -> Iterator[Problem]:
    """Check every node of a graph that ends more than itself."""
    around = list(site.outward())
    loop = next((n for n, graph in enumerate(around) if graph.held_by and graph.held_by.type in LOOPS), None)
    for id, node in site.nodes():
        path = pointer(site.at(id))
        if node.type in ("break", "continue") and loop is None:
            yield Problem("misplaced", path, f"A `{node.type}` acts on the loop around it; there is none.")
        elif (node.type in ("break", "continue") and any(map(_is_finally, around[:loop]))) or (
            node.type == "stop" and any(map(_is_finally, around))
        ):
            yield Problem("misplaced", path, f"A `{node.type}` may not leave a `finally`, which runs to its end.")


def _is_finally(site: Site) -> bool:
    return site.inside == ("config", "finally")
