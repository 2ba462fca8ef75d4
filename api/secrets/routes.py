"""Secrets: put, replaced and deleted by name. Only attempts of activities see their values."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field

from api.bodies import BODY_PROBLEMS, body, described
from api.dependencies import Session
from api.paging import Limit, Page, PageOut, after, page_of
from api.problems import responses
from store import secrets
from store.secrets import Secret

router = APIRouter(prefix="/secrets", tags=["secrets"])

Name = Annotated[str, Path(pattern=f"^{secrets.NAME.pattern}$")]


class SecretIn(BaseModel):
    """The value of a secret."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    value: Annotated[str, Field(max_length=secrets.MOST_BYTES)]


class SecretOut(BaseModel):
    """A secret, without its value."""

    name: str
    updated_at: datetime


@router.get("", response_model=PageOut[SecretOut])
async def list_secrets(
    session: Session, last: Annotated[str | None, Depends(after(str))], limit: Limit = 50
) -> Page[Secret]:
    """List the names of all secrets."""
    return page_of(session, await secrets.names(session), limit, last, key=lambda secret: secret.name)


@router.put(
    "/{name}",
    status_code=204,
    responses=BODY_PROBLEMS,
    openapi_extra=described(SecretIn, example={"value": "s3cret"}),
)
async def put_secret(name: Name, secret: Annotated[SecretIn, Depends(body(SecretIn))], session: Session) -> None:
    """Store a secret, or replace it. Attempts that begin from now on see the new value."""
    await secrets.put(session, name, secret.value)


@router.delete("/{name}", status_code=204, responses=responses(404))
async def delete_secret(name: Name, session: Session) -> None:
    """Delete a secret."""
    await secrets.delete(session, name)
