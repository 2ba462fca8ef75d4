"""Keeps large payloads in the database, where every process finds them; while it does not answer, they wait."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
    StorageDriverWorkflowInfo,
)

from dag.strands import strand_id
from runtime.codec import sealed_for, tenant_of
from runtime.patience import patiently
from runtime.recent import Recent
from runtime.storage import NAME, PayloadGone
from store import payloads as stored
from store.database import Database
from store.ids import TenantId
from store.schema import at_head
from store.session import session

CACHED = 64 * 1024 * 1024
"""Bytes of payloads that a process keeps in memory: an execution's plan is asked for by every run of it."""


@dataclass
class Batch:
    """What is written for one tenant in one transaction."""

    contents: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])
    uses: set[tuple[bytes, str]] = field(default_factory=set[tuple[bytes, str]])
    written: "asyncio.Task[None] | None" = None


class DatabaseStorage(StorageDriver):
    """Content-addressed by the hash of sealed bytes: what one tenant keeps twice is one row. Raising would run an
    activity again, so it waits for the database instead; at most `patience` seconds, where a person waits."""

    def __init__(self, database: Database, *, patience: float | None = None, max_cached_bytes: int = CACHED):
        self._database = database
        self._patience = patience
        self._recent = Recent(max_bytes=max_cached_bytes)
        self._gathering: dict[str, Batch] = {}
        self._writing: dict[str, asyncio.Task[None]] = {}

    def name(self) -> str:
        """Which storage a reference is of."""
        return NAME

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Keep sealed payloads for the execution whose history refers to them."""
        workflow = context.target.id if isinstance(context.target, StorageDriverWorkflowInfo) else None
        by_tenant: dict[str, dict[str, bytes]] = {}
        claims: list[StorageDriverClaim] = []
        for payload in payloads:
            tenant = sealed_for(payload) or tenant_of(workflow)
            # A map's order is free in protobuf: without `deterministic`, equal payloads may have different bytes.
            content = payload.SerializeToString(deterministic=True)
            key = hashlib.sha256(content).hexdigest()
            by_tenant.setdefault(tenant, {})[key] = content
            claims.append(StorageDriverClaim({"tenant": tenant, "sha256": key}))
        for tenant, contents in by_tenant.items():
            await self._write(tenant, _execution(workflow), contents)
        return claims

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Give back what was kept. Raises PayloadGone."""
        asked = [(claim.claim_data["tenant"], claim.claim_data["sha256"]) for claim in claims]
        found = {tenant: await self._found(tenant, [key for of, key in asked if of == tenant]) for tenant, _ in asked}
        return [Payload.FromString(found[tenant][key]) for tenant, key in asked]

    async def keep(self, tenant: str, execution: str, content: bytes) -> str:
        """Keep what is no payload, sealed, and say what to ask for it by."""
        sealed = await asyncio.to_thread(self._database.keyring.seal, tenant, content)
        key = hashlib.sha256(sealed).hexdigest()
        await self._write(tenant, execution, {key: sealed})
        return key

    async def reachable(self) -> None:
        """Wait until the database answers."""
        await patiently(lambda: at_head(self._database), within=self._patience)

    async def content(self, tenant: str, key: str) -> bytes:
        """Give back what was kept so. Raises PayloadGone."""
        sealed = (await self._found(tenant, [key]))[key]
        return await asyncio.to_thread(self._database.keyring.open, tenant, sealed)

    async def _found(self, tenant: str, keys: Sequence[str]) -> Mapping[str, bytes]:
        found = {key: content for key in keys if (content := self._recent.find(f"{tenant} {key}")) is not None}
        missing = [bytes.fromhex(key) for key in keys if key not in found]
        if missing:
            for key, content in (await patiently(lambda: self._asked(tenant, missing), within=self._patience)).items():
                found[key.hex()] = content
                self._recent.keep(f"{tenant} {key.hex()}", content)
        if gone := [key for key in keys if key not in found]:
            raise PayloadGone(gone[0])
        return found

    async def _asked(self, tenant: str, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        async with session(self._database, TenantId(tenant)) as s:
            return await stored.find(s, keys)

    async def _write(self, tenant: str, execution: str, contents: Mapping[str, bytes]) -> None:
        """Write together what is kept at once, such as the results of a fan-out."""
        batch = self._gathering.get(tenant)
        if batch is None:
            batch = self._gathering[tenant] = Batch()
            batch.written = self._writing[tenant] = asyncio.create_task(
                self._write_batch(tenant, batch, self._writing.get(tenant)), name="perdure payloads"
            )
        for key, content in contents.items():
            batch.contents[bytes.fromhex(key)] = content
            if execution:
                batch.uses.add((bytes.fromhex(key), execution))
        assert batch.written is not None
        await asyncio.shield(batch.written)  # one who is cancelled does not cancel the others
        for key, content in contents.items():
            self._recent.keep(f"{tenant} {key}", content)

    async def _write_batch(self, tenant: str, batch: Batch, before: "asyncio.Task[None] | None") -> None:
        if before is not None:
            await asyncio.wait([before])
        del self._gathering[tenant]  # what comes from now on waits for this one, and is written after it
        try:
            await patiently(lambda: self._written(tenant, batch), within=self._patience)
        finally:
            if self._writing[tenant] is asyncio.current_task():
                del self._writing[tenant]

    async def _written(self, tenant: str, batch: Batch) -> None:
        async with session(self._database, TenantId(tenant)) as s:
            await stored.keep(s, batch.contents, batch.uses)


def _execution(workflow_id: str | None) -> str:
    """The second part of a workflow's id, which the ids of its batches have too."""
    return strand_id(workflow_id or "").execution
