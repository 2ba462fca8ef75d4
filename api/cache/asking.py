"""What requests with stored outputs say."""

from datetime import datetime
from typing import Annotated

import orjson
from fastapi import Depends, Path, Query
from pydantic import JsonValue

from api.bodies import INPUT, body, described
from api.cache.shapes import NODE, WarmIn
from api.paging import after
from api.parameters import Flag
from api.problems import RequestInvalid
from dag.names import ACTIVITY_TYPE, WORKFLOW_NAME
from store.cached_outputs import Which

WARM_BODY = described(
    WarmIn,
    example={
        "workflow": "greeting",
        "node": "fetch",
        "config": {"url": "https://a.example"},
        "output": {"status": 200, "body": "Hello"},
    },
)
"""For OpenAPI."""

Warm = Annotated[WarmIn, Depends(body(WarmIn, limits=INPUT))]
OutputId = Annotated[str, Path(alias="output", pattern=r"^co_[0-9a-f]{64}$")]
LastOutput = Annotated[tuple[datetime, str] | None, Depends(after(tuple[datetime, str]))]


async def which(
    workflow: Annotated[str | None, Query(pattern=WORKFLOW_NAME, description="The name of a workflow.")] = None,
    node: Annotated[
        str | None, Query(pattern=NODE, max_length=2000, description="The path of its node runs without numbers.")
    ] = None,
    type: Annotated[str | None, Query(pattern=ACTIVITY_TYPE)] = None,
    key: Annotated[str | None, Query(max_length=2000, description="As JSON; what is none is text.")] = None,
) -> Which:
    """Which stored outputs are meant."""
    return Which(workflow, node, type, None if key is None else _read(key))


async def certainly_which(
    which: Annotated[Which, Depends(which)],
    everything: Annotated[Flag, Query(alias="all", description="Instead of saying which.")] = False,  # noqa: FBT002 as parameters are
) -> Which:
    """The same, for those who must say which ones."""
    if everything == (which == Which()):
        return which
    problem: JsonValue = {
        "code": "missing_field" if not everything else "field_not_allowed",
        "in": "query",
        "path": "/all",
        "message": "Say which outputs are meant, or `all=true`; not both.",
    }
    raise RequestInvalid([problem])


def _read(key: str) -> JsonValue:
    try:
        return orjson.loads(key)
    except orjson.JSONDecodeError:
        return key
