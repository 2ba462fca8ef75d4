"""The names that an expression may start from, by where it stands."""

from collections.abc import Mapping

from dag.controls.grouping import Try
from dag.controls.loops import ForEach, Repeat, While
from dag.definition import Node
from dag.places import Path, Pattern

Fields = frozenset[str] | None
"""What may be read of a name; None: anything."""
Names = Mapping[str, Fields]

EXECUTION = frozenset({"id", "workflow", "version", "started_at", "trigger", "attempt"})
NODE = frozenset({"output", "status", "port", "error"})
EVENT = frozenset({"name", "key", "payload", "at"})

EVERYWHERE: Names = {"input": None, "env": None, "execution": EXECUTION}
AT_START: Names = {"input": None, "env": None}
"""For the variables of the document."""
OF_ATTEMPTS: Names = {"error": None}
"""For `retry.when`, which a worker asks."""
ITEM: Names = {"item": None, "index": None}

BOUND: Mapping[tuple[str, Pattern], Names] = {
    ("map", ("config", "expression")): ITEM,
    ("filter", ("config", "condition")): ITEM,
    ("reduce", ("config", "expression")): {**ITEM, "result": None},
    ("sort", ("config", "by")): ITEM,
    ("group", ("config", "by")): ITEM,
    ("while", ("config", "condition")): {"loop": frozenset({"index", "previous"})},
    ("repeat", ("config", "until")): {"loop": frozenset({"index", "previous", "output", "done"})},
    ("wait_event", ("config", "events", "*", "match")): {"event": EVENT},
}
"""What a control word binds in one of its own expressions."""


def bound(node: Node, pattern: Pattern) -> Names:
    """What a node binds in one of its own texts."""
    if pattern[:2] == ("compensate", "config"):
        return {"output": None}
    if isinstance(node, ForEach) and pattern == ("config", "until"):
        return {node.config.as_: None, "loop": _turns(node) | {"output", "done"}}
    return BOUND.get((node.type, pattern), {})


def bound_in_body(node: Node, inside: Path) -> Names:
    """What a node binds in the graph that stands at `inside` in it."""
    match node:
        case ForEach():
            return {node.config.as_: None, "loop": _turns(node)}
        case While():
            return {"loop": frozenset({"index", "previous"})}
        case Repeat():
            known = frozenset({"index", "previous"})
            return {"loop": known if node.config.times is None else known | {"count"}}
        case Try() if inside[:2] == ("config", "catch"):
            return {node.config.catch[int(inside[2])].as_: None}
        case _:
            return {}


def _turns(node: ForEach) -> frozenset[str]:
    """The fields of `loop`. Only turns in order have one before them."""
    known = frozenset({"index", "item", "count"})
    return known | {"previous"} if node.config.concurrency == 1 else known
