"""A workflow as its author wrote it: the document, its settings, and every graph in it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, GetCoreSchemaHandler, JsonValue, ValidationError
from pydantic_core import CoreSchema, core_schema

from dag.controls.waiting import Approval, Ask
from dag.controls.words import WORDS, Control
from dag.fields import Count, ExecutionTime, Expression, Json, LanguageVersion, Template
from dag.flaws import fatal, flaws
from dag.inputs import schema_problems
from dag.limits import DEFAULTS, Limits
from dag.names import NodeId, WorkflowName
from dag.node import Activity, Broken
from dag.outline import GRAPHS, outline
from dag.part import Omissible, Part, tag
from dag.places import Path, found
from dag.problems import Problem, pointer, told
from dag.refusals import ACTIVITY, refusals
from dag.salvage import salvaged
from dag.scope import Graph

DOCUMENT_ORDER = ("language", "name", "title", "labels", "input", "settings", "vars", "nodes", "output", "layout")


class _ByType:
    """Chooses a node's model by its type, so that one wrong node gives its own problems and not those of every type."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        models = {tag(word): model for word, model in WORDS.items()} | {ACTIVITY: Activity, _BROKEN: Broken}
        return core_schema.tagged_union_schema(
            {name: handler.generate_schema(model) for name, model in models.items()}, discriminator=_tag
        )


_BROKEN = tag(tag("broken"))
"""With one NUL more than any type that a document names."""


def _tag(value: Any) -> str | None:
    match value:
        case Broken():
            return _BROKEN
        case {"type": str(word)}:
            return ACTIVITY if "." in word else tag(word)
        case Activity():
            return ACTIVITY
        case _:
            return tag(value.type) if isinstance(value, Control) else None


Node = Annotated[Control | Activity | Broken, _ByType()]
"""A step of any type. Only what is salvaged from a document with problems holds a broken one."""

Graph.model_rebuild(_types_namespace={"Node": Node, "NodeId": NodeId})


class Concurrency(Part):
    """How many executions run at once."""

    key: Omissible[Expression] = None
    """Executions with equal keys count together. Left out: all of the workflow do."""
    limit: Count
    """How many run at once."""
    on_limit: Literal["queue", "reject", "replace"] = "queue"
    """What becomes of one more."""


class OnFailure(Part):
    """The workflow that is told of failures."""

    workflow: WorkflowName
    """Started once with the error, detached, after compensation."""


class Settings(Part):
    """How executions are run."""

    timeout: Omissible[ExecutionTime] = None
    """Of the whole execution. Left out: the tenant's plan decides."""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    """1 goes first, 5 last."""
    fail: Literal["fast", "wait"] = "fast"
    """Whether a failing graph cancels what runs in it, or lets it end."""
    on_failure: Omissible[OnFailure] = None
    search: dict[str, Template] = {}
    """Values that executions are found by."""
    concurrency: Omissible[Concurrency] = None


class Definition(Graph, title="Workflow"):
    """A workflow."""

    language: LanguageVersion
    """The version of the language."""
    name: WorkflowName
    """Unique in a tenant; never changes."""
    title: Omissible[str] = None
    """The name that people read."""
    labels: dict[str, str] = {}
    """Words to sort workflows by."""
    input: dict[str, Json] = {}
    """The JSON Schema (2020-12) of the input. It is checked at start and draws the form."""
    settings: Settings = Settings()
    """How executions are run."""
    layout: dict[str, Json] = {}
    """Drawing only; not part of what a version is."""

    def document(self) -> dict[str, JsonValue]:
        """The definition as a document; what was left out stays so."""
        written: dict[str, JsonValue] = self.model_dump(by_alias=True, exclude_unset=True, warnings=False)
        return {key: written[key] for key in DOCUMENT_ORDER if key in written}

    def content_hash(self) -> str:
        """Equal definitions have equal hashes whatever their layout; the order of keys in them counts."""
        document = self.document()
        document.pop("layout", None)
        return hashlib.sha256(orjson.dumps(document)).hexdigest()

    def graphs(self) -> "Iterator[Scope]":
        """Every graph, an enclosing one before those inside it, in written order."""
        waiting = [Scope((), self, ())]
        while waiting:
            scope = waiting.pop()
            yield scope
            waiting.extend(reversed([*_inside(scope)]))


@dataclass(frozen=True)
class Scope:
    """A graph in its place. Around it: the graphs from the outermost in, each with the node that leads here."""

    path: Path
    graph: Graph
    enclosing: "tuple[tuple[Scope, str], ...]"


@dataclass(frozen=True)
class Parsed:
    """What was read of a document. With problems, the definition is what could be salvaged, so that the rest can be
    checked: wrong nodes are `Broken` ones, other wrong parts are left out. None: no graph could be made of it."""

    definition: Definition | None
    problems: tuple[Problem, ...]


def parse(document: JsonValue, *, limits: Limits = DEFAULTS) -> Parsed:
    """Read a document, telling everything that is wrong in itself. Never an exception, whatever the document."""
    problems = flaws(document, depth=limits.document_depth, values=limits.document_values)
    if fatal(problems):
        return Parsed(None, told(problems))
    if not isinstance(document, dict):
        return Parsed(None, (Problem("wrong_type", "", "A workflow is an object."),))
    sound = not problems
    problems += outline(document, limits=limits)
    if fatal(problems):
        return Parsed(None, told(problems))
    try:
        definition = _validated(document, limits)
    except ValidationError as refused:
        wrong, places = refusals(refused, Definition)
        problems += wrong
        definition = _validated_rest(document, places, limits) if places else None
    for place, form in _forms(definition) if sound and definition is not None else ():
        problems += [replace(problem, path=pointer(place) + problem.path) for problem in schema_problems(form)]
    return Parsed(definition, told(problems))


def _forms(definition: Definition) -> Iterator[tuple[Path, JsonValue]]:
    """The JSON Schemas of forms, but for those that are computed."""
    for scope in definition.graphs():
        for id, node in scope.graph.nodes.items():
            form = node.config.form if isinstance(node, Approval | Ask) else None
            if form and b"${{" not in orjson.dumps(form):
                yield (*scope.path, "nodes", id, "config", "form"), form


def _validated_rest(document: dict[str, JsonValue], wrong: list[Path], limits: Limits) -> Definition | None:
    try:
        return _validated(salvaged(document, wrong), limits)
    except ValidationError:
        return None


def _validated(document: dict[str, Any], limits: Limits) -> Definition:
    return Definition.model_validate(document, context={"limits": limits})


def _inside(scope: Scope) -> Iterator[Scope]:
    for id, node in scope.graph.nodes.items():
        for pattern in GRAPHS.get(node.type, ()):
            for path, graph in found(node, pattern):
                yield Scope((*scope.path, "nodes", id, *path), graph, (*scope.enclosing, (scope, id)))
