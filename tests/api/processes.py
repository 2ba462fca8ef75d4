"""The API as a process of its own, for tests that end it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager

import httpx2

from runtime.settings import Settings


@contextmanager
def run(variables: Mapping[str, str]) -> Generator[subprocess.Popen[str]]:
    """Run the process for as long as this lasts."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PERDURE_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "api"],
        env={**clean, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def said(process: subprocess.Popen[str]) -> str:
    """All that an ended process wrote."""
    assert process.stdout is not None
    return process.stdout.read()


def environment(settings: Settings, port: int) -> dict[str, str]:
    """Settings as a process reads them."""
    assert settings.database_url is not None
    assert settings.master_key is not None
    return {
        "PERDURE_DATABASE_URL": settings.database_url.get_secret_value(),
        "PERDURE_MASTER_KEY": settings.master_key.get_secret_value(),
        "PERDURE_TEMPORAL_ADDRESS": settings.temporal_address,
        "PERDURE_QUEUE": settings.queue,
        "PERDURE_API_PORT": str(port),
    }


async def answering(process: subprocess.Popen[str], http: httpx2.AsyncClient) -> None:
    """Wait until the process answers."""
    while True:
        try:
            assert (await http.get("/health/live")).status_code == 200
            return
        except httpx2.ConnectError:
            assert process.poll() is None
            await asyncio.sleep(0.05)
