"""The benchmarks' steps as activity types: one with effects, one without."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import JsonValue

from activities.activity_type import ActivityType
from activities.context import Context
from benchmarks.step import Step, taken
from dag.activity_type import Traits


async def step(config: Step, context: Context) -> Step:
    """Do as good as nothing, as if it changed something outside."""
    return taken(config)


async def read(config: Step, context: Context) -> Step:
    """Do as good as nothing, and change nothing."""
    return taken(config)


def without_effects(config: Mapping[str, JsonValue]) -> Traits:
    return Traits(effects=False, repeatable=True)


STEP = ActivityType("bench.step", "Step", Step, Step, step, timeout=timedelta(seconds=30))
READ = ActivityType("bench.read", "Read", Step, Step, read, timeout=timedelta(seconds=30), traits=without_effects)

TYPES = {declared.name: declared for declared in (STEP, READ)}
