"""Puts the API together."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache

from fastapi import Depends, FastAPI
from starlette.routing import BaseRoute

from api import metrics, openapi, problems
from api.access_log import AccessLog
from api.activity_types import routes as activity_types
from api.analytics import routes as analytics
from api.cache import routes as outputs
from api.codec import routes as codec
from api.codec.origins import FromTemporal
from api.dependencies import caller
from api.env import routes as env
from api.events import routes as events
from api.executions import control_routes as control
from api.executions import debug_routes as debugging
from api.executions import routes as executions
from api.health import routes as health
from api.history import routes as history
from api.live import routes as live
from api.means import Means, means
from api.metrics import MeteredRequests
from api.monitoring import routes as monitoring
from api.parameters import known_parameters, single_headers
from api.secrets import routes as secrets
from api.tasks import routes as tasks
from api.testing import routes as testing
from api.tickets import routes as tickets
from api.tracing import TracedRequests
from api.workflows import dependency_routes as dependencies
from api.workflows import routes as workflows
from api.workflows import version_routes as versions
from runtime.settings import Settings
from runtime.tracing import Tracing

PREFIX = "/api/v1"
ROUTERS = (
    activity_types.router,
    secrets.router,
    env.router,
    outputs.router,
    events.router,
    analytics.router,
    monitoring.router,
    control.router,
    debugging.router,
    executions.router,
    history.router,
    tasks.router,
    tickets.router,
    testing.router,
    workflows.router,
    versions.router,
    dependencies.router,
)
"""What asks for a key. A fixed address stands before one with a name in its place (`/workflows/{workflow}`)."""


@cache
def addresses() -> Sequence[BaseRoute]:
    """All that can be asked for. It takes a while to put together, and is the same for every app of a process."""
    made = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, generate_unique_id_function=openapi.operation_id)
    strict = [Depends(known_parameters), Depends(single_headers)]
    made.include_router(health.router, prefix=PREFIX, dependencies=strict, responses=problems.responses(422, 500))
    made.include_router(
        live.router, prefix=PREFIX, dependencies=strict, responses=problems.responses(401, 403, 422, 429, 500, 503)
    )
    for router in ROUTERS:
        # Who asks is settled first: nothing is told to those who have no key.
        made.include_router(
            router,
            prefix=PREFIX,
            dependencies=[Depends(caller), *strict],
            responses=problems.responses(401, 422, 429, 500, 503),
        )
    made.include_router(
        codec.router, prefix=PREFIX, dependencies=strict, responses=problems.responses(401, 422, 429, 500, 503)
    )
    made.include_router(openapi.router)
    made.include_router(metrics.router)
    for route in made.routes:  # the first that is asked of each makes it ready: no request is to wait for that
        route.matches({"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []})
    return made.routes


def app(settings: Settings, tracing: Tracing | None = None, *, leaving: asyncio.Event | None = None) -> FastAPI:
    """Make the API; what it needs is opened when it starts. Streams end once it is `leaving`."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[Mapping[str, Means]]:
        async with means(settings, leaving or asyncio.Event(), tracing) as opened:
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
        routes=[*addresses()],
    )
    problems.install(made)
    openapi.install(made)
    made.add_middleware(FromTemporal, path=f"{PREFIX}/codec/", ui_url=settings.temporal_ui_url)
    made.add_middleware(AccessLog)
    made.add_middleware(MeteredRequests)
    if tracing is not None:
        made.add_middleware(TracedRequests, tracer=tracing.tracer, trust=settings.trace_callers)
    return made
