"""What requests for streams say: who asks, from where on, of which executions."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Query
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection

from api.dependencies import Means
from api.executions.asking import ID_PATTERN, Id
from api.keys import AuthMissing
from api.live import marks
from api.live.origins import check_origin
from api.parameters import Flag, Whole
from api.tickets.giving import taken
from store.ids import ExecutionId
from store.tenants import Holder

SECURITY: dict[str, Any] = {"security": [{"key": []}]}
MOST_SEEN = 1_000


@dataclass(frozen=True)
class Asked:
    """What is asked of the stream of an execution."""

    execution: ExecutionId
    since: int | None
    """None: as it is now, and what comes."""
    nested: bool
    seen: Mapping[str, int]
    """How far others were told, by their ids or the ends of these."""


async def reader(
    connection: HTTPConnection,
    means: Means,
    ticket: Annotated[
        str | None, Query(max_length=100, description="Of `POST /tickets`, instead of a key: for browsers.")
    ] = None,
) -> Holder:
    """Who opens a stream, by a key or by a ticket."""
    check_origin(connection, means.settings.api_origins)
    scheme, key = get_authorization_scheme_param(connection.headers.get("Authorization"))
    if scheme.lower() == "bearer" and key:
        found = await means.keys.holder(key)
    elif ticket is not None:
        found = await taken(means, ticket, connection.path_params.get("execution"))
    else:
        raise AuthMissing
    connection.state.tenant = found.tenant  # for the access log
    means.rates.spend(found.tenant)
    return found


Reader = Annotated[Holder, Depends(reader)]


async def place(means: Means, reader: Reader) -> AsyncGenerator[None]:
    """A place among the streams of the tenant, for as long as this one is open."""
    with means.live.places.taken(reader.tenant):
        yield


async def asked(
    id: Id,
    *,
    seen: Annotated[
        list[Annotated[str, Query(pattern=rf"{ID_PATTERN[:-1]}:[0-9]{{1,15}}$")]],
        Query(
            default_factory=list,
            max_length=MOST_SEEN,
            description="With `nested`: `<execution>:<seq>` of what was told before.",
        ),
    ],
    since: Annotated[
        Whole | None,
        Query(ge=0, description="The `seq` of the last event that is known; without it a snapshot comes first."),
    ] = None,
    nested: Annotated[Flag, Query(description="Tell of the executions that this one started too, and theirs.")] = False,
    last: Annotated[
        str | None,
        Header(
            alias="Last-Event-ID",
            pattern=marks.PATTERN,
            description="As browsers send it; it goes before `since` and `seen`.",
        ),
    ] = None,
) -> Asked:
    """What the stream of an execution is to tell."""
    told = {execution: int(seq) for execution, _, seq in (each.partition(":") for each in seen)}
    own, told = (since, told) if last is None else marks.read(last)
    return Asked(id, own, nested, told)


AskedOf = Annotated[Asked, Depends(asked)]
