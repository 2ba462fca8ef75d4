"""Documents that tests write by hand, and their nodes."""

from typing import Any


def document(nodes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A definition with these nodes."""
    return {"language": 1, "name": "demo", "nodes": nodes, **fields}


def work(
    value: Any = None, /, needs: list[str] | None = None, type: str = "test.work", **fields: Any
) -> dict[str, Any]:
    """A node that runs an activity of the tests and gives back its `value`."""
    config = {"value": value, **fields.pop("config", {})}
    return {"type": type, "config": config, **({"needs": needs} if needs else {}), **fields}


def computing(expression: str, needs: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    """A node that computes something in the interpreter itself."""
    return {
        "type": "transform",
        "config": {"expression": expression},
        **({"needs": needs} if needs else {}),
        **fields,
    }


def chain(length: int, type: str = "test.work", **config: Any) -> dict[str, Any]:
    """Activities one after another: each adds one to what came before, the first begins with `input.x`."""
    nodes = {"n0": work("${{ input.x }}", type=type, config=config)}
    for n in range(1, length):
        value = f"${{{{ nodes.n{n - 1}.output.value + 1 }}}}"
        nodes[f"n{n}"] = work(value, [f"n{n - 1}"], type=type, config=config)
    return document(nodes)
