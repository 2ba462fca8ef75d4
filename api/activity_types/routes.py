"""The activity types of this deployment."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, JsonValue

from api.dependencies import ActivityTypes, Session
from api.paging import Limit, Page, PageOut, after, page_of
from api.problems import responses
from dag.activity_type import TypeSpec
from dag.errors import PerdureError
from dag.names import ACTIVITY_TYPE

router = APIRouter(prefix="/activity-types", tags=["activity types"])


class ActivityTypeUnknown(PerdureError):
    """This deployment has no such activity type."""

    code = "activity_type.unknown"


class ActivityTypeOut(BaseModel):
    """What an activity node can do."""

    name: str
    title: str
    description: str
    config_schema: dict[str, JsonValue]
    output_schema: dict[str, JsonValue]
    timeout: timedelta
    """Of one attempt, when the node does not say."""


async def named(types: ActivityTypes, name: Annotated[str, Path(max_length=130, pattern=ACTIVITY_TYPE)]) -> TypeSpec:
    """Find a type by its name."""
    if name not in types:
        raise ActivityTypeUnknown(f"This deployment has no activity type `{name}`.")
    return types[name]


@router.get("", response_model=PageOut[ActivityTypeOut])
async def list_activity_types(
    types: ActivityTypes, session: Session, last: Annotated[str | None, Depends(after(str))], limit: Limit = 50
) -> Page[TypeSpec]:
    """List all activity types by name, with the schemas of their config and output."""
    return page_of(session, types.values(), limit, last, key=lambda spec: spec.name)


@router.get("/{name}", response_model=ActivityTypeOut, responses=responses(404))
async def read_activity_type(spec: Annotated[TypeSpec, Depends(named)]) -> TypeSpec:
    """Read one activity type."""
    return spec
