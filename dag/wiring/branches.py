"""Branches: for each node the innermost edge into an any/count join that all its paths take."""

from collections.abc import Sequence

from dag.plan import Edge
from dag.wiring.tree import Tree


def branches(
    edges: Sequence[Edge], outgoing: Sequence[Sequence[int]], *, partial: Sequence[bool], order: Sequence[int]
) -> list[int | None]:
    """Name each node's branch by its edge. `partial` tells the any/count joins; `order` has targets first.

    The branches that a node is in, inner to outer, are what the chains of its out-edges share. Chains hang together
    as a tree of edges, so what they share is what lies above their lowest common ancestor.
    """
    tree = Tree(len(edges))
    branch = [tree.root] * len(outgoing)
    for node in order:
        shared: int | None = None
        for number in outgoing[node]:
            target = edges[number].target
            above = branch[target]
            if partial[target]:
                tree.hang(number, above)
                above = number
            shared = above if shared is None else tree.meeting(shared, above)
        branch[node] = tree.root if shared is None else shared
    return [None if found == tree.root else found for found in branch]
