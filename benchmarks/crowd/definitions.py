"""The one workflow whose node runs fill a crowded database, under many names."""

from pydantic import JsonValue

TOP = {
    "fetch": "http.request",
    "check": "transform",
    "each": "for_each",
    "charge": "http.request",
    "notify": "http.request",
    "report": "transform",
}
"""Its nodes and their types, in their order."""
TURN = {"price": "transform", "stock": "http.request", "tax": "transform", "keep": "transform"}
"""The nodes in each turn of `each`."""


def document(name: str) -> dict[str, JsonValue]:
    """The workflow under one of its names."""
    body: JsonValue = {"nodes": _chain(TURN)}
    nodes = _chain(TOP)
    nodes["each"] = {"type": "for_each", "needs": ["check"], "config": {"items": "input.lines", "body": body}}
    return {"language": 1, "name": name, "nodes": nodes}


def _chain(types: dict[str, str]) -> dict[str, JsonValue]:
    ids = [*types]
    return {
        id: {**_step(types[id]), **({"needs": list[JsonValue]([ids[place - 1]])} if place else {})}
        for place, id in enumerate(ids)
    }


def _step(type: str) -> dict[str, JsonValue]:
    if type == "transform":
        return {"type": type, "config": {"expression": "1"}}
    return {"type": type, "config": {"method": "GET", "url": "https://shop.example/orders"}}
