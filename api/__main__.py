"""Runs the API until it is asked to stop: `python -m api`."""

import logging
import os
import signal
import sys

from api.server import server
from dag.errors import PerdureError
from runtime.logs import formatter
from runtime.settings import Settings, read
from runtime.tracing import Tracing, tracing


def main() -> int:
    """Read the settings and serve; the answer is the exit status."""
    try:
        settings = read()
    except PerdureError as wrong:
        print(wrong.message, file=sys.stderr)  # noqa: T201 for who starts it by hand
        return 1
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter(settings))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    with tracing("perdure-api") as traces:
        return serve(settings, traces)


def serve(settings: Settings, traces: Tracing | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    serving = server(settings, traces)

    def stop(*_: object) -> None:
        serving.should_exit = True

    # uvicorn takes the signals over while it serves, and sends them once more when it has ended.
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    try:
        serving.run()
    except SystemExit:  # the address is taken; the log says so
        return 1
    return 0 if serving.started else 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Python must not take itself apart under the SDK's threads: in every fourth process that crashes (SDK 1.35).
    os._exit(status)
