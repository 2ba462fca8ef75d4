"""Which nodes of a graph have only got another id, and texts that follow their new names."""

import re
from collections import Counter
from collections.abc import Callable, Mapping

import orjson
from pydantic import JsonValue

Renames = Mapping[str, str]
"""From the older ids to the newer ones."""

_REFERENCE = re.compile(r"(?<![\w.$])nodes\.([a-z][a-z0-9_]{0,62})(?!\w)", re.ASCII)
_SAYS = ("title", "description")
"""Fields for people, which often change as the id does."""


def renames(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> dict[str, str]:
    """Nodes that are the same but for their ids, their texts for people, and the ids of others that come or go with
    them. Only where it is certain: one that is gone is like one that has come, and like no other."""
    gone = {id: node for id, node in old.items() if id not in new}
    come = {id: node for id, node in new.items() if id not in old}
    if not gone or not come:
        return {}
    before, after = _marks(gone), _marks(come)
    often = Counter(before.values()), Counter(after.values())
    arrived = {mark: id for id, mark in after.items() if often[1][mark] == 1}
    return {id: arrived[mark] for id, mark in before.items() if often[0][mark] == 1 and mark in arrived}


def followed(text: str, names: Renames) -> str:
    """A text with the newer names of the nodes that it reads."""
    return _REFERENCE.sub(lambda found: f"nodes.{names.get(found[1], found[1])}", text) if names else text


def _marks(nodes: Mapping[str, JsonValue]) -> dict[str, bytes]:
    """What each node is, whatever its id and those of the others are."""

    def nameless(text: str) -> str:
        return _REFERENCE.sub(lambda found: "nodes." if found[1] in nodes else found[0], text)

    return {
        id: orjson.dumps(
            {key: _edges(value, nodes) if key == "needs" else _mapped(value, nameless) for key, value in node.items()},
            option=orjson.OPT_SORT_KEYS,
        )
        for id, full in nodes.items()
        if isinstance(full, dict)
        for node in [{key: value for key, value in full.items() if key not in _SAYS}]
    }


def _edges(needs: JsonValue, nodes: Mapping[str, JsonValue]) -> JsonValue:
    if not isinstance(needs, list):
        return needs
    parts = [need.partition(".") if isinstance(need, str) else ("", "", "") for need in needs]
    return [*sorted(f"{'' if id in nodes else id}.{port or 'out'}" for id, _, port in parts)]


def _mapped(value: JsonValue, change: Callable[[str], str]) -> JsonValue:
    match value:
        case str():
            return change(value)
        case list():
            return [_mapped(item, change) for item in value]
        case dict():
            return {key: _mapped(inner, change) for key, inner in value.items()}
        case _:
            return value
