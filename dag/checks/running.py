"""Finds nodes that no path can run."""

from collections.abc import Iterator

from dag.controls.loops import Break, Continue
from dag.controls.waiting import TIMEOUT, Approval, Ask, WaitEvent
from dag.definition import Node
from dag.node import OUT, Join
from dag.problems import Problem, pointer
from dag.sites import Site


def check_running(site: Site) -> Iterator[Problem]:
    """Tell of each node that never runs, whatever happens. Edges that lead from nowhere are told of elsewhere."""
    if not site.wired.is_acyclic:
        return
    nodes = [node for _, node in site.nodes()]
    silent = [_silent(node) for node in nodes]
    runs = [True] * len(nodes)
    for number in reversed(site.wired.backward):
        edges = [site.wired.edges[edge] for edge in site.wired.incoming[number]]
        live = {edge.source for edge in edges if runs[edge.source] and edge.port not in silent[edge.source]}
        join = nodes[number].join
        enough = join.count if isinstance(join, Join) else 1
        runs[number] = len(live) >= enough or len(edges) < max(enough, len(nodes[number].needs))
    for number, id in enumerate(site.wired.ids):
        if not runs[number]:
            message = f"No path leads to running `{id}`: too few of its edges can ever be live."
            yield Problem("never_runs", pointer(site.at(id)), message, severity="warning")


def _silent(node: Node) -> tuple[str, ...]:
    """The ports that a node never leaves by."""
    match node:
        case Break() | Continue() if node.config.when is None:
            return (OUT,)
        case Approval() | Ask() if node.config.due is None or node.config.on_timeout in ("fail", "approve", "reject"):
            return (TIMEOUT,)
        case WaitEvent() if node.config.timeout is None:
            return (TIMEOUT,)
        case _:
            return ()
