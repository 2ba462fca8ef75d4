"""Whose payloads are opened: who sends an API key, or has one in a cookie that only these addresses are sent."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials

from api import dependencies
from api.dependencies import BEARER, Means
from runtime.opening import Opener

COOKIE = "perdure_codec"
_COOKIE = APIKeyCookie(
    name=COOKIE, scheme_name="codec", description="An API key, as the page /codec/session keeps it.", auto_error=False
)


async def opener(
    request: Request,
    means: Means,
    key: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
    kept: Annotated[str | None, Depends(_COOKIE)],
) -> Opener:
    """What opens the payloads of the one who asks."""
    if key is None and kept is not None:
        key = HTTPAuthorizationCredentials(scheme="Bearer", credentials=kept)
    holder = await dependencies.caller(request, means, key)
    return Opener(holder.tenant, means.database.keyring, means.storage)


Open = Annotated[Opener, Depends(opener)]
