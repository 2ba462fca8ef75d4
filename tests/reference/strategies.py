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
"""Milliseconds, and shorter timeouts. No sum of them is a multiple of a script's tick, or as long as another."""
_SLOW_DELAY = (1500, 800)
"""Longer than continuing as new may take on a busy machine, which must not make it come before what was held back."""


@dataclass(frozen=True)
class Recipe:
    """What is drawn for one node. It means something beside any others, so that every list of recipes is a graph.

    Few draws, each simpler towards its beginning: that is what makes a failing example small within a minute."""

    kind: str
    needs: list[tuple[Choice, Choice]]
    """For each edge, how far back its source is, and the source's port."""
    join: tuple[str, Choice]
    spice: tuple[Choice, bool, int]
    """A choice for `when`, whether `on_error: continue`, and a rank: nodes of a lower one are written first."""
    texts: list[Choice]


def graphs(max_nodes: int = 25, *, virtual_time: bool = True) -> st.SearchStrategy[Document]:
    """Documents that pass every check. For real time they are such that no clock can disagree on what comes first: they
    have one short delay at most, no activity without effects beside it (which would hold up the timer), and no timeout.
    """
    return st.builds(
        _document,
        st.lists(RECIPES, min_size=1, max_size=6) | st.lists(RECIPES, min_size=6, max_size=max_nodes),
        fail=st.sampled_from(["fast", "wait"]),
        timeout=st.sampled_from([None] * 300 + [f"{ticks * 50}ms" for ticks in range(1, 41)])
        if virtual_time
        else st.none(),
        output=st.lists(_choices, max_size=3),
        virtual_time=st.just(virtual_time),
    )


def scripts(document: Document, *, virtual_time: bool = True) -> st.SearchStrategy[Script]:
    """Worlds for a document. For real time they only say what comes after what: activities without effects end first,
    then comes the delay, then, hours apart, all the rest; no two things at the same time."""
    activities = {
        name: _behaviours(
            name, 0.05 if virtual_time else _HOURS[node["type"]] * (1 + int(name[1:]) * 0.618034 % 1 / 40)
        )
        for name, node in document["nodes"].items()
        if node["type"] in ACTIVITIES
    }
    cancel_at = [ticks * (0.05 if virtual_time else _HOURS["test.step"]) for ticks in range(1, 41)]
    return st.builds(
        Script,
        input=st.sampled_from([{"n": n, "flag": n % 2 > 0, "list": [n, 1, 3][: n % 4]} for n in range(6)]),
        activities=st.fixed_dictionaries(activities),
        cancel_at=st.sampled_from([None] * 300 + cancel_at),
    )


_HOURS = {"test.step": 3600, "test.read": 1e-6}


def _choices_of(*weighted: tuple[int, Any]) -> list[Any]:
    return [thing for weight, thing in weighted for _ in range(weight)]


_choices = st.sampled_from([*_choices_of((6, 0), (6, 1), (6, 2)), *range(31)])
_KINDS = _choices_of(
    (16, "activity"), (3, "if"), (2, "compute"), (2, "delay"), (2, "switch"), (1, "set"), (1, "fail"), (1, "stop")
)
_JOINS: list[tuple[str, Choice]] = _choices_of(
    (4, ("all", 0)), (6, ("any", 0)), (4, ("any ignore", 0)),
    *((1, (kind, count)) for kind in ("count", "count ignore") for count in (1, 1, 2, 3)),
)  # fmt: skip
_SPICES: list[tuple[Choice, bool, int]] = _choices_of(
    (24, (0, False, 1)),
    *((1, (when, False, 1)) for when in range(1, 6)),
    *((1, (when, True, 1)) for when in range(4)),
    *((3, (0, False, rank)) for rank in (0, 2)),
)
RECIPES = st.builds(
    Recipe,
    kind=st.sampled_from(_KINDS),
    needs=st.lists(st.tuples(_choices, st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])), max_size=4),
    join=st.sampled_from(_JOINS),
    spice=st.sampled_from(_SPICES),
    texts=st.lists(_choices, min_size=3, max_size=3),
)


def _behaviours(name: str, tick: float) -> st.SearchStrategy[Behaviour]:
    returned = [Returns({"v": v}) for v in (0, 1, 2, 3, 4, 5, "text")]
    raised = Raises(f"user.{name}")
    return st.builds(
        Behaviour,
        takes=st.sampled_from([ticks * tick for ticks in range(1, 21)]),
        ends=st.sampled_from([*returned, raised, raised]),
        answers_after=st.sampled_from([ticks * tick for ticks in range(1, 6)]),
        answers=st.sampled_from([*[Acknowledges()] * 4, *returned[:2], raised, raised]),
    )


@dataclass
class _Draft:
    """The nodes so far, in an order in which they could run."""

    nodes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    ports: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    upstream: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    delays: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Those that may still be used."""


def _document(
    recipes: list[Recipe], *, fail: str, timeout: str | None, output: list[Choice], virtual_time: bool = True
) -> Document:
    draft = _Draft(delays=[*_DELAYS] if virtual_time else [_SLOW_DELAY])
    for number, recipe in enumerate(recipes):
        _add(draft, f"n{number}", recipe)
    written = sorted(draft.nodes, key=lambda name: recipes[int(name[1:])].spice[2])
    document: dict[str, Any] = {"language": 1, "name": "generated"}
    settings = {**({"fail": fail} if fail != "fast" else {}), **({"timeout": timeout} if timeout else {})}
    if settings:
        document["settings"] = settings
    document["nodes"] = {name: draft.nodes[name] for name in written}
    if not virtual_time and not draft.delays:
        for node in document["nodes"].values():
            node["type"] = "test.step" if node["type"] == "test.read" else node["type"]
    if output:
        document["output"] = _written_output(draft, output)
    if "vars." in str(document):
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
    if when := recipe.spice[0]:
        node["when"] = _condition(draft, name, when + recipe.texts[2])
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
    kind, count = recipe.join
    match kind:
        case "all":
            return {}
        case "any":
            return {"join": "any"}
        case "any ignore":
            return {"join": {"rest": "ignore"}}
        case "count":
            return {"join": {"count": 1 + count % edges}}
        case _:
            return {"join": {"count": 1 + count % edges, "rest": "ignore"}}


def _step(draft: _Draft, name: str, recipe: Recipe) -> dict[str, Any]:
    """Type and config; says which ports the node has."""
    _, continues, _ = recipe.spice
    ports = ["out"] if continues else ["out", "error"]
    node: dict[str, Any] = {"on_error": "continue"} if continues else {}
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
        case "delay" if draft.delays:
            duration, timeout = draft.delays.pop()
            lasts = LONG if draft.delays and second % 3 == 2 else f"{duration}ms"
            node |= {"type": "delay", "config": {"for": lasts}}
            node |= {"timeout": f"{timeout}ms"} if third % 3 == 1 else {}
        case "set":
            node |= {"type": "set", "config": {"values": {"v": _value(draft, name, first), "w": "vars.v"}}}
        case "fail":
            node |= {"type": "fail", "config": {"code": f"user.{name}", "message": "No."}}
            ports = ["out"] if continues else ["error"]
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
            *(["input.flag or $error('boom')"] if choice > 20 else []),
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
            *(["$error('boom')"] if choice > 25 else []),
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
