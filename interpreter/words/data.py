"""The words that compute: `set`, `transform`, `map`, `filter`, `reduce`, `sort`, `group`, `split`, `merge`."""

from typing import Any

from pydantic import JsonValue

from dag.expressions import ExpressionType
from dag.templates import as_text
from interpreter.evaluator import Evaluator
from interpreter.job import Computed, Job
from interpreter.words.config import ConfigInvalid, config_of, is_whole, present, rendered, text, word


def set_(job: Job, evaluator: Evaluator) -> Computed:
    """New values of variables."""
    values = config_of(job)["values"]
    assert isinstance(values, dict)
    return Computed("done", {name: evaluator.keep(evaluator.value(str(source))) for name, source in values.items()})


def transform(job: Job, evaluator: Evaluator) -> Computed:
    """A value."""
    return Computed("done", present(evaluator.value(text(job, "expression"))))


def map_(job: Job, evaluator: Evaluator) -> Computed:
    """A value for each item."""
    items = evaluator.items(text(job, "items"))
    each, source = evaluator.each(items), text(job, "expression")
    yielded = [evaluator.keep(each.value(source, item=item, index=n)) for n, item in enumerate(items)]
    return Computed("done", yielded)


def filter_(job: Job, evaluator: Evaluator) -> Computed:
    """The items that meet a condition."""
    items = evaluator.items(text(job, "items"))
    each, source = evaluator.each(items), text(job, "condition")
    return Computed("done", [item for n, item in enumerate(items) if each.true(source, item=item, index=n)])


def reduce(job: Job, evaluator: Evaluator) -> Computed:
    """One value of many items."""
    items = evaluator.items(text(job, "items"))
    result = present(evaluator.value(text(job, "initial")))
    each, source = evaluator.each(items), text(job, "expression")
    for n, item in enumerate(items):
        result = present(each.value(source, item=item, index=n, result=result))
    return Computed("done", result)


def sort(job: Job, evaluator: Evaluator) -> Computed:
    """The items in the order of their keys; equals stay as they were."""
    items = evaluator.items(text(job, "items"))
    each, source = evaluator.each(items), text(job, "by")
    keys: list[Any] = [evaluator.keep(each.value(source, item=item, index=n)) for n, item in enumerate(items)]
    if not (all(isinstance(key, str) for key in keys) or all(_is_number(key) for key in keys)):
        raise ExpressionType("`by` of a sort gives a number for every item, or text for every item.")
    order = word(rendered(job, evaluator), "order", "ascending", "descending")
    ordered = sorted(range(len(items)), key=lambda n: keys[n], reverse=order == "descending")
    return Computed("done", [items[n] for n in ordered])


def group(job: Job, evaluator: Evaluator) -> Computed:
    """Lists of items, by key."""
    items = evaluator.items(text(job, "items"))
    each, source = evaluator.each(items), text(job, "by")
    groups: dict[str, JsonValue] = {}
    for n, item in enumerate(items):
        key = evaluator.keep(each.value(source, item=item, index=n))
        members = groups.setdefault(as_text(key), [])
        assert isinstance(members, list)
        members.append(item)
    return Computed("done", groups)


def split(job: Job, evaluator: Evaluator) -> Computed:
    """The items in lists of a size."""
    items = evaluator.items(text(job, "items"))
    size = rendered(job, evaluator).get("size")
    if not is_whole(size, least=1):
        raise ConfigInvalid("`size` of a split is a whole number from 1.")
    return Computed("done", [items[n : n + size] for n in range(0, len(items), size)])


def merge(job: Job, evaluator: Evaluator) -> Computed:
    """Several values put together."""
    config = config_of(job)
    sources = config["sources"]
    assert isinstance(sources, list)
    read = [evaluator.keep(evaluator.value(str(source))) for source in sources]
    values: list[JsonValue] = [value for value in read if value is not None]
    match word(rendered(job, evaluator), "mode", "object", "list", "first", "last"):
        case "list":
            return Computed("done", values)
        case "first" | "last" as end:
            return Computed("done", values[0 if end == "first" else -1] if values else None)
        case _:
            merged: dict[str, JsonValue] = {}
            for value in values:
                if not isinstance(value, dict):
                    raise ConfigInvalid(
                        "A merge of mode `object` takes objects only; use mode `list` for other values."
                    )
                merged.update(value)
            return Computed("done", merged)


def _is_number(value: JsonValue) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
