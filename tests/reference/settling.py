"""How nodes settle, and what follows from it in their graph; how what runs is asked to stop."""

from collections.abc import Iterable
from typing import Any, Literal

from tests.reference.document import ACTIVITIES, Edge, Node
from tests.reference.execution import Due, Ended, GraphRun, NodeRun
from tests.reference.expressions import MISSING, ExpressionFails, rendered
from tests.reference.failure import Failure
from tests.reference.outcome import Status


def settle(
    run: NodeRun, status: Status, *, port: str | None = None, output: Any = MISSING, error: Failure | None = None
) -> None:
    """A node comes to its end."""
    _note(run, status, port, output, error)
    _follow(run.graph)


def fail(run: NodeRun, error: Failure) -> None:
    """A node fails: by a port, or its branch or its graph with it."""
    settle(run, "failed", port=_port_of_failure(run), error=error)


def end(graph: GraphRun, why: Ended) -> None:
    """A graph ends early."""
    graph.ended = graph.ended or why
    _cancel_or_skip(graph, graph.nodes)


def stop_inside(run: NodeRun) -> None:
    """All graphs in a node end early, but for a `finally`."""
    for graph in run.inside:
        if not graph.is_over and not graph.is_shielded:
            end(graph, "cancelled")


def _port_of_failure(run: NodeRun) -> str | None:
    if run.asked_to_stop:
        return None
    if run.graph.graph.is_wired(run.node.id, "error"):
        return "error"
    return "out" if run.node.continues else None


def _note(run: NodeRun, status: Status, port: str | None, output: Any, error: Failure | None) -> None:
    run.status, run.port, run.output, run.error = status, port, output, error
    run.graph.execution.world.forget(run.path)
    if status == "succeeded" and run.node.compensate is not None:
        run.graph.due.append(_due(run, run.node.compensate.get("config", {})))
    if status == "failed" and port is None and not run.asked_to_stop:
        assert error is not None
        _failure(run, error)


def _due(run: NodeRun, config: Any) -> Due:
    try:
        return Due(f"{run.path}.compensate", rendered(config, {**run.graph.scope(), "output": run.output}))
    except ExpressionFails as failure:
        return Due(f"{run.path}.compensate", failure)


def _failure(run: NodeRun, error: Failure) -> None:
    """A failure that nothing took: it fails the innermost branch, else the graph."""
    graph = run.graph
    branch = graph.graph.innermost_branch(run.node.id)
    if branch is not None:
        if _edge(graph, branch) != "live":
            graph.killed_edges.add(branch)
        graph.failed_branches.append((branch, error))
        _cancel_or_skip(graph, graph.graph.branches[branch])
        return
    graph.error = graph.error or error
    if graph.execution.fails_fast:
        end(graph, "failed")
    else:
        _skip(graph, graph.graph.downstream[run.node.id])


def _cancel_or_skip(graph: GraphRun, nodes: Iterable[str]) -> None:
    for name in graph.nodes:
        run = graph.nodes[name]
        if name in nodes and run.status == "running" and not run.asked_to_stop:
            run.asked_to_stop = True
            _ask_to_stop(run)
    _skip(graph, nodes)


def _ask_to_stop(run: NodeRun) -> None:
    execution = run.graph.execution
    if run.work is not None:
        execution.world.forget(run.path)
        stop_inside(run)
    elif run.node.type in ACTIVITIES:
        execution.world.ask_to_stop(run.path)
    else:
        execution.world.forget(run.path)
        execution.called_off.append(run)


def _skip(graph: GraphRun, nodes: Iterable[str]) -> None:
    for name in nodes:
        if graph.nodes[name].status == "pending":
            graph.nodes[name].status = "skipped"
            graph.ready.discard(name)
    graph.queue = [name for name in graph.queue if graph.nodes[name].status == "pending"]


def _follow(graph: GraphRun) -> None:
    """After a node has settled: everything that follows at once, then what has become ready, in written order.

    Live and dead paths are followed to their ends before a join that can no longer get enough is given up, and of
    several such joins the first in the order of running: so no failure is lost to a skip of the same moment."""
    while _follow_paths(graph) or _give_up_a_join(graph):
        pass
    graph.queue += [name for name in graph.nodes if name in graph.ready]
    graph.ready.clear()


def _follow_paths(graph: GraphRun) -> bool:
    return any(_look_at(graph, node) for node in graph.graph.nodes.values())


def _give_up_a_join(graph: GraphRun) -> bool:
    for node in graph.graph.in_order:
        if _is_open(graph, node) and _is_hopeless(graph, node):
            _decide(graph, node, "fail" if _failed_in_branches(graph, node.id) else "skip")
            return True
    return False


def _look_at(graph: GraphRun, node: Node) -> bool:
    """Decides a join if it can be, and lets it take effect if it may; says whether anything changed."""
    run = graph.nodes[node.id]
    if _is_open(graph, node):
        decision = _decision(graph, node)
        if decision is not None:
            _decide(graph, node, decision)
        return decision is not None
    waits = run.status == "pending" and node.id in graph.decided
    if not waits or node.id in {*graph.queue, *graph.ready} or not _may_take_effect(graph, node):
        return False
    match graph.decided[node.id]:
        case "run":
            graph.ready.add(node.id)
        case "skip":
            run.status = "skipped"
        case "fail":
            error = run.failure("join.unsatisfiable", _failed_in_branches(graph, node.id))
            _note(run, "failed", _port_of_failure(run), MISSING, error)
    return True


def _is_open(graph: GraphRun, node: Node) -> bool:
    """Whether a join has still to be decided."""
    return bool(node.needs) and graph.nodes[node.id].status == "pending" and node.id not in graph.decided


def _decision(graph: GraphRun, node: Node) -> Literal["run", "skip"] | None:
    edges = [_edge(graph, edge) for edge in node.needs]
    if node.first is not None:
        return "run" if edges.count("live") >= node.first else None
    if "open" in edges:
        return None
    return "run" if "live" in edges else "skip"


def _is_hopeless(graph: GraphRun, node: Node) -> bool:
    """Whether fewer edges than it takes can still become live."""
    edges = [_edge(graph, edge) for edge in node.needs]
    return node.first is not None and edges.count("live") + edges.count("open") < node.first


def _failed_in_branches(graph: GraphRun, join: str) -> tuple[Failure, ...]:
    return tuple(error for edge, error in graph.failed_branches if edge.target == join)


def _decide(graph: GraphRun, node: Node, decision: Literal["run", "skip", "fail"]) -> None:
    graph.decided[node.id] = decision
    if node.cancels_rest:
        _cancel_or_skip(graph, _rest(graph, node))


def _may_take_effect(graph: GraphRun, node: Node) -> bool:
    return not node.cancels_rest or all(graph.nodes[name].has_settled for name in _rest(graph, node))


def _rest(graph: GraphRun, node: Node) -> set[str]:
    return {name for edge in node.needs for name in graph.graph.branches[edge]}


def _edge(graph: GraphRun, edge: Edge) -> Literal["live", "dead", "open"]:
    source = graph.nodes[edge.source]
    if edge in graph.killed_edges:
        return "dead"
    if not source.has_settled:
        return "open"
    return "live" if source.port == edge.port else "dead"
