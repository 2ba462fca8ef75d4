"""Monitoring: how a tenant's executions stand now."""

from fastapi import APIRouter, Response

from api.dependencies import Means, Session
from api.json_answers import answer
from api.monitoring.metrics import metrics
from api.monitoring.shapes import MetricsOut
from api.problems import responses

router = APIRouter(prefix="/workflows/monitoring", tags=["monitoring"], responses=responses(401, 429))


@router.get("/metrics", response_model=MetricsOut)
async def read_metrics(session: Session, means: Means) -> Response:
    """Tell what is open and what it waits for, what came of the last hour, and whether workers keep up."""
    return answer(await metrics(session, means.queues))
