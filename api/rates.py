"""Keeps one tenant's flood of requests from the others: so many a second in one process, and twice as many at once."""

import time
from collections import OrderedDict

from dag.errors import PerdureError
from store.ids import TenantId

_MOST = 10_000


class RequestsLimited(PerdureError):
    """There are too many requests; go on more slowly."""

    code = "requests.limited"


class Rates:
    """What each tenant has left: a bucket that fills steadily."""

    def __init__(self, per_second: int):
        self._per_second = per_second
        self._left: OrderedDict[TenantId, tuple[float, float]] = OrderedDict()

    def spend(self, tenant: TenantId) -> None:
        """Count one request. Raises RequestsLimited."""
        now = time.monotonic()
        full = 2.0 * self._per_second
        at, left = self._left.pop(tenant, (now, full))
        left = min(full, left + (now - at) * self._per_second)
        self._left[tenant] = (now, max(0.0, left - 1))
        if len(self._left) > _MOST:
            self._left.popitem(last=False)
        if left < 1:
            raise RequestsLimited
