"""Opens this installation's database, as every process but the migration does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dag.errors import PerdureError
from runtime.master_key import keyring
from runtime.settings import Settings
from store.database import Database, database


class DatabaseNotSet(PerdureError):
    """There is no database: set PERDURE_DATABASE_URL to postgresql://perdure_app:password@host:5432/perdure."""

    code = "store.not_set"


@asynccontextmanager
async def opened(settings: Settings, *, connections: int = 10) -> AsyncGenerator[Database]:
    """Open the database for as long as the block lasts. Nothing is connected before it is needed."""
    if not settings.database_url:
        raise DatabaseNotSet
    url = settings.database_url.get_secret_value()
    async with database(url, keyring(settings), connections=connections) as store:
        yield store
