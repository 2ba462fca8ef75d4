"""How much a JSON Schema asks of each part of a value, at most.

A few lines of schema can ask for more than a machine can do: references that double at each step. A check that has
begun cannot be stopped, so this is found out when publishing, from the schema alone: which schemas come together at one
place of a value, how many times each, and which then come together at the places inside it.
"""

from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from dag.subschemas import HERE_LIST, HERE_MAP, HERE_ONE, INSIDE_LIST, INSIDE_MAP, Schema, anchors, referred, subschemas

MOST = 10_000
"""No part of a value may have more subschemas asked of it."""

_Asked = dict[int, tuple[Schema, int]]
"""Schemas by identity, and how many times each is asked of one part of a value."""

_HERE = (*HERE_ONE, *HERE_LIST, *HERE_MAP)
_LISTS = frozenset((*HERE_LIST, *INSIDE_LIST))
_MAPS = frozenset((*HERE_MAP, *INSIDE_MAP))


def heaviest(root: Schema) -> int | None:
    """The most subschemas asked of any one part of any value. None: too many, or more with every step inside."""
    names = anchors(root)
    left = 100_000 + 100 * sum(1 for _ in subschemas(root))
    most = 0
    met: set[frozenset[tuple[int, int]]] = set()
    waiting: list[_Asked] = [_together([(root, 1)])]
    while waiting:
        asked = waiting.pop()
        place = frozenset((which, times) for which, (_, times) in asked.items())
        if not place or place in met:
            continue
        met.add(place)
        whole = _expanded(asked, root, names)
        most = max(most, sum(times for _, times in whole.values()))
        for inside in _inside(list(whole.values())):
            left -= 1 + len(whole) + len(inside)
            if most > MOST or left < 0:
                return None
            waiting.append(_together(inside))
    return most if most <= MOST else None


def _expanded(asked: _Asked, root: Schema, names: dict[str, Schema]) -> _Asked:
    """Add what those ask of the same value, up to one time more than the most.

    First come, first followed: what is reached in several ways of one length is followed once.
    """
    waiting = dict(asked)
    whole: _Asked = {}
    asks = 0
    while waiting and asks <= MOST:
        schema, times = waiting.pop(next(iter(waiting)))
        asks += times
        _add(whole, schema, times)
        for inner in _same(schema, root, names):
            _add(waiting, inner, times)
    return whole


def _same(schema: Schema, root: Schema, names: dict[str, Schema]) -> Iterator[Schema]:
    yield from _of(schema, _HERE)
    for keyword in ("$ref", "$dynamicRef"):
        ref = schema.get(keyword)
        found = referred(root, ref, names) if isinstance(ref, str) else None
        if isinstance(found, dict):
            yield found


def _inside(whole: list[tuple[Schema, int]]) -> Iterator[list[tuple[Schema, int]]]:
    """What comes together at each kind of place inside: each named member, the others, their names, each first item,
    the others. Patterns are taken to match every name."""
    names = {name: None for schema, _ in whole for name in _keys(schema, "properties")}
    for name in names:
        yield [(inner, times) for schema, times in whole for inner in _member(schema, name)]
    yield [(inner, times) for schema, times in whole for inner in _member(schema, None)]
    yield [(inner, times) for schema, times in whole for inner in _of(schema, ("propertyNames",))]
    longest = max((len(_list(schema, "prefixItems")) for schema, _ in whole), default=0)
    for number in range(longest + 1):
        yield [(inner, times) for schema, times in whole for inner in _item(schema, number)]


def _member(schema: Schema, name: str | None) -> Iterator[Schema]:
    properties = schema.get("properties")
    if name is not None and isinstance(properties, dict) and name in properties:
        inner = properties[name]
        if isinstance(inner, dict):
            yield inner
    else:
        yield from _of(schema, ("additionalProperties",))
    yield from _of(schema, ("patternProperties", "unevaluatedProperties"))


def _item(schema: Schema, number: int) -> Iterator[Schema]:
    prefix = _list(schema, "prefixItems")
    if number < len(prefix):
        inner = prefix[number]
        if isinstance(inner, dict):
            yield inner
    else:
        yield from _of(schema, ("items",))
    yield from _of(schema, ("contains", "unevaluatedItems"))


def _list(schema: Schema, keyword: str) -> list[JsonValue]:
    held = schema.get(keyword)
    return held if isinstance(held, list) else []


def _keys(schema: Schema, keyword: str) -> Iterable[str]:
    held = schema.get(keyword)
    return held if isinstance(held, dict) else ()


def _of(schema: Schema, keywords: Iterable[str]) -> Iterator[Schema]:
    for keyword in keywords:
        held = schema.get(keyword)
        if keyword in _LISTS:
            inside: Iterable[JsonValue] = held if isinstance(held, list) else ()
        elif keyword in _MAPS:
            inside = held.values() if isinstance(held, dict) else ()
        else:
            inside = (held,)
        yield from (inner for inner in inside if isinstance(inner, dict))


def _together(asked: Iterable[tuple[Schema, int]]) -> _Asked:
    whole: _Asked = {}
    for schema, times in asked:
        _add(whole, schema, times)
    return whole


def _add(to: _Asked, schema: Schema, times: int) -> None:
    before = to.get(id(schema))
    to[id(schema)] = (schema, times + (before[1] if before else 0))
