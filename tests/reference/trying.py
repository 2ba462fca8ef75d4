"""What `try` does, written down as it goes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.reference.document import Document
from tests.reference.execution import NodeRun, Work, begun
from tests.reference.failure import Failure


def try_(run: NodeRun) -> Work:
    """The body; the first `catch` that takes its error; then `finally`, whatever happened."""
    config = run.node.config
    result = yield from _part(run, config["body"], "body", {})
    output, error = result.output, result.error
    number = None if error is None or run.is_stopping else _catching(config.get("catch", []), error.code)
    if error is not None and number is not None:
        entry = config["catch"][number]
        names = {entry.get("as", "error"): error.seen()}
        result = yield from _part(run, entry["body"], f"catch[{number}]", names)
        output, error = result.output, _caused(result.error, error)
    if "finally" in config and not run.graph.execution.is_overdue:
        result = yield from _part(run, config["finally"], "finally", {})
        error = _caused(result.error, error) or error
    return error or output


def _part(run: NodeRun, written: Document, name: str, names: Mapping[str, Any]) -> Work:
    part = begun(run.graph.execution, written, path=f"{run.path}.{name}", holder=run, names=names)
    part.is_shielded = name == "finally"
    run.inside.append(part)
    yield lambda: part.is_over
    return part.result()


def _catching(entries: list[Any], code: str) -> int | None:
    return next((n for n, entry in enumerate(entries) if _takes(entry.get("codes"), code)), None)


def _takes(codes: list[str] | None, code: str) -> bool:
    return codes is None or any(code == each or code.startswith(f"{each}.") for each in codes)


def _caused(new: Failure | None, old: Failure | None) -> Failure | None:
    return replace(new, causes=(old,)) if new is not None and old is not None else new
