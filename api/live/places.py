"""How many streams a tenant has open at one process."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from dag.errors import PerdureError
from store.ids import TenantId


class StreamsLimited(PerdureError):
    """There are too many streams open already; close some."""

    code = "streams.limited"


class Places:
    """Counts them."""

    def __init__(self, most: int):
        self._most = most
        self._open: Counter[TenantId] = Counter()

    @contextmanager
    def taken(self, tenant: TenantId) -> Generator[None]:
        """Have a stream open for as long as this lasts. Raises StreamsLimited."""
        if self._open[tenant] >= self._most:
            raise StreamsLimited
        self._open[tenant] += 1
        try:
            yield
        finally:
            self._open[tenant] -= 1
            if not self._open[tenant]:
                del self._open[tenant]
