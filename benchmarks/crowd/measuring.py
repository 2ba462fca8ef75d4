"""Asks questions of a crowded database, as the role that processes have, and tells how long the answers take."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from sqlalchemy import text

from benchmarks.crowd.filling import Crowd
from benchmarks.crowd.pages import monitored, pages
from benchmarks.crowd.questions import Question, questions
from store.database import Database
from store.ids import TenantId
from store.session import session

LISTED, ANALYSED = 0.100, 0.500
"""Seconds that 95 of 100 answers may take: lists and monitoring, and pages of analytics."""
WARM_UP = 3
SAMPLES = 40


@dataclass(frozen=True)
class Answered:
    """The seconds that the answers to one question took."""

    question: str
    seconds: Sequence[float]
    processor: float
    """Seconds of processor for one answer, the database's and the asker's, which depend less on what else runs."""
    limit: float

    @property
    def p50(self) -> float:
        """Half of the answers took no longer."""
        return quantiles(self.seconds, n=100, method="inclusive")[49]

    @property
    def p95(self) -> float:
        """95 of 100 answers took no longer."""
        return quantiles(self.seconds, n=100, method="inclusive")[94]


async def measure(database: Database, crowd: Crowd) -> list[Answered]:
    """Ask everything of the tenant that has most: first what warms up, then what counts, each time something else."""
    tenant = crowd.tenants[0]
    kinds = ((questions(crowd.largest), LISTED), (pages(), ANALYSED), (monitored(), LISTED))
    return [await _answered(database, tenant, *each, limit) for asked, limit in kinds for each in asked.items()]


def markdown(answers: Sequence[Answered]) -> str:
    """A table."""
    lines = ["| question | p50 | p95 | highest | processor, mean | |", "|---|--:|--:|--:|--:|---|"]
    for each in answers:
        times = (f"{seconds * 1000:.1f} ms" for seconds in (each.p50, each.p95, max(each.seconds), each.processor))
        lines.append(
            f"| {each.question} | {' | '.join(times)} | {'held' if each.p95 <= each.limit else '**missed**'} |"
        )
    return "\n".join(lines)


async def _answered(database: Database, tenant: TenantId, name: str, ask: Question, limit: float) -> Answered:
    for n in range(-WARM_UP, 0):
        await _asked(database, tenant, ask, n)
    before = await _processor(database, tenant)
    seconds = [await _asked(database, tenant, ask, n) for n in range(SAMPLES)]
    return Answered(name, seconds, (await _processor(database, tenant) - before) / SAMPLES, limit)


async def _asked(database: Database, tenant: TenantId, ask: Question, n: int) -> float:
    began = time.perf_counter()
    async with session(database, tenant) as opened:
        await ask(opened, n)
    return time.perf_counter() - began


async def _processor(database: Database, tenant: TenantId) -> float:
    """Seconds that this process, and that of its one connection, have used. They are Linux's."""
    async with session(database, tenant) as opened:
        pid = (await opened.sql.execute(text("select pg_backend_pid()"))).scalar_one()
    return time.process_time() + _used(pid)


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
