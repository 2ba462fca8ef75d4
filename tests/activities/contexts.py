"""Contexts as a worker would make them, that remember what an activity told."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network

from httpx2 import AsyncClient
from pydantic import JsonValue
from pydantic_monty import AsyncMonty

from activities.context import Context, Reference
from worker import egress

LOOPBACK = (ip_network("127.0.0.0/8"),)


@dataclass
class Told:
    """The context of one attempt, and what the activity told it."""

    timeout: timedelta
    http: AsyncClient
    python: AsyncMonty
    idempotency_key: str = "0123-abc"
    lines: list[str] = field(default_factory=list[str])
    stored: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    concealed: list[str] = field(default_factory=list[str])
    levels: list[str] = field(default_factory=list[str])
    fields: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    cpu_seconds: float = 0.0

    @property
    def logger(self) -> logging.Logger:
        return _Logger(self)

    async def store(self, content: bytes, media_type: str, /) -> Reference:
        self.stored.append((content, media_type))
        return Reference(reference=f"stored-{len(self.stored)}", media_type=media_type, size=len(content))

    def conceal(self, text: str, /) -> None:
        self.concealed.append(text)

    def heartbeat(self, told: JsonValue, /) -> None:
        pass

    def progress(self, fraction: float | None, message: str = "", /) -> None:
        pass

    def cost(self, unit: str, amount: float, /) -> None:
        pass

    def computed(self, seconds: float, /) -> None:
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
    async with egress.client(LOOPBACK) as http, AsyncMonty(min_processes=0, max_processes=2) as python:
        told = Told(timedelta(seconds=timeout), http, python)
        yield told, told
