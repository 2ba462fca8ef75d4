"""Executions with every construct, and with sub-workflows, end alike and say the same however they are run."""

import re
from dataclasses import dataclass

import orjson
import pytest
from pydantic import JsonValue
from temporalio.client import Client

from store.database import Database
from store.ids import TenantId
from tests.interpreter.documents import document, work
from tests.interpreter.engine import Ended, ended, engine_on
from tests.interpreter.family import Family, family_on
from tests.interpreter.family_scenarios import SCENARIOS, performed
from tests.interpreter.histories import runs

QUICK = {"child"}
"""The others take their time all together."""
CHANGES = re.compile(rb"(ex|task|ev)_[0-9A-Za-z_-]+|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+]00:00)")
"""What is another in each execution: ids and times."""


@dataclass(frozen=True)
class Variant:
    """How executions are run."""

    continue_after: int | None = None
    cached: int = 500


VARIANTS = {
    "continued as new at every safe point": Variant(continue_after=1),
    "replayed from the start at every step": Variant(cached=0),
    "both": Variant(continue_after=2, cached=0),
}


@dataclass(frozen=True)
class Told:
    """What came of the first execution, and what each said of each of its node runs and of itself, in order."""

    outcome: Ended
    journals: list[dict[str, list[tuple[str, JsonValue]]]]


async def told(client: Client, store: Database, tenant: TenantId, name: str, variant: Variant) -> tuple[Told, int]:
    """Run a scenario; gives what was told, and how many runs of the interpreter it took."""
    scenario = SCENARIOS[name].cut(variant.continue_after)
    async with family_on(client, store, tenant, max_cached_executions=variant.cached) as family:
        handle = await performed(family, scenario)
        journals = sorted((journal(family, execution) for execution in family.executions()), key=repr)
        return Told(await ended(handle), journals), len(await runs(client, handle))


def journal(family: Family, execution: str) -> dict[str, list[tuple[str, JsonValue]]]:
    """What an execution said, by path: things that go on beside each other have no order."""
    said: dict[str, list[tuple[str, JsonValue]]] = {}
    for event in family.events(family.handle(execution)):
        if event.type != "task.reminded":  # it depends on when somebody decides
            data = orjson.loads(CHANGES.sub(b"~", orjson.dumps(event.data)))
            said.setdefault(event.path, []).append((event.type, data))
    return said


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.slow]) for name in SCENARIOS]
)
async def test_it_is_the_same_however_it_is_run(client: Client, store: Database, tenant: TenantId, name: str) -> None:
    plain, once = await told(client, store, tenant, name, Variant())
    assert once == 1
    for variant in VARIANTS.values():
        other, times = await told(client, store, tenant, name, variant)
        assert other == plain
        assert (times > 1) == (variant.continue_after is not None)


async def test_without_a_cache_what_has_no_effects_runs_once_too(client: Client) -> None:
    """Else the SDK breaks local activities off, and their workflow tasks are lost until they have timed out."""
    async with engine_on(client, max_cached_executions=0) as engine:
        flow = engine.plan(document({"a": work(1, type="test.read", config={"sleep": 0.1}), "b": work(2, ["a"])}))
        handles = [await engine.start(flow) for _ in range(5)]
        assert {(await ended(handle)).status for handle in handles} == {"succeeded"}
        assert list(engine.witness.runs.values()) == [1] * 10
