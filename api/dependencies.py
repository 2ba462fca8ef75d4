"""What a route asks for: a session of the caller's tenant, the activity types, Temporal.

Every dependency is `async`, whether it awaits or not: FastAPI sends all others through a thread."""

from collections.abc import AsyncGenerator
from typing import Annotated

import temporalio.client
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

import api.means
import runtime.settings
import store.session
from api.keys import AuthMissing
from dag.activity_type import Catalog
from store.tenants import Holder

BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="An API key.")


async def means(connection: HTTPConnection) -> api.means.Means:
    """What all requests share."""
    return connection.state.means


Means = Annotated[api.means.Means, Depends(means)]


async def settings(means: Means) -> runtime.settings.Settings:
    """What the operator set."""
    return means.settings


async def caller(
    request: Request, means: Means, key: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
) -> Holder:
    """Whose key the request has."""
    if key is None:
        raise AuthMissing
    found = await means.keys.holder(key.credentials)
    request.state.tenant = found.tenant  # for the access log
    means.rates.spend(found.tenant)
    return found


Caller = Annotated[Holder, Depends(caller)]


async def session(means: Means, caller: Caller) -> AsyncGenerator[store.session.Session]:
    """One transaction of the caller's tenant, committed before the answer goes out."""
    async with store.session.session(means.database, caller.tenant) as opened:
        yield opened


async def activity_types(means: Means) -> Catalog:
    """Every activity type of this deployment."""
    return means.catalog


async def temporal(means: Means) -> temporalio.client.Client:
    """The way to Temporal."""
    return await means.temporal.client()


Settings = Annotated[runtime.settings.Settings, Depends(settings)]
Session = Annotated[store.session.Session, Depends(session, scope="function")]
ActivityTypes = Annotated[Catalog, Depends(activity_types)]
Temporal = Annotated[temporalio.client.Client, Depends(temporal)]
