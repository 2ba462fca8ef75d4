"""`python -m benchmarks.crowd FOLDER`: fills a database that stays in the folder, unless it is there, and measures how
long lists and searches take in it."""

import argparse
import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.crowd.filling import Crowd, Size, fill
from benchmarks.crowd.measuring import markdown, measure
from benchmarks.servers.postgres import postgres
from benchmarks.servers.service import NAME, make_tables
from benchmarks.storage import KEYRING
from store.database import Database, database
from store.ids import TenantId
from store.roles import APP

PASSWORD = "crowd"
"""Of a server on loopback that holds nothing but what is made here, for as long as something is measured."""


@asynccontextmanager
async def crowded(folder: Path, size: Size) -> AsyncGenerator[tuple[Database, Crowd]]:
    """A crowded database, opened as the role that processes have."""
    noted = folder / "crowd.json"
    async with postgres(folder, password=PASSWORD) as server:
        await asyncio.to_thread(make_tables, server)
        async with database(server.url(APP, NAME), KEYRING) as opened:
            crowd = _kept(noted)
            if crowd is None:
                crowd = await fill(opened, server.url(database=NAME), size)
                noted.write_text(json.dumps(asdict(crowd)))
            yield opened, crowd


def _kept(noted: Path) -> Crowd | None:
    if not noted.exists():
        return None
    kept = json.loads(noted.read_text())
    return Crowd([TenantId(each) for each in kept["tenants"]], kept["largest"])


async def main(asked: argparse.Namespace) -> None:
    asked.folder.mkdir(parents=True, exist_ok=True)
    size = Size(asked.executions, asked.node_runs, asked.largest)
    async with crowded(asked.folder, size) as (opened, crowd):
        print(markdown(await measure(opened, crowd)))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("folder", type=Path, help="of the database; its size is that of its first run")
    parser.add_argument("--executions", type=int, default=Size.executions)
    parser.add_argument("--node-runs", type=int, default=Size.node_runs)
    parser.add_argument("--largest", type=int, default=Size.largest, help="node runs of the largest execution")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main(_asked()))
