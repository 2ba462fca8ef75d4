"""What the control words that only compute come to."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.reference.expressions import MISSING, ExpressionFails, Scope, holds, text, value

Config = Mapping[str, Any]


def transformed(config: Config, scope: Scope) -> Any:
    return _or_null(value(config["expression"], scope))


def mapped(config: Config, scope: Scope) -> Any:
    return [_or_null(value(config["expression"], each)) for each in _turns(config, scope)]


def filtered(config: Config, scope: Scope) -> Any:
    return [each["item"] for each in _turns(config, scope) if holds(config["condition"], each)]


def reduced(config: Config, scope: Scope) -> Any:
    result = value(config["initial"], scope) if "initial" in config else MISSING
    for each in _turns(config, scope):
        result = value(config["expression"], {**each, "result": result})
    return _or_null(result)


def in_order(config: Config, scope: Scope) -> Any:
    keyed = [(value(config["by"], each), each["item"]) for each in _turns(config, scope)]
    if len({type(key) for key, _ in keyed}) > 1 or not all(type(key) in (int, str) for key, _ in keyed):
        raise ExpressionFails("expression.type")
    return [item for _, item in sorted(keyed, key=lambda pair: pair[0], reverse=config.get("order") == "descending")]


def grouped(config: Config, scope: Scope) -> Any:
    groups: dict[str, list[Any]] = {}
    for each in _turns(config, scope):
        groups.setdefault(text(value(config["by"], each)), []).append(each["item"])
    return groups


def split(config: Config, scope: Scope) -> Any:
    items, size = [each["item"] for each in _turns(config, scope)], config["size"]
    return [items[start : start + size] for start in range(0, len(items), size)]


def merged(config: Config, scope: Scope) -> Any:
    found = [value(source, scope) for source in config["sources"]]
    kept = [each for each in found if each is not MISSING and each is not None]
    match config.get("mode", "object"):
        case "list":
            return kept
        case "first":
            return kept[0] if kept else None
        case "last":
            return kept[-1] if kept else None
        case _:
            return {key: entry for each in kept for key, entry in each.items()}


COMPUTES: Mapping[str, Callable[[Config, Scope], Any]] = {
    "transform": transformed,
    "map": mapped,
    "filter": filtered,
    "reduce": reduced,
    "sort": in_order,
    "group": grouped,
    "split": split,
    "merge": merged,
    "set": lambda config, scope: {name: _or_null(value(written, scope)) for name, written in config["values"].items()},
}
"""The output of a node, by its type."""


def _turns(config: Config, scope: Scope) -> list[Scope]:
    items = value(config["items"], scope)
    if items is MISSING or items is None:
        items = []
    elif not isinstance(items, list):
        items = [items]
    return [{**scope, "item": item, "index": index} for index, item in enumerate(items)]


def _or_null(found: Any) -> Any:
    return None if found is MISSING else found
