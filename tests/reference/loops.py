"""What loops do: `for_each`, `while` and `repeat`, written down as they go."""

from collections.abc import Mapping
from typing import Any

from tests.reference.execution import GraphRun, NodeRun, Result, Work, begun
from tests.reference.expressions import MISSING, ExpressionFails, holds, rendered, value
from tests.reference.failure import Failure
from tests.reference.settling import stop_inside

LIMIT = 1000


def for_each(run: NodeRun) -> Work:
    """One turn for each item, several at once."""
    config, around = run.node.config, run.graph.scope()
    found = value(config["items"], around)
    items: list[Any] = found if isinstance(found, list) else [] if found in (MISSING, None) else [found]
    at_once = rendered(config.get("concurrency", 10), around)
    tolerated = _tolerated(config, len(items))
    turns: list[GraphRun] = []
    results: dict[int, Result] = {}
    previous: list[Any] = []
    failure: Failure | None = None
    enough = False
    names: list[dict[str, Any]] = []

    def running() -> int:
        return len(turns) - len(results)

    def ended() -> list[int]:
        return [index for index, turn in enumerate(turns) if turn.is_over and index not in results]

    while True:
        for index in ended():
            results[index] = result = turns[index].result()
            if run.is_stopping or run.broken or failure is not None:
                continue
            previous = [result.output]
            if [each.how for each in results.values()].count("failed") > tolerated:
                failure = result.error
            elif "until" in config and not enough:
                loop = {**names[index]["loop"], "output": result.output, "done": len(results)}
                try:
                    enough = holds(config["until"], {**run.graph.scope(), **names[index], "loop": loop})
                except ExpressionFails as failed:
                    failure = run.failure(failed.code)
            if failure is not None and run.graph.execution.fails_fast:
                stop_inside(run)
        goes_on = not (run.is_stopping or run.broken or enough or failure is not None) and len(turns) < len(items)
        if not running() and not goes_on:
            break
        while goes_on and running() < at_once and len(turns) < len(items):
            index, item = len(turns), items[len(turns)]
            loop = {"index": index, "item": item, "count": len(items)}
            if at_once == 1 and index:
                loop["previous"] = previous[0]
            names.append({config.get("as", "item"): item, "loop": loop})
            due = None if at_once == 1 else run.blocks.setdefault(f"[{index}]", [])
            turns.append(_begin_turn(run, index, names[-1], due))
        yield lambda: bool(ended())
    if failure is not None:
        return failure
    return _collected(config.get("result", "list"), dict(sorted(results.items())), run)


def while_(run: NodeRun) -> Work:
    """A turn as long as the condition holds."""
    config, most = run.node.config, rendered(run.node.config.get("max_iterations", LIMIT), run.graph.scope())
    output: Any = None
    done = 0
    while True:
        loop = {"index": done, **({"previous": output} if done else {})}
        if not holds(config["condition"], {**run.graph.scope(), "loop": loop}):
            return output
        if done == most:
            return run.failure("limit.iterations")
        result = yield from _turn(run, done, {"loop": loop})
        match result:
            case Result("failed"):
                return result.error
            case Result("succeeded" | "continued"):
                output, done = result.output, done + 1
            case _:
                return output


def repeat(run: NodeRun) -> Work:
    """So many turns, or until a condition holds."""
    config, around = run.node.config, run.graph.scope()
    times: Any = rendered(config["times"], around) if "times" in config else None
    most = times if times is not None else rendered(config.get("max_iterations", LIMIT), around)
    output: Any = None
    done = 0
    while done != times:
        if done == most:
            return run.failure("limit.iterations")
        loop = {
            "index": done,
            **({"count": times} if times is not None else {}),
            **({"previous": output} if done else {}),
        }
        result = yield from _turn(run, done, {"loop": loop})
        match result:
            case Result("failed"):
                return result.error
            case Result("succeeded" | "continued"):
                output, done = result.output, done + 1
            case _:
                return output
        if "until" in config:
            seen = {**run.graph.scope(), "loop": {**loop, "output": output, "done": done}}
            if holds(config["until"], seen):
                return output
    return output


def _turn(run: NodeRun, index: int, names: Mapping[str, Any]) -> "Work":
    turn = _begin_turn(run, index, names, None)
    yield lambda: turn.is_over
    return Result("cancelled") if run.is_stopping else turn.result()


def _begin_turn(run: NodeRun, index: int, names: Mapping[str, Any], due: Any) -> GraphRun:
    path = f"{run.path}[{index}]"
    turn = begun(run.graph.execution, run.node.config["body"], path=path, holder=run, names=names, due=due)
    run.inside.append(turn)
    return turn


def _tolerated(config: Mapping[str, Any], items: int) -> float:
    if config.get("on_item_error") == "continue":
        return float("inf")
    tolerate = config.get("tolerate", {})
    return tolerate.get("count", tolerate.get("percent", 0) * items / 100)


def _collected(mode: str, results: Mapping[int, Result], run: NodeRun) -> Any:
    """By index, in item order; turns that were broken off are among them."""
    ended = {index: result for index, result in results.items() if result.how in _STATUS}
    outputs = [result.output for result in ended.values() if result.how == "succeeded"]
    match mode:
        case "list":
            return [result.output for result in ended.values()]
        case "full":
            return [_in_full(index, result) for index, result in ended.items()]
        case "none":
            return None
        case _:
            return one_of(mode, outputs, run)


def one_of(mode: str, outputs: list[Any], run: NodeRun) -> Any:
    """One output, or all of them as one object."""
    match mode:
        case "merge" if all(isinstance(output, dict) for output in outputs):
            return {key: entry for output in outputs for key, entry in output.items()}
        case "merge":
            return run.failure("config.invalid")
        case "first":
            return outputs[0] if outputs else None
        case _:
            return outputs[-1] if outputs else None


def _in_full(index: int, result: Result) -> Mapping[str, Any]:
    error = result.error and result.error.seen()
    return {"index": index, "status": _STATUS[result.how], "output": result.output, "error": error}


_STATUS = {"succeeded": "succeeded", "failed": "failed", "continued": "skipped"}
