"""The steps as activities, written for temporalio by hand."""

from temporalio import activity

from benchmarks.step import Step, taken


@activity.defn(name="step")
async def step(given: Step) -> Step:
    return taken(given)


@activity.defn(name="read")
async def read(given: Step) -> Step:
    return taken(given)
