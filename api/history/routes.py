"""The history of an execution: its graph, its timeline, its logs, beside another one, and all of it as a file."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from api.dependencies import Caller, Means, Session
from api.executions.asking import Attempt, Id, Since
from api.history import comparing, drawing, exporting, timing
from api.history.asking import Compared, LogFilters, Path
from api.history.shapes import BarOut, ComparisonOut, ExportOut, GraphOut, LogLineOut
from api.json_answers import answer
from api.paging import Limit, PageOut, after, page, page_up_to
from api.problems import responses
from store import executions, logs

router = APIRouter(prefix="/workflows/executions/{execution}", tags=["history"], responses=responses(401, 404, 429))


LastNumber = Annotated[int | None, Depends(after(int))]
LastPath = Annotated[str | None, Depends(after(str))]


@router.get("/graph", response_model=GraphOut)
async def read_graph(session: Session, id: Id, path: Path = None, attempt: Attempt = None) -> Response:
    """Read the graph of the version with the states of its nodes, counted over all turns of loops. With `path`, what is
    inside a node with graphs, or in one of its turns."""
    return answer(await drawing.graph(session, id, attempt=attempt, path=path))


@router.get("/timeline", response_model=PageOut[BarOut])
async def read_timeline(
    session: Session, id: Id, last: LastNumber, path: Path = None, attempt: Attempt = None, limit: Limit = 100
) -> Response:
    """Read what took how long: the node runs of the workflow's own graph with their spans and attempts, as they began.
    With `path` those in the graph of a node run or of a turn, or the turns of a loop, each as one bar."""
    rows = await timing.bars(session, id, path=path, attempt=attempt, after=last, limit=limit + 1)
    return answer(page(session, rows, limit, key=lambda row: row.place))


@router.get("/logs", response_model=PageOut[LogLineOut])
async def list_log_lines(
    session: Session, id: Id, filters: LogFilters, last: LastNumber, since: Since = 0, limit: Limit = 100
) -> Response:
    """List what activities and code steps wrote, in order, after the event `since`. With filters a page may be short,
    or empty, although more follows: go on as long as there is a `next`."""
    await executions.attempt(session, id, filters.attempt)
    found = await logs.page(session, id, filters, since=max(since, last or 0), limit=limit)
    return answer(page_up_to(session, found.lines, found.next))


@router.get("/compare/{other}", response_model=ComparisonOut)
async def compare_executions(session: Session, asked: Compared, last: LastPath, limit: Limit = 100) -> Response:
    """Compare two executions: what went in and came out, and node run by node run."""
    return answer(await comparing.compared(session, asked, after=last, limit=limit))


@router.get("/export", response_model=ExportOut)
async def export_execution(means: Means, caller: Caller, id: Id) -> Response:
    """Write an execution as one document: itself, the definition of its version, its node runs, events and log."""
    return await exporting.export(means, caller.tenant, id)
