"""What all requests of one process share."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from temporalio.client import Client

from activities import registry
from api.keys import Keys
from api.live.live import Live, live
from api.problems import TemporalUnavailable
from api.queues import QueueStates
from api.rates import Rates
from dag.activity_type import Catalog
from runtime import database
from runtime.client import TemporalUnreachable, connect
from runtime.database_storage import DatabaseStorage
from runtime.metrics import Pool, collecting
from runtime.settings import Settings
from runtime.tracing import Tracing
from store.database import Database
from store.listening import Listener, listening

_CONNECTING = 5.0


class Connection:
    """The way to Temporal, made when it is first needed: the API answers while Temporal does not."""

    def __init__(self, settings: Settings, database: Database, storage: DatabaseStorage, tracing: Tracing | None):
        self._settings = settings
        self._tracing = tracing
        self._database = database
        self._storage = storage
        self._client: Client | None = None
        self._attempt: asyncio.Task[Client] | None = None

    async def client(self) -> Client:
        """The client. Raises TemporalUnavailable. All who ask at once share one attempt, and how it ends."""
        if self._client is not None:
            return self._client
        if self._attempt is None:
            self._attempt = asyncio.create_task(self._connected())
        return await asyncio.shield(self._attempt)

    async def _connected(self) -> Client:
        try:
            async with asyncio.timeout(_CONNECTING):
                self._client = await connect(
                    self._settings,
                    storage=self._storage,
                    keyring=self._database.keyring,
                    tracing=self._tracing,
                )
                return self._client
        except (TemporalUnreachable, TimeoutError):
            raise TemporalUnavailable from None
        finally:
            self._attempt = None


@dataclass(frozen=True)
class Means:
    """Opened when the process starts, closed when it ends."""

    settings: Settings
    database: Database
    storage: DatabaseStorage
    keys: Keys
    rates: Rates
    temporal: Connection
    catalog: Catalog
    listener: Listener
    live: Live
    queues: QueueStates


@asynccontextmanager
async def means(settings: Settings, leaving: asyncio.Event, tracing: Tracing | None = None) -> AsyncGenerator[Means]:
    """Open everything for as long as the block lasts; `leaving` is set before it ends."""
    async with database.opened(settings) as opened, listening(opened) as listener:
        storage = DatabaseStorage(opened, patience=_CONNECTING)
        temporal = Connection(settings, opened, storage, tracing)
        queues = QueueStates(temporal.client, settings.queue)
        made = Means(
            settings=settings,
            database=opened,
            storage=storage,
            keys=Keys(opened),
            rates=Rates(settings.api_requests_per_second),
            temporal=temporal,
            catalog=registry.catalog(registry.load()),
            listener=listener,
            live=live(settings, opened, listener, leaving),
            queues=queues,
        )
        with collecting(Pool(opened)):
            yield made
        queues.close()
