"""Our side of each case: a document, published as the product does, run by the interpreter."""

import time

from activities import registry
from benchmarks.case import OURS, Contender, Stage
from benchmarks.executions import contender
from benchmarks.interpreted.definitions import Document
from benchmarks.interpreted.plug_ins import TYPES
from benchmarks.step import Step, start
from dag import documents
from dag.activity_type import Catalog
from dag.checks.surroundings import Surroundings
from dag.plan import Plan
from dag.publish import Refused, publish
from interpreter.start import Start
from runtime import executions


class DefinitionRefused(Exception):
    """A benchmark's own document cannot be published."""


def execution(
    stage: Stage, document: Document, *, result: object, at_once: int = 1, input: Step | None = None
) -> Contender:
    """Runs a document from start to result."""
    plan = _published(documents.write(document, "json"), _catalog())
    begin = Start(input=(input or start()).model_dump())
    return contender(
        OURS,
        stage.client,
        lambda id: executions.start(stage.client, plan, begin, tenant="benchmark", execution=id, queue=stage.ours),
        result=result,
        at_once=at_once,
    )


def publication(document: Document) -> Contender:
    """Reads, checks and compiles a document."""
    text = documents.write(document, "json")
    catalog = _catalog()

    async def run() -> float:
        began = time.perf_counter()
        _published(text, catalog)
        return time.perf_counter() - began

    return Contender(OURS, run)


def _catalog() -> Catalog:
    return registry.catalog({**registry.load(), **TYPES})


def _published(text: str, catalog: Catalog) -> Plan:
    document = documents.read(text, format="json")
    published = publish(document, version=1, catalog=catalog, surroundings=Surroundings())
    if isinstance(published, Refused):
        raise DefinitionRefused(published.problems)
    return published.plan
