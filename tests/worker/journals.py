"""Executions on a real Temporal server whose events go into a real database, all of them or not."""

import uuid
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from pydantic import JsonValue
from sqlalchemy import text
from temporalio.client import Client, WorkflowHandle

from dag.sub_workflows import Origin
from interpreter.start import Start
from runtime.executions import start
from runtime.settings import Settings
from store.database import Database
from store.ids import ExecutionId, TenantId
from store.session import session
from tests.interpreter.publishing import published
from tests.interpreter.witness import Witness, types
from tests.store.telling import Stored, stored
from tests.worker.attempts import means
from worker.host import worker
from worker.journal import writing
from worker.reconcile import Reconcile, reconcile_activity
from worker.sink import BufferedSink, Entry, Step

Loses = Callable[[Step], bool]


@dataclass
class Installation:
    """A worker that writes the journal of a tenant."""

    client: Client
    store: Database
    tenant: TenantId
    settings: Settings

    async def start(
        self,
        document: Mapping[str, JsonValue],
        input: JsonValue = None,
        *,
        origin: Origin | None = None,
        **how: Any,
    ) -> WorkflowHandle[Any, Any]:
        plan = published(document, types=types(Witness()))
        return await start(
            self.client,
            plan,
            Start(input=input, **how),
            tenant=self.tenant,
            execution=f"ex_{uuid.uuid4().hex}",
            queue=self.settings.queue,
            origin=origin,
        )

    async def journal(self, handle: WorkflowHandle[Any, Any]) -> list[Stored]:
        return await stored(self.store, self.tenant, execution_of(handle))


def execution_of(handle: WorkflowHandle[Any, Any]) -> ExecutionId:
    return ExecutionId(handle.id.partition("/")[2])


@asynccontextmanager
async def installation(
    client: Client, store: Database, tenant: TenantId, *, loses: Loses = lambda _: False
) -> AsyncGenerator[Installation]:
    """Run a worker; its sink writes all that is not lost before it has ended."""
    settings = Settings(queue=f"q-{uuid.uuid4().hex}", graceful_shutdown=timedelta(seconds=1))
    write = writing(store)

    async def what_is_not_lost(batch: Sequence[Entry]) -> None:
        await write([entry for entry in batch if not (isinstance(entry, Step) and loses(entry))])

    async with (
        means(types(Witness())) as shared,
        BufferedSink(what_is_not_lost) as sink,
        worker(
            client,
            settings,
            means=shared,
            sink=sink,
            workflows=[Reconcile],
            activities=[reconcile_activity(client, store)],
        ),
    ):
        yield Installation(client, store, tenant, settings)


async def make_due(store: Database, tenant: TenantId) -> None:
    """Let the time come in which journals are looked at."""
    async with session(store, tenant) as opened:
        await opened.sql.execute(text("update executions set check_at = '-infinity'"))


def is_whole(journal: Sequence[Stored], *, events: int | None = None) -> bool:
    """Whether rows are numbered without holes, and so are the events of each strand."""
    strands: dict[tuple[int, str], list[int]] = {}
    for row in journal:
        if row.strand is not None and row.n is not None and row.type != "replaced":
            strands.setdefault((row.attempt, row.strand), []).append(row.n)
    whole = all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in strands.values())
    right = events is None or sum(map(len, strands.values())) == events
    return whole and right and [row.seq for row in journal] == list(range(1, len(journal) + 1))
