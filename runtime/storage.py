"""Keeps large payloads out of Temporal's history."""

import hashlib
from collections.abc import Sequence
from typing import Protocol

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from runtime.recent import Recent

THRESHOLD = 64 * 1024
"""Payloads of at least this many bytes leave the history."""
NAME = "perdure"
"""Written into every reference: it must never change."""


class PayloadGone(Exception):
    """A payload that a history refers to is not here: it was dropped, or another process has it."""


class Contents(Protocol):
    """Keeps what is no payload too."""

    async def keep(self, tenant: str, execution: str, content: bytes) -> str:
        """Keep content for an execution, and say what to ask for it by."""
        ...

    async def reachable(self) -> None:
        """Wait until something can be kept."""
        ...


class MemoryStorage(StorageDriver):
    """Content-addressed, so that storing again what is there already changes nothing. With `max_bytes` the payloads
    that were used least recently go when there are too many."""

    def __init__(self, *, max_bytes: int | None = None):
        self._kept = Recent(max_bytes=max_bytes)

    @property
    def size(self) -> int:
        """Bytes of all that is kept."""
        return self._kept.size

    def name(self) -> str:
        """Which storage a reference is of."""
        return NAME

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        """Keep payloads by the hash of their content."""
        # A map's order is free in protobuf: without `deterministic`, equal payloads may have different bytes.
        kept = [self._keep(payload.SerializeToString(deterministic=True)) for payload in payloads]
        return [StorageDriverClaim({"sha256": key}) for key in kept]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        """Give back what was kept."""
        return [Payload.FromString(self._find(claim.claim_data["sha256"])) for claim in claims]

    async def keep(self, tenant: str, execution: str, content: bytes) -> str:
        """Keep what is no payload, and say what to ask for it by."""
        return self._keep(content)

    async def reachable(self) -> None:
        """It always is."""

    def _keep(self, content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()
        self._kept.keep(key, content)
        return key

    def _find(self, key: str) -> bytes:
        content = self._kept.find(key)
        if content is None:
            raise PayloadGone(key)
        return content
