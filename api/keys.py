"""Finds whose API key a request has, and remembers that for as long as a revoked key may still open."""

import time
from collections import OrderedDict

from dag.errors import PerdureError
from store import tenants
from store.database import Database
from store.ids import KeyId
from store.session import session
from store.tenants import Holder

FRESH = 2.0
"""Seconds after which a key is looked up again."""
_MOST = 10_000
"""Keys that are remembered, and names of keys, which never change."""


class AuthMissing(PerdureError):
    """Send an API key: `Authorization: Bearer <key>`."""

    code = "auth.missing"


class AuthInvalid(PerdureError):
    """This API key does not exist, or has been revoked."""

    code = "auth.invalid"


class Keys:
    """Holders by their keys. Unknown keys are not remembered: one may be made in the next moment."""

    def __init__(self, database: Database):
        self._database = database
        self._known: OrderedDict[str, tuple[float, Holder]] = OrderedDict()
        self._names: OrderedDict[KeyId, str] = OrderedDict()
        self._open: OrderedDict[KeyId, tuple[float, bool]] = OrderedDict()

    async def holder(self, key: str) -> Holder:
        """Whose key it is."""
        seen = self._known.get(key)
        if seen is not None and time.monotonic() - seen[0] < FRESH:
            return seen[1]
        found = await tenants.holder(self._database, key)
        if found is None:
            self._known.pop(key, None)
            raise AuthInvalid
        self._known[key] = (time.monotonic(), found)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)
        return found

    async def opens(self, holder: Holder) -> bool:
        """Whether a key that opened something has not been revoked since."""
        seen = self._open.get(holder.key)
        if seen is not None and time.monotonic() - seen[0] < FRESH:
            return seen[1]
        async with session(self._database, holder.tenant) as s:
            found = await tenants.key_opens(s, holder.key)
        self._open[holder.key] = (time.monotonic(), found)
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return found

    async def name(self, holder: Holder) -> str:
        """What a key is called."""
        if holder.key not in self._names:
            async with session(self._database, holder.tenant) as s:
                self._names[holder.key] = await tenants.key_name(s, holder.key)
            while len(self._names) > _MOST:
                self._names.popitem(last=False)
        return self._names[holder.key]
