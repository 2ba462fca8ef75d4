"""The benchmarks' work as workflow documents, as an author would write them."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

Document = dict[str, JsonValue]
Nodes = dict[str, JsonValue]


def chain(length: int, type: str) -> Document:
    """Each step takes what the one before gave."""
    nodes: Nodes = {}
    above: list[str] = []
    for number in range(length):
        nodes[f"step_{number}"] = _step(type, above)
        above = [f"step_{number}"]
    return _document("chain", nodes, output=f"${{{{ {_given(above)} }}}}")


def fan_out(width: int) -> Document:
    """Many steps at once, and a join that sums up."""
    steps = [f"step_{number}" for number in range(width)]
    nodes: Nodes = {step: _step("bench.step", []) for step in steps}
    outputs = ", ".join(f"nodes.{step}.output.number" for step in steps)
    nodes["sum"] = _node("transform", {"expression": f"$sum([{outputs}])"}, steps)
    return _document("fan-out", nodes, output="${{ nodes.sum.output }}")


def transforms(length: int) -> Document:
    """Control nodes one after the other, each computing with what the one before gave."""
    nodes: Nodes = {}
    given, above = "input.number", list[str]()
    for number in range(length):
        nodes[f"node_{number}"] = _node("transform", {"expression": f"{given} + 1"}, above)
        given, above = f"nodes.node_{number}.output", [f"node_{number}"]
    return _document("transforms", nodes, output=f"${{{{ {given} }}}}")


def mixed(length: int) -> Document:
    """Control nodes of four kinds in turn: count up, decide, decide between several, compute."""
    nodes: Nodes = {}
    above: list[str] = []
    for number in range(0, length, 4):
        count, even, size, result = (f"node_{number + place}" for place in range(4))
        nodes[count] = _node("set", {"values": {"count": "vars.count + 1"}}, above)
        nodes[even] = _node("if", {"condition": "vars.count % 2 = 0"}, [count])
        cases: JsonValue = {"small": "vars.count < 100", "large": "vars.count >= 100"}
        nodes[size] = _node("switch", {"cases": cases}, [f"{even}.true", f"{even}.false"])
        nodes[result] = _node("transform", {"expression": "vars.count"}, [f"{size}.small", f"{size}.large"])
        above = [result]
    return _document("mixed", nodes, output=f"${{{{ {_given(above)} }}}}", vars={"count": 0})


def loop(turns: int) -> Document:
    """One step after another, each with what the one before gave, as turns of a loop."""
    given = {
        field: f"${{{{ loop.index > 0 ? loop.previous.{field} : input.{field} }}}}" for field in ("number", "note")
    }
    body: JsonValue = {"nodes": {"step": _node("bench.step", given, [])}}
    nodes: Nodes = {"turns": _node("repeat", {"times": turns, "body": body}, [])}
    return _document("loop", nodes, output="${{ nodes.turns.output }}")


def for_each(concurrency: int) -> Document:
    """A step for each number from 1 to the input's, so many at once, and their sum."""
    step = _node("bench.step", {"number": "${{ item }}", "note": "${{ input.note }}"}, [])
    nodes: Nodes = {
        "numbers": _node("transform", {"expression": "[1..input.number]"}, []),
        "each": _node(
            "for_each",
            {"items": "nodes.numbers.output", "concurrency": concurrency, "body": {"nodes": {"step": step}}},
            ["numbers"],
        ),
    }
    return _document("for-each", nodes, output="${{ $sum(nodes.each.output.number) }}")


def counting(turns: int) -> Document:
    """A control node a turn, and a condition that is asked before each."""
    body: JsonValue = {"nodes": {"count": _node("set", {"values": {"count": "vars.count + 1"}}, [])}}
    loop: JsonValue = {"condition": f"vars.count < {turns}", "max_iterations": turns, "body": body}
    return _document("counting", {"turns": _node("while", loop, [])}, output="${{ vars.count }}", vars={"count": 0})


def echo() -> Document:
    """Gives back what it is given."""
    return _document("echo", {"same": _node("transform", {"expression": "input"}, [])})


def calling(name: str) -> Document:
    """Has another workflow run, and waits for it."""
    return _document("calling", {"call": _node("workflow", {"name": name, "input": "${{ input }}"}, [])})


def layers(depth: int, width: int) -> Document:
    """A grid in which each node needs two of the layer above. A tenth are activities with effects, a tenth activities
    without, the rest compute."""
    nodes: Nodes = {}
    for layer in range(depth):
        for place in range(width):
            above = [f"n{layer - 1}_{other % width}" for other in (place, place + 1)] if layer else []
            nodes[f"n{layer}_{place}"] = _in_layer(place, above)
    last = ", ".join(f"nodes.n{depth - 1}_{place}.output.number" for place in range(width))
    return _document("layers", nodes, output=f"${{{{ $max([{last}]) }}}}")


def _in_layer(place: int, above: Sequence[str]) -> JsonValue:
    match place % 10:
        case 0:
            return _step("bench.step", above)
        case 1:
            return _step("bench.read", above)
        case _:
            numbers = ", ".join(f"{_given([each])}.number" for each in above) or "input.number"
            expression = f"{{'number': $max([{numbers}]) + 1, 'note': {_given(above)}.note}}"
            return _node("transform", {"expression": expression}, above)


def _step(type: str, above: Sequence[str]) -> JsonValue:
    given = _given(above)
    return _node(type, {"number": f"${{{{ {given}.number }}}}", "note": f"${{{{ {given}.note }}}}"}, above)


def _given(above: Sequence[str]) -> str:
    return f"nodes.{above[0]}.output" if above else "input"


def _node(type: str, config: Mapping[str, JsonValue], needs: Sequence[str]) -> JsonValue:
    return {"type": type, **({"needs": list[JsonValue](needs)} if needs else {}), "config": dict(config)}


def _document(name: str, nodes: Nodes, **rest: JsonValue) -> Document:
    return {"language": 1, "name": name, **rest, "nodes": nodes}
