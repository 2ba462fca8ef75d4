"""Which nodes never both run, because a choice that leads to one does not lead to the other."""

from collections.abc import Callable, Sequence

from dag.plan import Edge
from dag.wiring.tree import Tree


def exclusion(
    edges: Sequence[Edge], incoming: Sequence[Sequence[int]], order: Sequence[int]
) -> Callable[[int, int], bool]:
    """Tell of two nodes whether they exclude each other. `order` has sources first.

    A node runs only if one of its edges is live, and of a node's ports at most one is. So in the tree of what every
    path to a node passes, nodes and ports, those that hang from different ports of one node exclude each other.
    """
    size = len(incoming)
    ports: dict[tuple[int, str], int] = {}
    for edge in edges:
        ports.setdefault((edge.source, edge.port), size + len(ports))
    tree = Tree(size + len(ports))
    hung: set[int] = set()
    for node in order:
        above: int | None = None
        for number in incoming[node]:
            edge = edges[number]
            port = ports[edge.source, edge.port]
            if port not in hung:
                tree.hang(port, edge.source)
                hung.add(port)
            above = port if above is None else tree.meeting(above, port)
        tree.hang(node, tree.root if above is None else above)

    def exclusive(a: int, b: int) -> bool:
        choice = tree.meeting(a, b)
        if choice in (a, b) or choice >= size:
            return False
        return tree.below(choice, a) >= size and tree.below(choice, b) >= size

    return exclusive
