"""What lies upstream of each node, as one big integer per node: bit n stands for node n."""

from collections.abc import Sequence

from dag.wiring.components import Successors


def upstream(successors: Successors, groups: Sequence[Sequence[int]]) -> list[int]:
    """Find every node that leads to a node. `groups` are components; nodes on a cycle lie upstream of themselves."""
    above = [0] * len(successors)
    for group in reversed(groups):
        seen = 0
        for node in group:
            seen |= above[node]
        if len(group) > 1:
            for node in group:
                seen |= 1 << node
        for node in group:
            above[node] = seen
            passed = seen | 1 << node
            for target in successors[node]:
                above[target] |= passed
    return above
