"""Workflows that do something outside, which may happen once only."""

from typing import Any


def flow(port: int, steps: int = 8) -> dict[str, Any]:
    """Two chains of effects with reads between them, that meet at the end."""
    nodes = {**chain(port, "a", steps), **chain(port, "b", steps)}
    nodes["both"] = {
        "type": "transform",
        "needs": [f"a{steps - 1}", f"b{steps - 1}"],
        "config": {"expression": "'met'"},
    }
    return {"language": 1, "name": "effects", "nodes": nodes}


def chain(port: int, name: str, steps: int, needs: list[str] | None = None) -> dict[str, Any]:
    """Effects one after another; the first comes after `needs`."""
    nodes: dict[str, Any] = {}
    for n in range(steps):
        nodes[f"{name}{n}"] = effect(port, f"{name}{n}", [f"{name}{n - 1}"] if n else needs)
    return nodes


def effect(port: int, id: str, needs: list[str] | None = None) -> dict[str, Any]:
    """A request of one node of one execution, whose address says whose it is."""
    url = f"http://127.0.0.1:{port}/${{{{ execution.id }}}}/{id}"
    return {
        "type": "http.request",
        "config": {"method": "POST", "url": url, "body": {"node": id}},
        "retry": {"max_attempts": 10, "initial": "100ms"},
        **({"needs": needs} if needs else {}),
    }
