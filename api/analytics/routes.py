"""Analytics: what happened to executions over time, and what it took."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.analytics import cost, performance, stats, trends
from api.analytics.asking import AskedRange, Points, Top, Which
from api.analytics.shapes import CostOut, PerformanceOut, StatsOut, TrendsOut
from api.dependencies import Session
from api.json_answers import answer
from api.problems import responses

router = APIRouter(prefix="/workflows/analytics", tags=["analytics"], responses=responses(401, 429))

Unit = Annotated[
    str | None, Query(pattern=r"^[^\x00-\x1f]{1,60}$", description="Name those first that used most of this unit.")
]


@router.get("/stats", response_model=StatsOut)
async def read_stats(session: Session, range: AskedRange, which: Which, top: Top = 20) -> Response:
    """Count executions: how they ended, what started them, which workflows are used most, and the errors."""
    return answer(await stats.stats(session, range, which, top))


@router.get("/performance", response_model=PerformanceOut)
async def read_performance(session: Session, range: AskedRange, which: Which, top: Top = 20) -> Response:
    """Tell how long executions and nodes took, and where most of the time is spent."""
    return answer(await performance.performance(session, range, which, top))


@router.get("/trends", response_model=TrendsOut)
async def read_trends(session: Session, range: AskedRange, which: Which, points: Points) -> Response:
    """Tell how counts and lengths of time went, beside the span before."""
    return answer(await trends.trends(session, range, which, points))


@router.get("/cost", response_model=CostOut)
async def read_cost(
    session: Session, range: AskedRange, which: Which, points: Points, unit: Unit = None, top: Top = 20
) -> Response:
    """Tell what attempts used: units of cost, seconds at work, seconds of CPU."""
    return answer(await cost.cost(session, range, which, points, top=top, unit=unit))
