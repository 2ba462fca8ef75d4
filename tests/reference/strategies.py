"""Any workflow of one graph that may be published, and any world for it to run in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.reference.document import ACTIVITIES, Document
from tests.reference.script import Acknowledges, Behaviour, Raises, Returns, Script

Choice = int
"""Stands for one of several things; 0 for the simplest."""

LONG = "1h"
_DELAYS = ((101, 51), (302, 152), (904, 454))
"""Milliseconds, and shorter timeouts. No two sums are near each other, so that real clocks agree on the order, nor a
multiple of a script's tick."""


@dataclass(frozen=True)
class Recipe:
    """What is drawn for one node. It means something beside any others, so that every list of recipes is a graph."""

    kind: str
    needs: list[tuple[Choice, Choice]]
    """For each edge, how far back its source is, and the source's port."""
    join: str
    count: Choice
    when: Choice
    texts: list[Choice]
    on_error: bool
    rank: int
    """Nodes of a lower rank are written first."""


def graphs(max_nodes: int = 25, *, timeouts: bool = True) -> st.SearchStrategy[Document]:
    """Documents that pass every check. `timeouts`: of the whole execution."""
    return st.builds(
        _document,
        st.lists(_recipes(), min_size=1, max_size=6) | st.lists(_recipes(), min_size=6, max_size=max_nodes),
        fail=st.sampled_from(["fast", "wait"]),
        timeout=_rarely(st.integers(1, 40).map(lambda ticks: f"{ticks * 50}ms")) if timeouts else st.none(),
        output=st.lists(_choices, max_size=3),
    )


def scripts(document: Document, *, tick: float = 0.05) -> st.SearchStrategy[Script]:
    """Worlds for a document, in which every time is a number of ticks."""
    names = [name for name, node in document["nodes"].items() if node["type"] in ACTIVITIES]
    return st.builds(
        Script,
        input=st.fixed_dictionaries(
            {"n": st.integers(0, 5), "flag": st.booleans(), "list": st.lists(st.integers(0, 5), max_size=3)}
        ),
        activities=st.fixed_dictionaries({name: _behaviours(name, tick) for name in names}),
        cancel_at=_rarely(st.integers(1, 40).map(lambda ticks: ticks * tick)),
    )


_choices = st.one_of(st.integers(0, 2), st.integers(0, 30))
_sources = st.tuples(_choices, st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2]))


def _rarely(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 4).flatmap(lambda dice: strategy if dice == 4 else st.none())


def _recipes() -> st.SearchStrategy[Recipe]:
    return st.builds(
        Recipe,
        kind=st.sampled_from(["activity"] * 16 + ["if", "switch", "delay", "compute"] * 2 + ["set", "fail", "stop"]),
        needs=st.lists(_sources, max_size=1) | st.lists(_sources, min_size=2, max_size=4),
        join=st.sampled_from(["all", "any", "any", "any ignore", "count", "count ignore"]),
        count=st.integers(0, 3),
        when=st.sampled_from([0] * 14 + list(range(1, 6))),
        texts=st.lists(_choices, min_size=3, max_size=3),
        on_error=st.integers(0, 5).map(lambda dice: dice == 5),
        rank=st.sampled_from([1, 1, 1, 0, 2]),
    )


def _behaviours(name: str, tick: float) -> st.SearchStrategy[Behaviour]:
    returned = st.sampled_from([0, 1, 2, 3, 4, 5, 5, 4, "text"]).map(lambda v: Returns({"v": v}))
    raised = st.just(Raises(f"user.{name}"))
    return st.builds(
        Behaviour,
        takes=st.integers(1, 20).map(lambda ticks: ticks * tick),
        ends=st.integers(0, 5).flatmap(lambda dice: raised if dice == 5 else returned),
        answers_after=st.integers(0, 5).map(lambda ticks: ticks * tick),
        answers=st.one_of(st.just(Acknowledges()), returned, raised),
    )


@dataclass
class _Draft:
    """The nodes so far, in an order in which they could run."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    ports: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    upstream: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    delays: int = 0


def _document(recipes: list[Recipe], *, fail: str, timeout: str | None, output: list[Choice]) -> Document:
    draft = _Draft()
    for number, recipe in enumerate(recipes):
        _add(draft, f"n{number}", recipe)
    written = sorted(draft.nodes, key=lambda name: recipes[int(name[1:])].rank)
    document: dict[str, Any] = {"language": 1, "name": "generated"}
    settings = {**({"fail": fail} if fail != "fast" else {}), **({"timeout": timeout} if timeout else {})}
    if settings:
        document["settings"] = settings
    document["nodes"] = {name: draft.nodes[name] for name in written}
    if output:
        document["output"] = _written_output(draft, output)
    if "vars.v" in str(document):
        document["vars"] = {"v": 1, "w": "${{ input.n }}"}
    return document


def _add(draft: _Draft, name: str, recipe: Recipe) -> None:
    needs = _needs(draft, recipe)
    sources = dict.fromkeys(need.partition(".")[0] for need in needs)
    draft.upstream[name] = list(dict.fromkeys(node for source in sources for node in (source, *draft.upstream[source])))
    node: dict[str, Any] = _step(draft, name, recipe)
    if needs:
        node["needs"] = needs
        node |= _join(recipe, len(needs))
    if recipe.when:
        node["when"] = _condition(draft, name, recipe.when + recipe.count)
    draft.nodes[name] = node


def _needs(draft: _Draft, recipe: Recipe) -> list[str]:
    """Loose ends are nearest, then what was added last."""
    needed = {need.partition(".")[0] for node in draft.nodes.values() for need in node.get("needs", [])}
    sources = [name for name in reversed(draft.nodes) if draft.ports[name]]
    sources.sort(key=needed.__contains__)
    found: dict[str, None] = {}
    for back, port in recipe.needs if sources else []:
        source = sources[back % len(sources)]
        ports = draft.ports[source]
        found[source if (chosen := ports[port % len(ports)]) == "out" else f"{source}.{chosen}"] = None
    return list(found)


def _join(recipe: Recipe, edges: int) -> dict[str, Any]:
    match recipe.join:
        case "all":
            return {}
        case "any":
            return {"join": "any"}
        case "any ignore":
            return {"join": {"rest": "ignore"}}
        case "count":
            return {"join": {"count": 1 + recipe.count % edges}}
        case _:
            return {"join": {"count": 1 + recipe.count % edges, "rest": "ignore"}}


def _step(draft: _Draft, name: str, recipe: Recipe) -> dict[str, Any]:
    """Type and config; says which ports the node has."""
    ports = ["out"] if recipe.on_error else ["out", "error"]
    node: dict[str, Any] = {"on_error": "continue"} if recipe.on_error else {}
    first, second, third = recipe.texts
    match recipe.kind:
        case "activity":
            config = {"value": f"${{{{ {_value(draft, name, first)} }}}}"} if first else {}
            node |= {"type": ACTIVITIES[second % 2], **({"config": config} if config else {})}
        case "if":
            node, ports = (
                {"type": "if", "config": {"condition": _condition(draft, name, first)}},
                ["true", "false", "error"],
            )
        case "switch":
            node, ports = {"type": "switch", "config": _cases(draft, name, recipe)}, ["a", "b", "default", "error"]
        case "delay" if draft.delays < len(_DELAYS):
            duration, timeout = _DELAYS[draft.delays]
            node |= {"type": "delay", "config": {"for": f"{duration}ms" if second % 3 else LONG}}
            node |= {"timeout": f"{timeout}ms"} if third % 3 == 1 else {}
            draft.delays += 1
        case "set":
            node |= {"type": "set", "config": {"values": {"v": _value(draft, name, first), "w": "vars.v"}}}
        case "fail":
            node |= {"type": "fail", "config": {"code": f"user.{name}", "message": "No."}}
            ports = ["out"] if recipe.on_error else ["error"]
        case "stop":
            node, ports = {"type": "stop"}, []
            if first:
                node["config"] = {"output": {"v": f"${{{{ {_value(draft, name, first)} }}}}"}}
        case _:
            node |= _computing(draft, name, recipe)
    draft.ports[name] = ports
    return node


def _cases(draft: _Draft, name: str, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    if third % 2:
        return {"value": _value(draft, name, first), "cases": {"a": [0, 1], "b": second}}
    return {"cases": {"a": _condition(draft, name, first), "b": _condition(draft, name, second)}}


def _computing(draft: _Draft, name: str, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    text = _value(draft, name, first)
    items = "input.list" if second % 2 else text
    configs: list[dict[str, Any]] = [
        {"type": "transform", "config": {"expression": text}},
        {"type": "map", "config": {"items": items, "expression": "item + index"}},
        {"type": "filter", "config": {"items": items, "condition": "item > 1"}},
        {"type": "reduce", "config": {"items": items, "initial": "0", "expression": "result + item"}},
        {"type": "sort", "config": {"items": items, "by": "item", "order": "descending"}},
        {"type": "split", "config": {"items": items, "size": 2}},
        {"type": "merge", "config": {"sources": [text, "input.n"], "mode": ("list", "first", "last")[second % 3]}},
    ]
    return configs[third % len(configs)]


def _condition(draft: _Draft, name: str, choice: Choice) -> str:
    return _chosen(
        choice,
        [
            "input.n > 2",
            "input.flag",
            *(text for node in draft.upstream[name][:6] for text in _asked_of(draft, node)),
            "vars.v > 2",
            "input.absent",
            "$not(input.flag) and input.n < 4",
            "input.flag or $error('boom')",
            "input.n = 2",
        ],
    )


def _value(draft: _Draft, name: str, choice: Choice) -> str:
    return _chosen(
        choice,
        [
            "input.n",
            *(_result_of(draft, node) for node in draft.upstream[name][:6]),
            "vars.v + 1",
            "vars.w",
            "input.absent",
            "input.n + input.n",
            "$error('boom')",
        ],
    )


def _asked_of(draft: _Draft, node: str) -> Iterator[str]:
    """Only of ends: between `running` and `waiting` the languages of a type may differ."""
    yield f"nodes.{node}.status = 'succeeded'"
    if draft.nodes[node]["type"] in ACTIVITIES:
        yield f"nodes.{node}.output.v > 2"
    yield f"nodes.{node}.status = 'skipped' or nodes.{node}.port = 'error'"
    yield f"nodes.{node}.status = 'cancelled' or nodes.{node}.error.code = 'user.{node}'"


def _result_of(draft: _Draft, node: str) -> str:
    match draft.nodes[node]["type"]:
        case "test.step" | "test.read":
            return f"nodes.{node}.output.v"
        case "set":
            return f"nodes.{node}.output.w"
        case "transform" | "reduce":
            return f"nodes.{node}.output + 1"
        case _:
            return f"nodes.{node}.port"


def _chosen(choice: Choice, texts: list[str]) -> str:
    return texts[choice % len(texts)]


def _written_output(draft: _Draft, choices: list[Choice]) -> Any:
    names = list(draft.nodes)
    entries: Mapping[str, str] = {
        f"o{number}": f"${{{{ nodes.{names[choice % len(names)]}.{('status', 'output', 'port')[number]} }}}}"
        for number, choice in enumerate(choices)
    }
    return {**entries, **({"bad": "${{ $error('boom') }}"} if choices[0] == 29 else {})}
