"""The graph algorithms, against brute force on small graphs and against the clock on large ones."""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dag.plan import Edge
from dag.wiring.branches import branches
from dag.wiring.components import components, cycles
from dag.wiring.exclusion import exclusion
from dag.wiring.upstream import upstream


@st.composite
def any_graphs(draw: st.DrawFn) -> list[list[int]]:
    size = draw(st.integers(1, 8))
    arrows = draw(st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=20))
    return [sorted(target for source, target in arrows if source == node) for node in range(size)]


@st.composite
def joined_graphs(draw: st.DrawFn) -> tuple[list[Edge], list[bool]]:
    """Acyclic, with some nodes wired twice by two ports; the written order is not the order of running."""
    size = draw(st.integers(1, 8))
    place = draw(st.permutations(range(size)))
    pairs = [(a, b) for a in range(size) for b in range(a + 1, size)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=14)) if pairs else []
    twice = draw(st.lists(st.booleans(), min_size=len(chosen), max_size=len(chosen)))
    edges = [Edge(place[a], "out", place[b]) for a, b in chosen]
    edges += [Edge(place[a], "error", place[b]) for (a, b), double in zip(chosen, twice, strict=True) if double]
    return edges, draw(st.lists(st.booleans(), min_size=size, max_size=size))


@given(any_graphs())
def test_nodes_share_a_component_just_when_they_reach_each_other(successors: list[list[int]]) -> None:
    reached = [reach(successors, node) for node in range(len(successors))]
    groups = components(successors)
    assert sorted(node for group in groups for node in group) == list(range(len(successors)))
    home = {node: number for number, group in enumerate(groups) for node in group}
    for a in range(len(successors)):
        for b in range(len(successors)):
            assert (home[a] == home[b]) == (a == b or (b in reached[a] and a in reached[b]))
            if b in reached[a]:
                assert home[b] <= home[a]


@given(any_graphs())
def test_a_cycle_is_named_for_each_group_that_has_one_and_its_edges_exist(successors: list[list[int]]) -> None:
    found = cycles(successors, components(successors))
    for cycle in found:
        assert len(set(cycle)) == len(cycle)
        assert all(b in successors[a] for a, b in zip(cycle, [*cycle[1:], cycle[0]], strict=True))
    circular = {node for node in range(len(successors)) if node in reach(successors, node)}
    assert {node for cycle in found for node in cycle} <= circular
    assert len(found) == sum(1 for group in components(successors) if group[0] in circular)


@given(any_graphs())
def test_upstream_is_everything_that_leads_to_a_node(successors: list[list[int]]) -> None:
    above = upstream(successors, components(successors))
    for node, seen in enumerate(above):
        expected = {other for other in range(len(successors)) if node in reach(successors, other)}
        assert {other for other in range(len(successors)) if seen >> other & 1} == expected


@given(joined_graphs())
def test_a_branch_is_the_first_edge_into_a_partial_join_that_all_paths_take(
    graph: tuple[list[Edge], list[bool]],
) -> None:
    edges, partial = graph
    found = found_branches(edges, partial)
    for node in range(len(partial)):
        paths = list(paths_from(edges, node))
        common = [edge for edge in paths[0] if partial[edges[edge].target] and all(edge in path for path in paths)]
        assert found[node] == (common[0] if common else None)


def test_a_node_that_reaches_the_join_by_two_edges_is_in_no_branch() -> None:
    edges = [Edge(0, "true", 1), Edge(0, "false", 1)]
    assert found_branches(edges, [False, True]) == [None, None]


def test_an_inner_join_belongs_to_the_outer_branch_it_leads_into() -> None:
    edges = [Edge(0, "out", 2), Edge(1, "out", 2), Edge(2, "out", 4), Edge(3, "out", 4)]
    assert found_branches(edges, [False, False, True, False, True]) == [0, 1, 2, 3, None]


@given(joined_graphs())
def test_nodes_that_exclude_each_other_never_both_run_whatever_is_chosen(graph: tuple[list[Edge], list[bool]]) -> None:
    edges, partial = graph
    size = len(partial)
    order = [group[0] for group in components(successors_of(edges, size))][::-1]
    incoming = [[number for number, edge in enumerate(edges) if edge.target == node] for node in range(size)]
    exclusive = exclusion(edges, incoming, order)
    told = {(a, b) for a in range(size) for b in range(a) if exclusive(a, b)}
    for ports in product(("out", "error"), repeat=size):
        runs: set[int] = set()
        for node in order:
            live = any(edges[n].source in runs and edges[n].port == ports[edges[n].source] for n in incoming[node])
            if live or not incoming[node]:
                runs.add(node)
        assert not {(a, b) for a, b in told if a in runs and b in runs}


def chain(size: int) -> list[Edge]:
    return [Edge(n, "out", n + 1) for n in range(size - 1)]


def backward_chain(size: int) -> list[Edge]:
    return [Edge(n + 1, "out", n) for n in range(size - 1)]


def ladder(size: int) -> list[Edge]:
    """Each node leads to the next and to one far away, so that chains of every depth meet."""
    return chain(size) + [Edge(n, "error", min(size - 1, n * 2 + 2)) for n in range(size - 2)]


def layers(size: int) -> list[Edge]:
    wide = 100
    return [
        Edge(n, "out", (n // wide + 1) * wide + (n * 7 + k * 5) % wide) for n in range(size - wide) for k in range(20)
    ]


@pytest.mark.parametrize("shape", [chain, backward_chain, ladder, layers])
def test_ten_thousand_nodes_take_seconds_at_most(shape: Callable[[int], list[Edge]]) -> None:
    edges = shape(10_000)
    started = time.process_time()
    successors = successors_of(edges, 10_000)
    groups = components(successors)
    upstream(successors, groups)
    found_branches(edges, [True] * 10_000)
    took = time.process_time() - started
    print(f"{shape.__name__}: {len(edges)} edges, {took:.3f} s")
    assert took < 5


def successors_of(edges: Sequence[Edge], size: int) -> list[list[int]]:
    successors: list[list[int]] = [[] for _ in range(size)]
    for edge in edges:
        successors[edge.source].append(edge.target)
    return successors


def reach(successors: Sequence[Sequence[int]], start: int) -> set[int]:
    seen: set[int] = set()
    queue = list(successors[start])
    while queue:
        node = queue.pop()
        if node not in seen:
            seen.add(node)
            queue.extend(successors[node])
    return seen


def found_branches(edges: Sequence[Edge], partial: Sequence[bool]) -> list[int | None]:
    outgoing: list[list[int]] = [[] for _ in partial]
    for number, edge in enumerate(edges):
        outgoing[edge.source].append(number)
    groups = components([[edges[number].target for number in numbers] for numbers in outgoing])
    return branches(edges, outgoing, partial=partial, order=[group[0] for group in groups])


def paths_from(edges: Sequence[Edge], node: int) -> Iterator[list[int]]:
    """Every way from a node to an end, as numbers of edges."""
    onward = [number for number, edge in enumerate(edges) if edge.source == node]
    if not onward:
        yield []
    for number in onward:
        for rest in paths_from(edges, edges[number].target):
            yield [number, *rest]
