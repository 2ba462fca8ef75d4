"""Pure code, whose speed is measured in the same process as many other tests ran in."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def without_others_garbage() -> Iterator[None]:
    """Keep the collector from going through all that those tests left in memory."""
    gc.disable()
    yield
    gc.enable()
