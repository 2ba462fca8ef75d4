"""Streams: what happens in an execution, and in all of them, as it happens."""

from fastapi import APIRouter, Depends, Response, WebSocket

from api.dependencies import Means
from api.executions.asking import Asked
from api.live.asking import SECURITY, AskedOf, Reader, place
from api.live.event_streams import EventStream, described
from api.live.lists import listed
from api.live.marks import Mark
from api.live.opening import opened
from api.live.shapes import ExecutionMessage, ListMessage
from api.live.sockets import over_socket
from api.problems import responses

router = APIRouter(prefix="/workflows/executions", tags=["live"], dependencies=[Depends(place)])


@router.websocket("/ws")
async def list_over_socket(socket: WebSocket, means: Means, reader: Reader, filters: Asked) -> None:
    """Follow a list of executions over a WebSocket."""
    await over_socket(socket, listed(means.live.lists, reader.tenant, filters), means, reader)


@router.get(
    "/stream",
    status_code=200,
    response_class=EventStream,
    responses=described(ListMessage.__name__),
    openapi_extra=SECURITY,
)
async def stream_executions(means: Means, reader: Reader, filters: Asked) -> Response:
    """Follow a list of executions: its newest, then what changes. Over a WebSocket: `…/executions/ws`."""
    return EventStream(listed(means.live.lists, reader.tenant, filters), means, reader, mark=None)


@router.websocket("/{execution}/ws")
async def execution_over_socket(socket: WebSocket, means: Means, reader: Reader, asked: AskedOf) -> None:
    """Follow an execution over a WebSocket."""
    await over_socket(socket, await opened(means, reader.tenant, asked), means, reader)


@router.get(
    "/{execution}/stream",
    status_code=200,
    response_class=EventStream,
    responses={**described(ExecutionMessage.__name__), **responses(404)},
    openapi_extra=SECURITY,
)
async def stream_execution(means: Means, reader: Reader, asked: AskedOf) -> Response:
    """Follow an execution to its end: how it stands, then what happens. Over a WebSocket: `…/{execution}/ws`."""
    mark = Mark(asked.execution, asked.since, asked.seen)
    return EventStream(await opened(means, reader.tenant, asked), means, reader, mark=mark)
