"""Keeps large payloads out of Temporal's history: in memory, until there is a store that outlives the process."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

THRESHOLD = 64 * 1024
"""Payloads of at least this many bytes leave the history."""


class PayloadGone(Exception):
    """A payload that a history refers to is not here: it was dropped, or another process has it."""


class MemoryStorage(StorageDriver):
    """Content-addressed, so that storing again what is there already changes nothing. With `max_bytes` the payloads
    that were used least recently go when there are too many."""

    def __init__(self, *, max_bytes: int | None = None):
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._max_bytes = max_bytes
        self.size = 0

    def name(self) -> str:
        """Written into every reference: it must never change."""
        return "perdure"

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

    async def keep(self, tenant: str, content: bytes) -> str:
        """Keep what is no payload, and say what to ask for it by."""
        return self._keep(content)

    def _keep(self, content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            self._kept[key] = content
            self.size += len(content)
            while self._max_bytes is not None and self.size > self._max_bytes:
                self.size -= len(self._kept.popitem(last=False)[1])
        return key

    def _find(self, key: str) -> bytes:
        if key not in self._kept:
            raise PayloadGone(key)
        self._kept.move_to_end(key)
        return self._kept[key]
