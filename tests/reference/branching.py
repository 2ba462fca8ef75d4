"""What `parallel` does, written down as it goes."""

from typing import Any

from tests.reference.document import Document
from tests.reference.execution import GraphRun, NodeRun, Result, Work, begun
from tests.reference.expressions import rendered
from tests.reference.failure import Failure
from tests.reference.loops import one_of
from tests.reference.settling import stop_inside


def parallel(run: NodeRun) -> Work:
    """All branches at once, until enough have succeeded."""
    config, around = run.node.config, run.graph.scope()
    written: dict[str, Any] = config["branches"]
    wait: Any = rendered(config.get("wait", "all"), around)
    enough = wait["count"] if isinstance(wait, dict) else {"all": len(written), "any": 1}[wait]
    if enough > len(written):
        return run.failure("join.unsatisfiable")
    branches = {name: _begin_branch(run, name, branch) for name, branch in written.items()}
    results: dict[str, Result] = {}
    succeeded: list[str] = []
    failures: list[Failure] = []
    failure: Failure | None = None

    def ended() -> list[str]:
        return [name for name, branch in branches.items() if branch.is_over and name not in results]

    while True:
        for name in ended():
            results[name] = result = branches[name].result()
            if result.how == "succeeded":
                succeeded.append(name)
            elif result.error is not None:
                failures.append(result.error)
            if run.is_stopping or failure is not None:
                continue
            if len(succeeded) == enough:
                stop_inside(run)
            elif len(written) - len(failures) < enough:
                failure = failures[0] if wait == "all" else run.failure("join.unsatisfiable", (*failures,))
                if run.graph.execution.fails_fast:
                    stop_inside(run)
        if len(results) == len(branches):
            break
        yield lambda: bool(ended())
    if failure is not None:
        return failure
    outputs = {name: results[name].output for name in written if name in succeeded}
    match config.get("result", "by_branch"):
        case "by_branch":
            return outputs
        case "list":
            return list(outputs.values())
        case "merge":
            return one_of("merge", list(outputs.values()), run)
        case mode:
            return one_of(mode, [outputs[name] for name in succeeded], run)


def _begin_branch(run: NodeRun, name: str, written: Document) -> GraphRun:
    due = run.blocks.setdefault(name, [])
    branch = begun(run.graph.execution, written, path=f"{run.path}.{name}", holder=run, due=due)
    run.inside.append(branch)
    return branch
