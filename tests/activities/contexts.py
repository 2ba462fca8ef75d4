"""Contexts as a worker would make them, that remember what an activity told."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network

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

    levels: list[str] = field(default_factory=list[str])
    fields: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    cpu_seconds: float = 0.0

    @property
    def logger(self) -> logging.Logger:
        return _Logger(self)

    async def store(self, content: bytes, media_type: str) -> Reference:
        self.stored.append((content, media_type))
        return Reference(reference=f"stored-{len(self.stored)}", media_type=media_type, size=len(content))

    def heartbeat(self, details: JsonValue) -> None:
        pass

    def progress(self, fraction: float | None, message: str = "", /) -> None:
        pass

    def cost(self, unit: str, amount: float) -> None:
        pass

    def computed(self, seconds: float) -> None:
        self.cpu_seconds += seconds


class _Logger(logging.Logger):
    def __init__(self, told: Told) -> None:
        super().__init__("perdure.activity", logging.DEBUG)
        self._told = told

    def handle(self, record: logging.LogRecord) -> None:
        usual = vars(logging.makeLogRecord({}))
        self._told.lines.append(record.getMessage())
        self._told.levels.append(record.levelname.lower())
        self._told.fields.append({name: value for name, value in vars(record).items() if name not in usual})


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
                logger=told.logger,
                heartbeat=told.heartbeat,
                progress=told.progress,
                cost=told.cost,
                computed=told.computed,
                store=told.store,
                conceal=told.concealed.append,
            ),
            told,
        )
