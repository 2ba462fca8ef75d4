"""The HTTP server in front of the app."""

import asyncio
import socket

import uvicorn

from api.app import app
from api.live.cutting import Cutting
from runtime.settings import Settings
from runtime.tracing import Tracing

_KEPT_ALIVE = 75
"""Seconds that a client may keep a connection without asking: longer than the pools of common clients do."""


class Server(uvicorn.Server):
    """A server whose app hears that it is about to end: answers that never end by themselves must."""

    def __init__(self, config: uvicorn.Config, leaving: asyncio.Event):
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is being answered end."""
        self._leaving.set()
        await super().shutdown(sockets)


def server(settings: Settings, tracing: Tracing | None = None) -> uvicorn.Server:
    """Make the server; it serves until it is told that it `should_exit`, then lets what is being answered end."""
    leaving = asyncio.Event()
    return Server(
        uvicorn.Config(
            Cutting(app(settings, tracing, leaving=leaving)),
            host=settings.api_host,
            port=settings.api_port,
            http="h11",
            ws="websockets-sansio",
            ws_max_size=1024,  # clients have nothing to say
            ws_per_message_deflate=False,  # every client would have the same message compressed for itself
            log_config=None,
            access_log=False,  # ours tells the tenant, and no query
            server_header=False,
            timeout_keep_alive=_KEPT_ALIVE,
            timeout_graceful_shutdown=int(settings.graceful_shutdown.total_seconds()),
        ),
        leaving,
    )
