"""Contexts as a worker would make them, that remember what an activity told."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Literal

from pydantic import JsonValue
from pydantic_monty import AsyncMonty

from activities.context import Context, Reference
from worker import egress

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class Told:
    """What an activity told its host."""

    lines: list[str] = field(default_factory=list[str])
    stored: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    concealed: list[str] = field(default_factory=list[str])

    def log(self, message: str, /, *, level: Literal["debug", "info", "warning", "error"] = "info") -> None:
        self.lines.append(message)

    async def store(self, content: bytes, media_type: str) -> Reference:
        self.stored.append((content, media_type))
        return Reference(reference=f"stored-{len(self.stored)}", media_type=media_type, size=len(content))

    def heartbeat(self, details: JsonValue) -> None:
        pass


@asynccontextmanager
async def contexts(timeout: float = 10.0) -> AsyncGenerator[tuple[Context, Told]]:
    """Make a context with the real HTTP client, let through to loopback, and the real sandbox."""
    told = Told()
    async with egress.client(LOOPBACK) as http, AsyncMonty(min_processes=0, max_processes=2) as python:
        yield (
            Context(
                idempotency_key="0123-abc",
                timeout=timedelta(seconds=timeout),
                http=http,
                python=python,
                log=told.log,
                heartbeat=told.heartbeat,
                store=told.store,
                conceal=told.concealed.append,
            ),
            told,
        )
