"""Branches: for each node the innermost edge into an any/count join that all its paths take."""

from collections.abc import Sequence

from dag.plan import Edge


def branches(
    edges: Sequence[Edge], outgoing: Sequence[Sequence[int]], *, partial: Sequence[bool], order: Sequence[int]
) -> list[int | None]:
    """Name each node's branch by its edge. `partial` tells the any/count joins, `order` puts each node after its targets.

    The branches that a node is in, inner to outer, are what the chains of its out-edges share. Chains hang together as a
    tree, so what they share is what lies above their lowest common ancestor.
    """
    tree = _Tree(len(edges))
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


class _Tree:
    """Grows by leaves and finds lowest common ancestors in logarithmic time, by one jump pointer per member
    (Myers, "An applicative random-access stack", 1983). Its members are edges, its root is none."""

    def __init__(self, size: int):
        self.root = size
        self._depth = [0] * (size + 1)
        self._parent = [size] * (size + 1)
        self._jump = [size] * (size + 1)

    def hang(self, member: int, parent: int) -> None:
        far = self._jump[parent]
        even = self._depth[parent] - self._depth[far] == self._depth[far] - self._depth[self._jump[far]]
        self._jump[member] = self._jump[far] if even else parent
        self._parent[member] = parent
        self._depth[member] = self._depth[parent] + 1

    def meeting(self, a: int, b: int) -> int:
        depth, parent, jump = self._depth, self._parent, self._jump
        if depth[a] < depth[b]:
            a, b = b, a
        while depth[a] > depth[b]:
            a = jump[a] if depth[jump[a]] >= depth[b] else parent[a]
        while a != b:
            apart = jump[a] != jump[b]
            a, b = (jump[a], jump[b]) if apart else (parent[a], parent[b])
        return a
