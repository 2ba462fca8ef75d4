"""Puts the API together."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, Depends, FastAPI

from api import openapi, problems
from api.access_log import AccessLog
from api.health import routes as health
from api.means import Means, means
from api.parameters import known_parameters
from api.workflows import routes as workflows
from api.workflows import version_routes as versions
from runtime.settings import Settings

PREFIX = "/api/v1"
ROUTERS = (
    health.router,
    workflows.router,
    versions.router,
)
"""In this order: what has a fixed address stands before what has a name in its place (`/workflows/{workflow}`)."""


def app(settings: Settings) -> FastAPI:
    """Make the API; what it needs is opened when it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[Mapping[str, Means]]:
        async with means(settings) as opened:
            yield {"means": opened}

    made = FastAPI(
        title="Perdure",
        version=openapi.VERSION,
        description=openapi.DESCRIPTION,
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=openapi.operation_id,
    )
    problems.install(made)
    everything = APIRouter(
        prefix=PREFIX, dependencies=[Depends(known_parameters)], responses=problems.responses(422, 500, 503)
    )
    for router in ROUTERS:
        everything.include_router(router)
    made.include_router(everything)
    made.include_router(openapi.router)
    openapi.install(made)
    made.add_middleware(AccessLog)
    return made
