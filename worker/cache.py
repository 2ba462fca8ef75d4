"""Where outputs are kept that may be used again."""

import time
from typing import Protocol

from runtime.patience import patiently
from store import cache as stored
from store.cache import Found, Made, shown_id
from store.database import Database
from store.ids import TenantId
from store.session import session


class Cache(Protocol):
    """Finds what was made of the same recipe, for the same tenant."""

    async def find(self, tenant: str, recipe: bytes) -> Found | None:
        """Find an output whose time is not over; waits while it cannot be asked."""
        ...

    async def keep(self, tenant: str, recipe: bytes, made: Made) -> None:
        """Keep an output, in place of an earlier one. Raises StoreUnavailable."""
        ...


class CacheInMemory:
    """Outputs of one process, for as long as it lives."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, bytes], tuple[float, bytes]] = {}

    async def find(self, tenant: str, recipe: bytes) -> Found | None:
        """Find an output whose time is not over."""
        until, output = self._kept.get((tenant, recipe), (0.0, b""))
        return Found(shown_id(recipe), output) if time.monotonic() < until else None

    async def keep(self, tenant: str, recipe: bytes, made: Made) -> None:
        """Keep an output, in place of an earlier one."""
        self._kept[tenant, recipe] = time.monotonic() + made.ttl, made.output


class CacheInStore:
    """The tenants' own outputs, which every process finds."""

    def __init__(self, database: Database):
        self._database = database

    async def find(self, tenant: str, recipe: bytes) -> Found | None:
        """Find an output whose time is not over; while the database does not answer, wait for it."""
        return await patiently(lambda: self._asked(tenant, recipe))

    async def keep(self, tenant: str, recipe: bytes, made: Made) -> None:
        """Keep an output, in place of an earlier one. Raises StoreUnavailable."""
        async with session(self._database, TenantId(tenant)) as opened:
            await stored.keep(opened, recipe, made)

    async def _asked(self, tenant: str, recipe: bytes) -> Found | None:
        async with session(self._database, TenantId(tenant)) as opened:
            return await stored.find(opened, recipe)
