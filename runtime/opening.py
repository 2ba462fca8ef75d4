"""Opens and seals payloads for people: what Temporal's Web UI and command show of executions."""

import hashlib
from collections.abc import Sequence

from google.protobuf import json_format
from temporalio.api.common.v1 import Payload
from temporalio.api.sdk.v1 import ExternalStorageReference
from temporalio.converter import StorageDriverClaim, StorageDriverRetrieveContext

from runtime.codec import TenantCodec, sealed_for
from runtime.database_storage import DatabaseStorage
from runtime.storage import NAME
from store.ids import TenantId
from store.sealing import Keyring, SealBroken

_REFERENCE = ExternalStorageReference.DESCRIPTOR.full_name.encode()


class Opener:
    """Opens what one tenant owns. All else stays as it is, closed: a page may show what belongs to others."""

    def __init__(self, tenant: TenantId, keyring: Keyring, storage: DatabaseStorage):
        self._tenant = tenant
        self._codec = TenantCodec(keyring, tenant)
        self._storage = storage

    async def seal(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal as the tenant's own processes do."""
        return await self._codec.encode(payloads)

    async def open(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open payloads."""
        return [await self._opened(payload) for payload in payloads]

    async def fetch(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open payloads, those too that are kept outside the history. Raises PayloadGone."""
        return [await self._opened(await self._fetched(payload)) for payload in payloads]

    async def _opened(self, payload: Payload) -> Payload:
        if sealed_for(payload) != self._tenant:
            return payload
        try:
            [opened] = await self._codec.decode([payload])
        except SealBroken:  # its key is not here any more, or somebody wrote this tenant's name on it
            return payload
        return opened

    async def _fetched(self, payload: Payload) -> Payload:
        claim = self._claim(payload)
        if claim is None:
            return payload
        [fetched] = await self._storage.retrieve(StorageDriverRetrieveContext(), [claim])
        return fetched

    def _claim(self, payload: Payload) -> StorageDriverClaim | None:
        """What the tenant may ask the storage for, if the payload is a reference to it."""
        if payload.metadata.get("messageType") != _REFERENCE:
            return None
        try:
            told = json_format.Parse(payload.data, ExternalStorageReference())
        except json_format.ParseError:
            return None
        key = told.claim_data.get("sha256", "")
        is_key = len(key) == 2 * hashlib.sha256().digest_size and set(key) <= set("0123456789abcdef")
        if told.driver_name != NAME or told.claim_data.get("tenant") != self._tenant or not is_key:
            return None
        return StorageDriverClaim(dict(told.claim_data))
