"""Keeps large payloads in a folder that the harness and the workers share."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from store.sealing import Keyring

KEYRING = Keyring((bytes(32),))
"""The same in all processes, and for both sides."""


class FolderStorage(StorageDriver):
    """One file per content, named by its hash."""

    def __init__(self, folder: Path):
        self._folder = folder

    def name(self) -> str:
        return "benchmark"

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        contents = [payload.SerializeToString(deterministic=True) for payload in payloads]
        return [StorageDriverClaim({"name": await asyncio.to_thread(self._keep, content)}) for content in contents]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        files = [self._folder / claim.claim_data["name"] for claim in claims]
        return [Payload.FromString(await asyncio.to_thread(file.read_bytes)) for file in files]

    def _keep(self, content: bytes) -> str:
        name = hashlib.sha256(content).hexdigest()
        file = self._folder / name
        if not file.exists():
            unfinished = file.with_suffix(f".{uuid4().hex}")
            unfinished.write_bytes(content)
            unfinished.replace(file)
        return name
