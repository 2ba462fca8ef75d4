"""Restate's server with its default settings, from its npm package, and the registration of an endpoint with it."""

import platform
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from benchmarks.processes import LOOPBACK, ChildFailed, child, free_ports, listening

MACHINES = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}


@asynccontextmanager
async def restate(packages: Path, endpoint: str, folder: Path) -> AsyncGenerator[str]:
    """Run one server that calls an endpoint; gives the URL where executions are started."""
    ingress, admin, fabric = free_ports(3)
    env = {
        "RESTATE_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "1",
        "RESTATE_LISTEN_MODE": "tcp",
        "RESTATE_BIND_IP": LOOPBACK,
        "RESTATE_ADVERTISED_HOST": LOOPBACK,
        "RESTATE_NODE_NAME": "benchmark",
        "RESTATE_BIND_PORT": str(fabric),
        "RESTATE_INGRESS__BIND_PORT": str(ingress),
        "RESTATE_ADMIN__BIND_PORT": str(admin),
        "RESTATE_LOG_FILTER": "warn",
    }
    command = [str(binary(packages)), "--no-logo", "--base-dir", str(folder / "restate")]
    async with child(command, folder / "restate.log", env=env) as running:
        await listening(admin, running)
        await listening(ingress, running)
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            reply = await client.post(f"http://{LOOPBACK}:{admin}/deployments", json={"uri": endpoint})
            reply.raise_for_status()
        yield f"http://{LOOPBACK}:{ingress}"


def binary(packages: Path) -> Path:
    """The server for this machine."""
    machine = MACHINES.get(platform.machine(), platform.machine())
    found = packages / f"@restatedev/restate-server-{platform.system().lower()}-{machine}" / "bin" / "restate-server"
    if not found.exists():
        raise ChildFailed(f"Restate has no server for {platform.system()} on {machine}.")
    return found
