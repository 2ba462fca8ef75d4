"""What the streams of one process share."""

import asyncio
from dataclasses import dataclass

from api.live.lists import Lists
from api.live.places import Places
from api.live.tails import Tails
from runtime.settings import Settings
from store.database import Database
from store.listening import Listener

READS = 4
"""Connections to the database that streams use at once: the others are for requests."""


@dataclass(frozen=True)
class Live:
    """Opened when the process starts."""

    tails: Tails
    lists: Lists
    places: Places
    leaving: asyncio.Event
    """Set when the process is about to end."""


def live(settings: Settings, database: Database, listener: Listener, leaving: asyncio.Event) -> Live:
    """Put it together."""
    reads = asyncio.Semaphore(READS)
    return Live(
        Tails(database, listener, reads), Lists(database, listener, reads), Places(settings.api_streams), leaving
    )
