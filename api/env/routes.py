"""A tenant's own settings, which expressions read as `env.<name>`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, JsonValue

from api.bodies import BODY_PROBLEMS, body, described
from api.dependencies import Session
from api.paging import Limit, Page, PageOut, after, page_of
from api.problems import responses
from store import env
from store.env import Env

router = APIRouter(prefix="/env", tags=["env"])

Name = Annotated[str, Path(pattern=f"^{env.NAME.pattern}$")]


class EnvIn(BaseModel):
    """A value."""

    model_config = ConfigDict(extra="forbid")

    value: JsonValue


class EnvOut(BaseModel):
    """A value and its name."""

    name: str
    value: JsonValue
    updated_at: datetime


@router.get("", response_model=PageOut[EnvOut])
async def list_env(session: Session, last: Annotated[str | None, Depends(after(str))], limit: Limit = 50) -> Page[Env]:
    """List all values by name."""
    return page_of(session, await env.every(session), limit, last, key=lambda each: each.name)


@router.put(
    "/{name}",
    status_code=204,
    responses=BODY_PROBLEMS,
    openapi_extra=described(EnvIn, example={"value": "https://example.com"}),
)
async def put_env(name: Name, given: Annotated[EnvIn, Depends(body(EnvIn))], session: Session) -> None:
    """Store a value, or replace it. Executions that start from now on see it."""
    await env.put(session, name, given.value)


@router.delete("/{name}", status_code=204, responses=responses(404))
async def delete_env(name: Name, session: Session) -> None:
    """Delete a value."""
    await env.delete(session, name)
