"""The verb for events: send one to all who wait for it."""

import uuid
from collections.abc import Mapping
from typing import Annotated

import typer
from pydantic import JsonValue

from cli import local
from cli.answers import AsJson, tell
from cli.given import given
from cli.replies import EmittedEvent
from cli.server import ApiKey, Data, Url, connected

Key = Annotated[
    str | None,
    typer.Option("--key", "-k", help="What it is about, as JSON: who waits with a key gets what has the same one."),
]
Payload = Annotated[
    str | None, typer.Option("--payload", "-p", help="What it says, as JSON; @FILE reads a file, @- stdin.")
]
SendKey = Annotated[
    str | None, typer.Option("--idempotency-key", help="Sends once, however often it is said with this key.")
]


def send(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The event's name.")],
    *,
    event_key: Key = None,
    payload: Payload = None,
    key: SendKey = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Send an event to every execution that waits for it, or will and looks back so far."""
    body, headers = event(name, event_key, payload, key)
    with connected(url, api_key, data) as api:
        reply = api.post("/events", json=body, headers=headers)
    tell(reply, EmittedEvent, lambda sent: [sent.id], as_json=as_json)


def event(
    name: str, event_key: str | None, payload: str | None, key: str | None
) -> tuple[dict[str, JsonValue], Mapping[str, str]]:
    """What is sent, and under which key: with one of its own a request can be repeated, whatever became of it."""
    body: dict[str, JsonValue] = {"name": name}
    if event_key is not None:
        body["key"] = given(event_key, "key")
    if payload is not None:
        body["payload"] = given(payload, "payload")
    return body, {"Idempotency-Key": key or str(uuid.uuid4())}
