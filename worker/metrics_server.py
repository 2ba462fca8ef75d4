"""Answers Prometheus on a port of the worker's own, in a thread of its own."""

import hmac
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from dag.errors import PerdureError
from runtime import metrics
from runtime.settings import Settings

PATH = "/metrics"


class MetricsPortTaken(PerdureError):
    """The worker's port for metrics cannot be listened on; mend PERDURE_WORKER_METRICS_PORT."""


@contextmanager
def serving(settings: Settings) -> Generator[int]:
    """Serve for as long as the block lasts; gives the port."""
    token = settings.metrics_token
    expected = None if token is None else f"Bearer {token.get_secret_value()}".encode()

    class Answers(BaseHTTPRequestHandler):
        timeout = 5

        def do_GET(self) -> None:
            given = self.headers.get("Authorization", "").encode()
            if self.path != PATH or (expected is not None and not hmac.compare_digest(given, expected)):
                self.send_error(HTTPStatus.NOT_FOUND)
                return
            text = metrics.text()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", metrics.CONTENT_TYPE)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, format: str, *args: object) -> None:
            """Scrapes are no news."""

    address = (settings.worker_metrics_host, settings.worker_metrics_port or 0)
    try:
        server = ThreadingHTTPServer(address, Answers)
    except OSError as taken:
        raise MetricsPortTaken(f"Nothing can listen on {address[0]}:{address[1]} for metrics.") from taken
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="perdure metrics", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
