"""Strongly connected components, which give an order to run in, and the cycles that leave none."""

from collections import deque
from collections.abc import Sequence

Successors = Sequence[Sequence[int]]
"""For each node the nodes that its edges lead to."""


def components(successors: Successors) -> list[list[int]]:
    """Group nodes that reach each other, each group after all that it leads to (Tarjan, without recursion)."""
    found: list[list[int]] = []
    index = [-1] * len(successors)
    low = [0] * len(successors)
    open_ = [False] * len(successors)
    stack: list[int] = []
    count = 0
    for start in range(len(successors)):
        if index[start] >= 0:
            continue
        trail = [(start, 0)]
        while trail:
            node, tried = trail.pop()
            if tried == 0:
                index[node] = low[node] = count
                count += 1
                stack.append(node)
                open_[node] = True
            else:
                low[node] = min(low[node], low[successors[node][tried - 1]])
            following = successors[node]
            while tried < len(following):
                target = following[tried]
                tried += 1
                if index[target] < 0:
                    trail.append((node, tried))
                    trail.append((target, 0))
                    break
                if open_[target]:
                    low[node] = min(low[node], index[target])
            else:
                if low[node] == index[node]:
                    found.append(_popped(stack, node, open_))
    return found


def cycles(successors: Successors, groups: Sequence[Sequence[int]]) -> list[list[int]]:
    """Name one short cycle in each group that has any, from the node written first."""
    found: list[list[int]] = []
    for group in groups:
        if len(group) > 1:
            found.append(_cycle(successors, min(group), frozenset(group)))
        elif group[0] in successors[group[0]]:
            found.append([group[0]])
    return sorted(found)


def _popped(stack: list[int], last: int, open_: list[bool]) -> list[int]:
    group: list[int] = []
    while True:
        node = stack.pop()
        open_[node] = False
        group.append(node)
        if node == last:
            return group


def _cycle(successors: Successors, start: int, group: frozenset[int]) -> list[int]:
    """The shortest way from a node back to itself, within its group."""
    came: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for target in successors[node]:
            if target == start:
                way = [node]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
            if target in group and target not in came:
                came[target] = node
                queue.append(target)
    raise AssertionError("every node of a group of several reaches itself")
