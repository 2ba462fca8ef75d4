"""Whether this process lives, and whether everything that it needs answers. No key is asked for."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from api.dependencies import Means
from api.health.parts import Readiness, readiness

router = APIRouter(prefix="/health", tags=["health"])


class LiveOut(BaseModel):
    """This process answers."""

    status: Literal["ok"] = "ok"


class PartOut(BaseModel):
    """One thing that the API needs."""

    ok: bool
    hint: str | None
    """What to do about it."""


class ReadyOut(BaseModel):
    """Whether executions can be started and will run."""

    ready: bool
    database: PartOut
    temporal: PartOut
    workers: PartOut


async def measured(means: Means, response: Response) -> Readiness:
    """Ask every part; the status tells the sum."""
    found = await readiness(means)
    response.status_code = 200 if found.ready else 503
    return found


@router.get("/live", response_model=LiveOut)
async def live() -> LiveOut:
    """Tell that this process answers."""
    return LiveOut()


@router.get("/ready", response_model=ReadyOut, responses={503: {"model": ReadyOut, "description": "Not ready"}})
async def ready(found: Annotated[Readiness, Depends(measured)]) -> Readiness:
    """Tell whether database, Temporal and workers are there."""
    return found
