"""The example of a limit, with a real store: two orders of a shop, one after the other."""

import asyncio
from itertools import pairwise

import orjson

from dag.documents import read
from tests.examples.publishing import FOLDER
from tests.interpreter.engine import ended
from tests.interpreter.family import Family, Handle, family

__all__ = ["family"]


async def test_labels_of_one_shop_are_printed_one_order_after_another(family: Family) -> None:
    await family.put(read((FOLDER / "label-print.yaml").read_bytes(), format="yaml"))
    order = orjson.loads((FOLDER / "label-print.input.json").read_bytes())

    async def run(name: str) -> Handle:
        return await family.start(name, order)

    orders = [await run("label-print") for _ in range(3)]
    outputs = [done.output for done in await asyncio.gather(*map(ended, orders))]
    assert outputs == [["north: a book", "north: a lamp"]] * 3
    times = sorted(
        (min(event.at for event in told), max(event.at for event in told))
        for told in ([e for e in family.events(each) if e.type.startswith("node.")] for each in orders)
    )
    assert all(end <= begin for (_, end), (begin, _) in pairwise(times))
