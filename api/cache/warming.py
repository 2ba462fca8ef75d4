"""Puts outputs where nodes look for them before they run."""

import asyncio
import re
from collections.abc import Iterator, Mapping

import orjson
from fastapi import Response
from pydantic import JsonValue

from api.cache.shapes import WarmIn
from api.json_answers import answer
from dag.activity_type import Catalog
from dag.checks.placement import LOOPS
from dag.errors import PerdureError
from dag.inputs import InputInvalid, accepted
from dag.invocation import CacheUse, Invocation
from dag.plan import PlanGraph, PlanNode
from dag.recipe import node_of, recipe
from store import cache, cached_outputs, plans
from store.cache import Made
from store.cached_outputs import CachedOutput
from store.session import Session

_SECRET = re.compile(r"\$\{\{\s*secrets\b")


class OutputInvalid(InputInvalid):
    """The output does not fit the type of the node. The problems say where and why."""

    code = "output.invalid"


class CacheRefused(PerdureError):
    """Nothing can be stored for this node."""

    code = "cache.refused"


class NodeUnknown(PerdureError):
    """This version of the workflow has no such node."""

    code = "node.unknown"


async def warmed(session: Session, types: Catalog, asked: WarmIn) -> Response:
    """Store an output for a node as if an execution had made it."""
    found = await plans.plan(session, asked.workflow, asked.version)
    node = _node(found.plan.graph, asked.node)
    ttl, config = _ttl(node, asked), _config(node, asked)
    output = await asyncio.to_thread(_checked, asked.output, types[node.type].output_schema)
    made_of = recipe(node.type, config, Invocation(cache=CacheUse(asked.key, ttl)))
    made = Made(node.type, None, orjson.dumps(output), ttl, found.name, asked.node, asked.key)
    await cache.keep(session, made_of, made)
    stored, _ = await cached_outputs.find(session, cache.shown_id(session.seal.digests(made_of)[0]))
    return answer(stored, 201)


def with_value(found: tuple[CachedOutput, orjson.Fragment]) -> Response:
    """Write a stored output with what it is."""
    row, output = found
    return answer({**vars(row), "output": output})


def _node(graph: PlanGraph, path: str) -> PlanNode:
    found = next((node for name, node in _nodes(graph, "") if name == path), None)
    if found is None:
        raise NodeUnknown(f"This version of the workflow has no node `{path}`.")
    if found.call is None or found.call.cache is None:
        raise CacheRefused(f"The node `{path}` looks for no stored output: it has no `cache`.")
    return found


def _nodes(graph: PlanGraph, prefix: str) -> Iterator[tuple[str, PlanNode]]:
    for node in graph.nodes:
        yield prefix + node.id, node
        for name, inner in node.graphs.items():
            part = "" if node.type in LOOPS else f"{node_of(name)}."
            yield from _nodes(inner, f"{prefix}{node.id}.{part}")


def _ttl(node: PlanNode, asked: WarmIn) -> float:
    assert node.call is not None
    assert node.call.cache is not None
    if asked.key is not None and node.call.cache.key is None:
        raise CacheRefused(f"The node `{asked.node}` has no `cache.key`.")
    return node.call.cache.ttl if asked.ttl is None else asked.ttl


def _config(node: PlanNode, asked: WarmIn) -> JsonValue:
    if _SECRET.search(orjson.dumps(node.config.value).decode()):
        raise CacheRefused(f"The config of `{asked.node}` holds secrets, which only workers see.")
    if asked.config is not None:
        return asked.config
    if node.config.places:
        raise CacheRefused(f"The config of `{asked.node}` holds templates: say what it is once they are filled in.")
    return node.config.value


def _checked(output: JsonValue, schema: Mapping[str, JsonValue]) -> JsonValue:
    try:
        return accepted(output, dict(schema))
    except InputInvalid as wrong:
        raise OutputInvalid(wrong.problems) from None
