"""Asks everything that the API needs whether it is there."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.service import RPCError

from api.means import Means
from api.pollers import KINDS, polled
from dag.errors import PerdureError
from store.schema import at_head

_PATIENCE = timedelta(seconds=3)


@dataclass(frozen=True)
class Part:
    """One thing that the API needs, and what to do where it is not there."""

    ok: bool
    hint: str | None = None


@dataclass(frozen=True)
class Readiness:
    """All of them."""

    database: Part
    temporal: Part
    workers: Part

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return self.database.ok and self.temporal.ok and self.workers.ok


async def readiness(means: Means) -> Readiness:
    """Ask all of them at once."""
    database, (temporal, workers) = await asyncio.gather(_database(means), _temporal(means))
    return Readiness(database=database, temporal=temporal, workers=workers)


async def _database(means: Means) -> Part:
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            if await at_head(means.database):
                return Part(True)
        return Part(False, "The database lacks migrations: run `perdure migrate`.")
    except (PerdureError, TimeoutError):
        return Part(False, "The database does not answer: is PostgreSQL running, and PERDURE_DATABASE_URL right?")


async def _temporal(means: Means) -> tuple[Part, Part]:
    unknown = Part(False, "Not known while Temporal does not answer.")
    address, namespace = means.settings.temporal_address, means.settings.temporal_namespace
    try:
        client = await means.temporal.client()
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=namespace), timeout=_PATIENCE
        )
        asked = await asyncio.gather(*(polled(client, means.settings.queue, kind) for kind in KINDS.values()))
    except PerdureError:
        return Part(False, f"Temporal does not answer at {address}: is it running?"), unknown
    except RPCError as wrong:
        return Part(False, f"Temporal at {address} says {wrong.status.name} for namespace `{namespace}`."), unknown
    if all(asked):
        return Part(True), Part(True)
    return Part(True), Part(False, f"No worker has asked for work on queue `{means.settings.queue}`: start one.")
