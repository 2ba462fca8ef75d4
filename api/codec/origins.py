"""Lets the scripts of Temporal's Web UI, which has an address of its own, ask for payloads."""

from urllib.parse import urlsplit

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send


class FromTemporal:
    """Tells browsers that pages of Temporal's Web UI, and no others, may call addresses that begin with a path."""

    def __init__(self, app: ASGIApp, path: str, ui_url: str | None):
        self._app = app
        self._path = path
        origin = urlsplit(ui_url or "")
        self._open = CORSMiddleware(
            app,
            allow_origins=[f"{origin.scheme}://{origin.netloc}"] if ui_url else [],
            allow_methods=["POST"],
            allow_headers=["authorization", "authorization-extras", "content-type", "x-namespace"],
            allow_credentials=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        ours = scope["type"] == "http" and scope["path"].startswith(self._path)
        await (self._open if ours else self._app)(scope, receive, send)
