"""The HTTP server in front of the app."""

import uvicorn

from api.app import app
from runtime.settings import Settings

_KEPT_ALIVE = 75
"""Seconds that a client may keep a connection without asking: longer than the pools of common clients do."""


def server(settings: Settings) -> uvicorn.Server:
    """Make the server; it serves until it is told that it `should_exit`, then lets what is being answered end."""
    return uvicorn.Server(
        uvicorn.Config(
            app(settings),
            host=settings.api_host,
            port=settings.api_port,
            http="h11",
            log_config=None,
            access_log=False,  # ours tells the tenant, and no query
            server_header=False,
            timeout_keep_alive=_KEPT_ALIVE,
            timeout_graceful_shutdown=int(settings.graceful_shutdown.total_seconds()),
        )
    )
