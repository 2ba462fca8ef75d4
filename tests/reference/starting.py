"""What a node does when its turn has come; a control node that need not wait runs to its end at once."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.reference.branching import parallel
from tests.reference.data_nodes import COMPUTES
from tests.reference.document import LOOPS, seconds
from tests.reference.execution import GraphRun, NodeRun, Work
from tests.reference.expressions import ExpressionFails, Scope, holds, rendered, value
from tests.reference.failure import Failure
from tests.reference.loops import for_each, repeat, while_
from tests.reference.settling import end, fail, settle, stop_inside
from tests.reference.trying import try_

WORKS: Mapping[str, Callable[[NodeRun], Work]] = {
    "for_each": for_each,
    "while": while_,
    "repeat": repeat,
    "parallel": parallel,
    "try": try_,
}


def take(run: NodeRun) -> None:
    """A node whose join has let it through: `when` is asked, then it starts."""
    if any(graph.error for graph in _ends(run)):
        return settle(run, "skipped")
    try:
        if run.node.when is not None and not holds(run.node.when, run.graph.scope()):
            return settle(run, "skipped")
    except ExpressionFails as failure:
        run.graph.order.append(run.node.id)
        return fail(run, run.failure(failure.code))
    run.graph.order.append(run.node.id)
    run.status = "running"
    try:
        _start(run)
    except ExpressionFails as failure:
        fail(run, run.failure(failure.code))


def _ends(run: NodeRun) -> list[GraphRun]:
    """The graphs that a node ends: up to the document, or up to the turn of the nearest loop."""
    match run.node.type:
        case "stop":
            return list(run.graph.outward())
        case "break" | "continue":
            return _within_turn(run.graph)
        case _:
            return []


def _within_turn(graph: GraphRun) -> list[GraphRun]:
    assert graph.holder is not None
    return [graph] if graph.holder.node.type in LOOPS else [graph, *_within_turn(graph.holder.graph)]


def _start(run: NodeRun) -> None:
    config, scope, execution = run.node.config, run.graph.scope(), run.graph.execution
    match run.node.type:
        case "if":
            settle(run, "succeeded", port="true" if holds(config["condition"], scope) else "false", output=None)
        case "switch":
            port = _chosen_case(config, scope)
            if port == "default" and not run.graph.graph.is_wired(run.node.id, "default"):
                fail(run, run.failure("switch.no_match"))
            else:
                settle(run, "succeeded", port=port, output=None)
        case "delay":
            execution.world.start_delay(run.path, seconds(config["for"]), timeout=run.node.timeout)
        case "stop":
            output = rendered(config.get("output"), scope)
            settle(run, "succeeded", output=output)
            execution.output = output
            end(_ends(run)[-1], "stopped")
        case "break" | "continue" if "when" in config and not holds(config["when"], scope):
            settle(run, "succeeded", port="out", output=None)
        case "break" | "continue":
            settle(run, "succeeded", output=None)
            _leave(_ends(run)[-1], run.node.type)
        case "fail":
            fail(run, run.failure(rendered(config, scope)["code"]))
        case "set":
            values = COMPUTES["set"](config, scope)
            for name, entry in values.items():
                next(graph for graph in run.graph.outward() if name in graph.declared).vars[name] = entry
            settle(run, "succeeded", port="out", output=values)
        case computes if computes in COMPUTES:
            settle(run, "succeeded", port="out", output=COMPUTES[computes](config, scope))
        case holder if holder in WORKS:
            if run.node.timeout is not None:
                execution.world.start_clock(run.path, run.node.timeout)
            run.work = WORKS[holder](run)
            go_on(run)
        case _:
            execution.configs[run.path] = rendered(config, scope)
            execution.world.start_activity(run.path)
            execution.starts += 1


def go_on(run: NodeRun) -> None:
    """A node that holds graphs does what it does next."""
    assert run.work is not None
    try:
        run.waits = next(run.work)
    except StopIteration as stopped:
        _finish(run, stopped.value)
    except ExpressionFails as failure:
        _finish(run, run.failure(failure.code))


def _finish(run: NodeRun, found: Any) -> None:
    assert all(graph.is_over for graph in run.inside)
    run.waits = None
    run.graph.due.extend(due for block in run.blocks.values() for due in block)
    if run.asked_to_stop:
        settle(run, "cancelled")
    elif run.timed_out:
        fail(run, run.failure("timeout.node"))
    elif isinstance(found, Failure):
        fail(run, found)
    else:
        settle(run, "succeeded", port="out", output=found)


def _leave(turn: GraphRun, word: str) -> None:
    loop = turn.holder
    assert loop is not None
    if word == "continue":
        return end(turn, "continued")
    loop.broken = True
    end(turn, "broken")
    return stop_inside(loop)


def _chosen_case(config: Mapping[str, Any], scope: Scope) -> str:
    if "value" in config:
        found = value(config["value"], scope)
        for port, literals in config["cases"].items():
            for literal in literals if isinstance(literals, list) else [literals]:
                if type(literal) is type(found) and literal == found:
                    return port
    else:
        for port, condition in config["cases"].items():
            if holds(condition, scope):
                return port
    return "default"
