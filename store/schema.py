"""Whether a database has the schema that this release was written for."""

from functools import lru_cache

from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from store.database import Database, StoreUnavailable
from store.migrate import configuration


async def at_head(database: Database) -> bool:
    """Whether the newest migration has been run; also when it was a newer release's that ran."""
    try:
        async with database.engine.connect() as connection:
            found = (await connection.execute(text("select version_num from alembic_version"))).scalars().all()
    except ProgrammingError:  # there is no such table yet
        return False
    except (OperationalError, InterfaceError, PoolExhausted) as gone:
        raise StoreUnavailable from gone
    return list(found) == [_head()]


@lru_cache(maxsize=1)
def _head() -> str | None:
    return ScriptDirectory.from_config(configuration("postgresql://")).get_current_head()
