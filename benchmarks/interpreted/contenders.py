"""Our side of each case: a document, compiled once as publishing does, run by the interpreter."""

import time

from activities import registry
from benchmarks.case import OURS, Contender, Stage
from benchmarks.executions import contender
from benchmarks.interpreted.definitions import Document
from benchmarks.interpreted.plug_ins import TYPES
from benchmarks.step import start
from dag.compile import compiled
from interpreter.start import Start
from runtime import executions


def execution(stage: Stage, document: Document, *, result: object, at_once: int = 1) -> Contender:
    """Runs a document from start to result."""
    plan = compiled(document, registry.catalog({**registry.load(), **TYPES}))
    begin = Start(input=start().model_dump())
    return contender(
        OURS,
        stage.client,
        lambda id: executions.start(stage.client, plan, begin, tenant="benchmark", execution=id, queue=stage.ours),
        result=result,
        at_once=at_once,
    )


def compilation(document: Document) -> Contender:
    """Checks and compiles a document, as publishing does."""
    catalog = registry.catalog({**registry.load(), **TYPES})

    async def run() -> float:
        began = time.perf_counter()
        compiled(document, catalog)
        return time.perf_counter() - began

    return Contender(OURS, run)
