"""The verb for analytics: what came of executions of late."""

from typing import Annotated

import typer

from cli import local
from cli.answers import AsJson, tell
from cli.replies import Stats
from cli.server import ApiKey, Data, Url, connected


def stats(
    *,
    last: Annotated[str, typer.Option(help="Of how long: `24h`, `7d`, `30d` or `90d`.")] = "7d",
    workflow: Annotated[str | None, typer.Option(help="Only executions of this one.")] = None,
    as_json: AsJson = False,
    url: Url = None,
    api_key: ApiKey = None,
    data: Data = local.FOLDER,
) -> None:
    """Count executions: how they ended, which workflows were used most, and the errors."""
    from cli.showing import stats_shown

    with connected(url, api_key, data) as api:
        reply = api.get("/workflows/analytics/stats", last=last, workflow=workflow)
    tell(reply, Stats, stats_shown, as_json=as_json)
