"""The examples that start each other, as they stand."""

from collections.abc import Awaitable, Callable

import orjson
import pytest

from dag.documents import read
from tests.examples.publishing import FOLDER
from tests.interpreter.engine import Ended
from tests.interpreter.family import Family, family

__all__ = ["family"]

Run = Callable[[str], Awaitable[Ended]]


@pytest.fixture
def run(family: Family) -> Run:
    """Publishes both, and runs one on its own input."""

    async def run(name: str) -> Ended:
        for each in ("gift-wrap", "gifts"):
            await family.put(read((FOLDER / f"{each}.yaml").read_bytes(), format="yaml"))
        return await family.run(name, orjson.loads((FOLDER / f"{name}.input.json").read_bytes()))

    return run


async def test_gifts_are_wrapped_in_what_paper_there_is(run: Run) -> None:
    assert (await run("gift-wrap")).output == "a book in stars"
    assert (await run("gifts")).output == {"parcel": ["a book in stars", "a lamp in plain", "a kite in plain"]}
