"""Seals every payload for the tenant whose execution it is of, so that Temporal and its database read none."""

import asyncio
from collections.abc import Callable, Sequence
from functools import lru_cache

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    ActivitySerializationContext,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from store.sealing import Keyring

ENCODING = b"binary/perdure"
"""What `encoding` says of sealed payloads; all others pass as they are."""
SYSTEM = "perdure"
"""Whose key seals what belongs to no tenant, as the workflows named `perdure.…`; no tenant has such an id."""
OUTSIDE = "perdure-outside"
"""Marks payloads that leave the history earlier; it is seen on the sealed ones too."""
_OWN = f"{SYSTEM}."
_TENANT = "perdure-tenant"
_LARGE = 256 * 1024
"""What takes longer than about a millisecond is sealed and opened in a thread."""


class TenantCodec(PayloadCodec, WithSerializationContext):
    """Whose a payload is, is said in it: opening it takes the key only. Equal payloads of a tenant are sealed alike."""

    def __init__(self, keyring: Keyring, tenant: str = SYSTEM):
        self._keyring = keyring
        self._tenant = tenant

    def with_context(self, context: SerializationContext) -> "TenantCodec":
        """The same for the tenant of a workflow."""
        tenant = whose(context)
        return self if tenant == self._tenant else _codec(self._keyring, tenant)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal."""
        return await _each(self._sealed, payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open what is sealed. Raises SealBroken when its key is not given here."""
        return await _each(self._opened, payloads)

    def _sealed(self, payload: Payload) -> Payload:
        # A map's order is free in protobuf: without `deterministic`, equal payloads may have different bytes.
        sealed = self._keyring.seal(self._tenant, payload.SerializeToString(deterministic=True))
        metadata = {"encoding": ENCODING, _TENANT: self._tenant.encode()}
        if OUTSIDE in payload.metadata:
            metadata[OUTSIDE] = b""
        return Payload(metadata=metadata, data=sealed)

    def _opened(self, payload: Payload) -> Payload:
        tenant = sealed_for(payload)
        return payload if tenant is None else Payload.FromString(self._keyring.open(tenant, payload.data))


def sealed_for(payload: Payload) -> str | None:
    """Whose payload it is, if it is sealed."""
    if payload.metadata.get("encoding") != ENCODING:
        return None
    return payload.metadata.get(_TENANT, b"").decode(errors="replace")


def tenant_of(workflow_id: str | None) -> str:
    """Whose a workflow or a schedule is: its id begins with `<tenant>/`."""
    tenant, slash, _ = (workflow_id or "").partition("/")
    return tenant if slash and not tenant.startswith(_OWN) else SYSTEM


def whose(context: SerializationContext) -> str:
    """Whose the payloads of a context are."""
    match context:
        case WorkflowSerializationContext() | ActivitySerializationContext():
            return tenant_of(context.workflow_id)
        case _:
            return SYSTEM


async def _each(change: Callable[[Payload], Payload], payloads: Sequence[Payload]) -> list[Payload]:
    if sum(len(payload.data) for payload in payloads) < _LARGE:
        return [change(payload) for payload in payloads]
    return await asyncio.to_thread(lambda: [change(payload) for payload in payloads])


@lru_cache(maxsize=1024)
def _codec(keyring: Keyring, tenant: str) -> TenantCodec:
    return TenantCodec(keyring, tenant)
