"""Reads the ends of journals for all who ask at the same moment together: many executions in one query."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from store.database import Database
from store.executions import ExecutionUnknown
from store.ids import ExecutionId, TenantId
from store.session import session
from store.tails import Tail, Wanted, tails

MOST = 50
"""Executions in one query."""


@dataclass(eq=False)
class _Batch:
    wanted: dict[ExecutionId, Wanted] = field(default_factory=dict[ExecutionId, Wanted])
    found: asyncio.Task[Mapping[ExecutionId, Tail]] | None = None

    def takes(self, wanted: Wanted) -> bool:
        """Whether there is room for one more, or the same is asked already."""
        same = self.wanted.get(wanted.id)
        return len(self.wanted) < MOST if same is None else same == wanted


class Reading:
    """The reads of one process."""

    def __init__(self, database: Database, reads: asyncio.Semaphore):
        self._database = database
        self._reads = reads
        self._next: dict[TenantId, _Batch] = {}

    async def read(self, tenant: TenantId, wanted: Wanted) -> Tail:
        """Read of one execution. Raises ExecutionUnknown, StoreUnavailable."""
        batch = self._next.get(tenant)
        if batch is None or not batch.takes(wanted):
            batch = self._next[tenant] = _Batch()
            batch.found = asyncio.create_task(self._read(tenant, batch), name="perdure reading")
        batch.wanted[wanted.id] = wanted
        assert batch.found is not None
        # Others wait for it too, whoever leaves.
        found = (await asyncio.shield(batch.found)).get(wanted.id)
        if found is None:
            raise ExecutionUnknown(f"There is no execution `{wanted.id}`.")
        return found

    async def _read(self, tenant: TenantId, batch: _Batch) -> Mapping[ExecutionId, Tail]:
        async with self._reads:
            if self._next.get(tenant) is batch:  # from now on it takes nobody in
                del self._next[tenant]
            async with session(self._database, tenant) as s:
                return await tails(s, [*batch.wanted.values()])
