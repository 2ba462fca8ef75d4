"""Payloads outside the history."""

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.converter import StorageDriverRetrieveContext, StorageDriverStoreContext

from runtime.storage import MemoryStorage, PayloadGone

STORE = StorageDriverStoreContext()
RETRIEVE = StorageDriverRetrieveContext()


def payload(text: str, **metadata: str) -> Payload:
    return Payload(metadata={key: value.encode() for key, value in metadata.items()}, data=text.encode())


async def test_what_is_stored_comes_back() -> None:
    storage = MemoryStorage()
    payloads = [payload("a", encoding="json/plain"), payload("b", encoding="binary/plain")]
    claims = await storage.store(STORE, payloads)
    assert await storage.retrieve(RETRIEVE, claims[::-1]) == payloads[::-1]


async def test_equal_payloads_are_kept_once() -> None:
    storage = MemoryStorage()
    [first, second] = await storage.store(STORE, [payload("x" * 1000, a="1", b="2"), payload("x" * 1000, b="2", a="1")])
    assert first == second
    assert storage.size < 1100


async def test_with_a_bound_the_least_recently_used_goes_first() -> None:
    storage = MemoryStorage(max_bytes=2_500)
    [a, b] = await storage.store(STORE, [payload("a" * 1000), payload("b" * 1000)])
    await storage.retrieve(RETRIEVE, [a])
    [c] = await storage.store(STORE, [payload("c" * 1000)])
    assert [each.data[:1] for each in await storage.retrieve(RETRIEVE, [a, c])] == [b"a", b"c"]
    with pytest.raises(PayloadGone):
        await storage.retrieve(RETRIEVE, [b])
    assert storage.size <= 2_500


async def test_content_is_kept_beside_payloads() -> None:
    storage = MemoryStorage()
    first, again, other = [await storage.keep("acme", "ex_1", content) for content in (b"pdf", b"pdf", b"png")]
    assert first == again != other
