"""Asks questions of a crowded database, as the role that processes have, and tells how long the answers take."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from benchmarks.crowd.filling import Crowd
from benchmarks.crowd.questions import Question, questions
from store.database import Database
from store.ids import TenantId
from store.session import session

LIMIT = 0.100
"""Seconds that 95 of 100 answers may take."""
WARM_UP = 3
SAMPLES = 40


@dataclass(frozen=True)
class Answered:
    """The seconds that the answers to one question took."""

    question: str
    seconds: Sequence[float]

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
    return [
        Answered(name, [await _asked(database, tenant, ask, n) for n in range(-WARM_UP, SAMPLES)][WARM_UP:])
        for name, ask in questions(crowd.largest).items()
    ]


def markdown(answers: Sequence[Answered]) -> str:
    """A table."""
    lines = ["| question | p50 | p95 | highest | |", "|---|--:|--:|--:|---|"]
    for each in answers:
        times = (f"{seconds * 1000:.1f} ms" for seconds in (each.p50, each.p95, max(each.seconds)))
        lines.append(f"| {each.question} | {' | '.join(times)} | {'held' if each.p95 <= LIMIT else '**missed**'} |")
    return "\n".join(lines)


async def _asked(database: Database, tenant: TenantId, ask: Question, n: int) -> float:
    began = time.perf_counter()
    async with session(database, tenant) as opened:
        await ask(opened, n)
    return time.perf_counter() - began
