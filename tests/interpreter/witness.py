"""Activities of the tests that do as their config says, and count what really ran."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from activities.activity_type import ActivityType
from activities.context import Context
from activities.errors import ActivityError
from dag.activity_type import Traits


class WorkConfig(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    value: JsonValue = None
    sleep: float = 0
    fail: str | None = None
    fail_times: int = 1_000_000
    retryable: bool = False
    retry_after: float | None = None
    stubborn: bool = False


class WorkOutput(BaseModel):
    value: JsonValue = None


class Told(ActivityError):
    """It was told to fail."""

    def __init__(self, code: str, *, retryable: bool, retry_after: float | None):
        super().__init__(retryable=retryable, retry_after=retry_after)
        self.code = code


@dataclass
class Witness:
    """Counts what really ran."""

    runs: Counter[str] = field(default_factory=Counter[str])
    """By idempotency key."""
    began: list[float] = field(default_factory=list[float])
    running: int = 0
    most: int = 0
    """Of those that ran at the same time."""

    async def run(self, config: WorkConfig, context: Context) -> WorkOutput:
        self.runs[context.idempotency_key] += 1
        self.began.append(time.monotonic())
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            return await self._run(config, tries=self.runs[context.idempotency_key])
        finally:
            self.running -= 1

    async def _run(self, config: WorkConfig, *, tries: int) -> WorkOutput:
        try:
            await asyncio.sleep(config.sleep)
        except asyncio.CancelledError:
            if not config.stubborn:
                raise
        if config.fail is not None and tries <= config.fail_times:
            raise Told(config.fail, retryable=config.retryable, retry_after=config.retry_after)
        return WorkOutput(value=config.value)


def types(witness: Witness) -> list[ActivityType[Any, Any]]:
    """`test.work` has effects and may not be repeated unasked; `test.read` has none."""
    limit = timedelta(seconds=30)
    return [
        ActivityType("test.work", "Work", WorkConfig, WorkOutput, witness.run, limit),
        ActivityType(
            "test.read",
            "Read",
            WorkConfig,
            WorkOutput,
            witness.run,
            limit,
            traits=lambda _: Traits(effects=False, repeatable=True),
        ),
    ]
