"""Why an expression yields what it does: each of its parts with its value, but nothing of what is masked."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal

import orjson
from pydantic import JsonValue

from dag import engine, expressions
from dag.apart import audit_apart
from dag.engine import Fault, Moment
from dag.errors import ErrorValue, PerdureError
from dag.expressions import WIDE
from dag.faults import error_of
from dag.masks import HIDDEN, masked
from dag.problems import unescaped
from dag.why import Part

MOST_PARTS = 100
MOST_CHILDREN = 20
"""Parts directly within one, as of a function that is called for each item."""
LARGEST_VALUE = 1_000
"""Bytes of one value; of a larger one it is told that there is one."""
LIMITS = {"max_items": 10, "max_string": 200, "max_depth": 3, "max_nodes": 5_000, "max_source": 200}
BUDGET = replace(WIDE, seconds=5)

Masks = Mapping[str, Sequence[str]]
"""What is masked of the outputs of nodes, by id: JSON pointers."""

_SILENT = frozenset({"name", "number", "string", "value", "regex", "lambda", "transform", "block"})
"""Parts that say nothing by themselves: literals, parentheses, the steps of a path."""
_TRUTHS = frozenset({"and", "or", "=", "!=", "<", "<=", ">", ">=", "in"})
"""Operators that tell no more than what was decided."""
_OPEN = frozenset({"binary", "condition", "block", "unary"})
_TRUTH_FUNCTIONS = frozenset({"$boolean", "$not", "$exists"})
"""What stands in these sees what the whole expression sees, not an item of something."""
_VARIABLE = re.compile(r"\$(?!\w+\s*\()")


@dataclass(frozen=True)
class Audited:
    """How an expression came to its value."""

    result: JsonValue
    error: ErrorValue | None
    masked: bool
    parts: list[Part]
    more: bool


def audit(source: str, scope: Mapping[str, JsonValue], moment: Moment, masks: Masks, *, is_condition: bool) -> Audited:
    """Evaluate an expression once more, as it was, and say how it comes to its value."""
    hidden = reads_masked(source, masks)
    if not hidden:  # then it comes to the same without, and no value on the way holds any of it
        scope = _without(scope, masks)
    try:
        parsed = expressions.parse(source)
        form = parsed.truth if is_condition else parsed.itself
        root, cut, wrong = audit_apart(form.text, scope, moment, BUDGET, LIMITS)
    except Fault:
        return _unexplained(source, scope, moment, hidden=hidden, is_condition=is_condition)
    error = None if wrong is None else error_of(Fault(*wrong), source, before=form.before).value()
    if hidden and error is not None:
        error = _without_words(error)
    if is_condition:
        result: JsonValue = error is None and root.get("output") is True
        root = _itself(root, form.before)
    else:
        result = HIDDEN if hidden else _shown(root)[1]
    if root is None or cut:  # of a tree that was cut the outer parts are missing
        return Audited(result, error, hidden, [], more=True)
    shown = _Parts(form.text, form.before, masks if hidden else None)
    parts = [*islice(shown.of(root, 0), MOST_PARTS + 1)]
    return Audited(result, error, hidden, parts[:MOST_PARTS], more=shown.left_out or len(parts) > MOST_PARTS)


def _unexplained(
    source: str, scope: Mapping[str, JsonValue], moment: Moment, *, hidden: bool, is_condition: bool
) -> Audited:
    """What takes too much to be explained has come to something all the same."""
    try:
        if is_condition:
            result: JsonValue = expressions.condition(source, scope, moment, BUDGET)
        else:
            value = expressions.evaluate(source, scope, moment, BUDGET)
            result = HIDDEN if hidden else None if value is expressions.MISSING else _shown({"output": value})[1]
    except PerdureError as error:
        wrong = _without_words(error.value()) if hidden else error.value()
        return Audited(False if is_condition else None, wrong, hidden, [], more=True)
    return Audited(result, None, hidden, [], more=True)


def _without(scope: Mapping[str, JsonValue], masks: Masks) -> Mapping[str, JsonValue]:
    nodes = scope.get("nodes")
    if not isinstance(nodes, dict) or not masks:
        return scope
    seen: dict[str, JsonValue] = {}
    for id, fields in nodes.items():
        if id in masks and isinstance(fields, dict) and "output" in fields:
            seen[id] = {**fields, "output": masked(fields["output"], masks[id])}
        else:
            seen[id] = fields
    return {**scope, "nodes": seen}


def reads_masked(source: str, masks: Masks) -> bool:
    """Whether an expression reads anything of what is masked, or could."""
    if not any(masks.values()):
        return False
    try:
        read = engine.compiled(source).reads().get("input", {})
    except Fault:
        return True
    if not isinstance(read, dict):
        return True
    nodes = read.get("nodes", {})
    if not isinstance(nodes, dict):
        return True
    for id, pointers in masks.items():
        node = nodes.get(id, {})
        output = node if node is True else node.get("output")
        if output is not None and any(_meets(output, unescaped(pointer)) for pointer in pointers):
            return True
    return False


def _without_words(error: ErrorValue) -> ErrorValue:
    """The same without what the author has it say, which may be what is masked."""
    return ErrorValue(code=error.code, message="The expression, which reads what is masked, fails.")


def _meets(read: Any, pointer: Sequence[str]) -> bool:
    """Whether what is read and what a pointer names have something in common. What is read says nothing of places in
    lists: their items are read alike."""
    reached: list[Any] = [read]
    for name in pointer:
        further: dict[int, Any] = {}
        for each in reached:
            if each is True:
                return True
            if name == "*" or name.isdecimal():
                further[id(each)] = each
            for key, inner in each.items():
                if name in ("*", key):
                    further[id(inner)] = inner
        reached = [*further.values()]
    return bool(reached)


def _itself(root: Any, before: int) -> Any:
    """The expression within what asks for its truth; None: it is not there."""
    while root is not None and root["span"]["start"] < before:
        root = next(
            (each for each in root.get("children", ()) if each["span"]["end"] > before and each["kind"] != "variable"),
            None,
        )
    return root


class _Parts:
    """Reads the tree that the engine gives. With masks, values are shown only where nothing masked can have come to
    them."""

    def __init__(self, text: str, before: int, masks: Masks | None):
        self._text = text
        self._before = before
        self._masks = masks
        self.left_out = False

    def of(self, node: Any, level: int) -> Iterator[Part]:
        """Every part that says something, an outer one before those in it."""
        is_told = node["kind"] not in _SILENT and node.get("output") != "<function>"
        if is_told:
            span = node["span"]
            hidden = self._masks is not None and not self._may_be_shown(node, self._text[span["start"] : span["end"]])
            shown, value = ("masked", None) if hidden else _shown(node)
            yield Part(level, node["source"], max(0, span["start"] - self._before), shown, value)
        children = [*self._children(node)]
        self.left_out |= len(children) > MOST_CHILDREN
        for child in children[:MOST_CHILDREN]:
            yield from self.of(child, level + is_told)

    def _children(self, node: Any) -> Iterator[Any]:
        kind = node["kind"]
        if self._masks is not None and not (
            kind in _OPEN or (kind == "function" and node.get("op") in _TRUTH_FUNCTIONS)
        ):
            return
        for child in node.get("children", ()):
            if not (kind == "path" and child["kind"] in ("name", "variable")):
                yield child

    def _may_be_shown(self, node: Any, source: str) -> bool:
        if node["kind"] == "binary" and node.get("op") in _TRUTHS and isinstance(node.get("output"), bool):
            return True
        return _VARIABLE.search(source) is None and not reads_masked(source, self._masks or {})


def _shown(node: Any) -> tuple[Literal["value", "nothing", "large", "error"], JsonValue]:
    if node.get("outcome") == "error":
        return "error", None
    if "output" not in node:
        return "nothing", None
    value = node["output"]
    return ("large", None) if len(orjson.dumps(value)) > LARGEST_VALUE else ("value", value)
