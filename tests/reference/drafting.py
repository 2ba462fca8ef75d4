"""Makes a document of recipes: whatever they are, it may be published."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from tests.reference.document import ACTIVITIES, CONSTRUCTS, Document
from tests.reference.recipes import LONG, Choice, Pace, Recipe, nested
from tests.reference.texts import Sight, condition, marked, value


def drafted(recipes: list[Recipe], *, fail: str, timeout: str | None, output: list[Choice], pace: Pace) -> Document:
    """A document of one graph, and those that its recipes hold."""
    place = _Place(delays=[*pace.delays], clocks=[*pace.clocks], pace=pace)
    document: dict[str, Any] = {"language": 1, "name": "generated"}
    settings = {**({"fail": fail} if fail != "fast" else {}), **({"timeout": timeout} if timeout else {})}
    if settings:
        document["settings"] = settings
    document["nodes"] = _nodes(place, nested(recipes, holders=CONSTRUCTS))
    if not pace.has_timeouts and not place.delays:  # a local activity would hold up the timer
        for _, node in every_node(document):
            node["type"] = "test.step" if node["type"] == "test.read" else node["type"]
    if output:
        document["output"] = _written_output(list(document["nodes"]), output)
    if "vars." in str(document):
        document["vars"] = {"v": 1, "w": "${{ input.n }}"}
    return document


def every_node(graph: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The nodes of a graph, and of those within, by their ids."""
    for name, node in graph["nodes"].items():
        yield name, node
        for inner in graphs_in(node):
            yield from every_node(inner)


def graphs_in(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The graphs that a node holds."""
    if node["type"] not in CONSTRUCTS:
        return []
    config = node["config"]
    found = [config.get("body"), *config.get("branches", {}).values(), config.get("finally")]
    return [graph for graph in (*found, *(entry["body"] for entry in config.get("catch", []))) if graph]


@dataclass(frozen=True)
class _Place:
    """Where a graph stands. What is a list is shared by the whole document, and used up."""

    delays: list[tuple[int, int]]
    clocks: list[int]
    pace: Pace
    numbers: Iterator[int] = field(default_factory=count)
    sight: Sight = field(default_factory=lambda: Sight({}))
    """What is known of all that is around."""
    in_loop: bool = False
    """So that a `break` may stand here."""
    in_finally: bool = False
    """So that no `stop` may stand here."""


@dataclass
class _Draft:
    """The nodes of a graph so far, in an order in which they could run."""

    place: _Place
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    ports: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    upstream: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    def sight(self, name: str) -> Sight:
        known = {each: self.nodes[each] for each in self.upstream[name]}
        return replace(self.place.sight, nodes={**known, **self.place.sight.nodes})


def _nodes(place: _Place, recipes: list[Recipe]) -> dict[str, dict[str, Any]]:
    draft = _Draft(place)
    ranks: dict[str, int] = {}
    for recipe in recipes:
        name = f"n{next(place.numbers)}"
        ranks[name] = recipe.spice[2]
        _add(draft, name, recipe)
    return {name: draft.nodes[name] for name in sorted(draft.nodes, key=ranks.__getitem__)}


def _add(draft: _Draft, name: str, recipe: Recipe) -> None:
    needs = _needs(draft, recipe)
    sources = dict.fromkeys(need.partition(".")[0] for need in needs)
    draft.upstream[name] = list(dict.fromkeys(node for source in sources for node in (source, *draft.upstream[source])))
    node: dict[str, Any] = _step(draft, name, recipe)
    if needs:
        node["needs"] = needs
        node |= _join(recipe, len(needs))
    if when := recipe.spice[0]:
        node["when"] = condition(draft.sight(name), when + recipe.texts[2])
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
    kind, number = recipe.join
    match kind:
        case "all":
            return {}
        case "any":
            return {"join": "any"}
        case "any ignore":
            return {"join": {"rest": "ignore"}}
        case "count":
            return {"join": {"count": 1 + number % edges}}
        case _:
            return {"join": {"count": 1 + number % edges, "rest": "ignore"}}


def _step(draft: _Draft, name: str, recipe: Recipe) -> dict[str, Any]:
    """Type and config; says which ports the node has."""
    _, continues, _ = recipe.spice
    ports = ["out"] if continues else ["out", "error"]
    node: dict[str, Any] = {"on_error": "continue"} if continues else {}
    first, second, third = recipe.texts
    place, sight = draft.place, draft.sight(name)
    match recipe.kind:
        case "activity":
            config = {"value": marked(value(sight, first))} if first else {}
            node |= {"type": ACTIVITIES[second % 2], **({"config": config} if config else {})}
            if recipe.undone:
                node["compensate"] = {"type": "test.step", "config": {"value": "${{ output }}"}}
        case "if":
            node, ports = {"type": "if", "config": {"condition": condition(sight, first)}}, ["true", "false", "error"]
        case "switch":
            node, ports = {"type": "switch", "config": _cases(sight, recipe)}, ["a", "b", "default", "error"]
        case "delay" if place.delays:
            duration, timeout = place.delays.pop()
            lasts = LONG if place.delays and second % 3 == 2 else f"{duration}ms"
            node |= {"type": "delay", "config": {"for": lasts}}
            node |= {"timeout": f"{timeout}ms"} if third % 3 == 1 else {}
        case "set":
            node |= {"type": "set", "config": {"values": {"v": value(sight, first), "w": "vars.v"}}}
        case "fail":
            node |= {"type": "fail", "config": {"code": f"user.{name}", "message": "No."}}
            ports = ["out"] if continues else ["error"]
        case "stop" if not place.in_finally:
            node, ports = {"type": "stop"}, []
            if first:
                node["config"] = {"output": {"v": marked(value(sight, first))}}
        case "break" | "continue" if place.in_loop:
            node, ports = {"type": recipe.kind}, ["out"]
            if first:
                node["config"] = {"when": condition(sight, first)}
        case holder if holder in CONSTRUCTS and recipe.inside:
            node |= {"type": holder, "config": HOLDERS[holder](replace(place, sight=sight), recipe)}
            if place.clocks and third % 7 == 5:
                node["timeout"] = f"{place.clocks.pop()}ms"
        case _:
            node |= _computing(sight, recipe)
    draft.ports[name] = ports
    return node


def _cases(sight: Sight, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    if third % 2:
        return {"value": value(sight, first), "cases": {"a": [0, 1], "b": second}}
    return {"cases": {"a": condition(sight, first), "b": condition(sight, second)}}


def _computing(sight: Sight, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    text = value(sight, first)
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


def _written_output(names: list[str], choices: list[Choice]) -> Any:
    entries: Mapping[str, str] = {
        f"o{number}": marked(f"nodes.{names[choice % len(names)]}.{('status', 'output', 'port')[number]}")
        for number, choice in enumerate(choices)
    }
    return {**entries, **({"bad": "${{ $error('boom') }}"} if choices[0] == 29 else {})}


# What holds graphs


def _for_each(place: _Place, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    at_once = (10, 1, 2)[second % 3]
    named = {1: "row", 2: "entry"}.get(third % 3, "item")
    previous = ["loop.previous.v"] if at_once == 1 else []
    sight = _within(place.sight, [named, "loop.index", "loop.count", *previous], [f"{named} > 2", "loop.index = 1"])
    config: dict[str, Any] = {"items": value(place.sight, first) if first > 12 else "input.list"}
    config |= {"as": named} if named != "item" else {}
    config |= {"concurrency": at_once} if at_once != 10 else {}
    config |= (
        {},
        {"on_item_error": "continue"},
        {"tolerate": {"count": 1}},
        {"tolerate": {"percent": 40}},
    )[(second // 3) % 4]
    config |= {"result": mode} if (mode := _RESULTS[(first + third) % len(_RESULTS)]) != "list" else {}
    if third % 4 == 3:
        config["until"] = ("loop.output.v > 2", "loop.done = 2", "loop.index = 1 and loop.count = 3")[first % 3]
    return {**config, "body": _graph(_in_loop(place, sight), _all(recipe), third, is_alone=at_once == 1)}


def _while(place: _Place, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    config: dict[str, Any] = {
        "condition": (
            f"loop.index < {1 + first % 3}",
            f"loop.index < 3 and {condition(place.sight, first)}",
            "loop.index < 1 or loop.previous.v > 2",
            f"({condition(place.sight, first)}) or loop.index < 1",
        )[second % 4],
        "max_iterations": 2 + first % 3,
    }
    return {**config, "body": _graph(_in_turns(place, []), _all(recipe), third, is_alone=True)}


def _repeat(place: _Place, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    config: dict[str, Any] = {"times": first % 4}
    known = ["loop.count"]
    if second % 2:
        until = ("loop.index = 1", "loop.output.v > 2", "loop.done = 2", condition(place.sight, first))[first % 4]
        config, known = {"until": until, "max_iterations": 2 + third % 2}, []
    return {**config, "body": _graph(_in_turns(place, known), _all(recipe), third, is_alone=True)}


def _all(recipe: Recipe) -> list[Recipe]:
    return [each for graph in recipe.inside for each in graph]


def _parallel(place: _Place, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    names = ["left", "right", "middle"][: len(recipe.inside)]
    config: dict[str, Any] = ({}, {"wait": "any"}, {"wait": {"count": 1 + third % len(names)}})[first % 3]
    config |= {"result": mode} if (mode := _MODES[second % len(_MODES)]) != "by_branch" else {}
    branches = {
        name: _graph(place, recipes, third, is_alone=False) for name, recipes in zip(names, recipe.inside, strict=True)
    }
    return {**config, "branches": branches}


def _try(place: _Place, recipe: Recipe) -> dict[str, Any]:
    first, second, third = recipe.texts
    body, *others = recipe.inside
    config: dict[str, Any] = {"body": _graph(place, body, third, is_alone=True)}
    others = others or [body[:1]]
    last = (None, others[-1], others[-1])[second % 3]
    if second % 3 == 1:
        others.pop()
    if others:
        named = "why" if third % 2 else "error"
        sight = _within(place.sight, [f"{named}.code"], [f"{named}.code = 'expression.failed'"])
        codes: Any = ({}, {}, {"codes": ["user"]}, {"codes": ["expression", "join", "timeout.node"]})[first % 4]
        caught = _graph(replace(place, sight=sight), others[0], third, is_alone=True)
        config["catch"] = [{**codes, **({"as": named} if named != "error" else {}), "body": caught}]
        if len(others) > 1:
            config["catch"].append({"body": _graph(place, others[1], third, is_alone=True)})
    if last is not None:
        inner = replace(place, in_loop=False, in_finally=True)
        config["finally"] = _graph(inner, last, third, is_alone=True)
    return config


HOLDERS = {"for_each": _for_each, "while": _while, "repeat": _repeat, "parallel": _parallel, "try": _try}
_RESULTS = ("list", "list", "full", "list", "last", "first", "none", "merge")
_MODES = ("by_branch", "list", "first", "last", "by_branch", "merge")


def _graph(place: _Place, recipes: list[Recipe], choice: Choice, *, is_alone: bool) -> dict[str, Any]:
    """Unless it is alone, what it sets are variables of its own."""
    nodes = _nodes(place, recipes)
    graph: dict[str, Any] = {}
    sets = any(node["type"] == "set" for _, node in every_node({"nodes": nodes}))
    if (sets and not is_alone) or choice % 7 == 6:
        graph["vars"] = {"v": marked(value(replace(place.sight, nodes={}), choice)), "w": "${{ vars.v }}"}
    graph["nodes"] = nodes
    if choice % 3 == 2:
        name = [*nodes][choice % len(nodes)]
        graph["output"] = {"v": marked(value(Sight({name: nodes[name]}, place.sight.values), 1 + choice % 2))}
    return graph


def _in_turns(place: _Place, known: list[str]) -> _Place:
    return _in_loop(place, _within(place.sight, ["loop.index", "loop.previous.v", *known], ["loop.index = 1"]))


def _in_loop(place: _Place, sight: Sight) -> _Place:
    """In real time there is one delay only."""
    return replace(place, sight=sight, in_loop=True, delays=place.delays if place.pace.has_timeouts else [])


def _within(sight: Sight, values: list[str], conditions: list[str]) -> Sight:
    """What an inner loop binds hides what an outer one does."""
    kept = [text for text in sight.values if not text.startswith("loop.")]
    return Sight(sight.nodes, list(dict.fromkeys([*values, *kept])), [*conditions, *_outer(sight)])


def _outer(sight: Sight) -> list[str]:
    return [text for text in sight.conditions if not text.startswith("loop.")]
