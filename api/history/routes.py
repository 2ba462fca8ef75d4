"""The history of an execution: its graph, its timeline, its logs, beside another one, and all of it as a file."""

from fastapi import APIRouter, Response

from api.dependencies import Session
from api.executions.asking import Attempt, Id
from api.history import drawing
from api.history.asking import Path
from api.history.shapes import GraphOut
from api.json_answers import answer
from api.problems import responses

router = APIRouter(prefix="/workflows/executions/{execution}", tags=["history"], responses=responses(401, 404, 429))


@router.get("/graph", response_model=GraphOut)
async def read_graph(session: Session, id: Id, path: Path = None, attempt: Attempt = None) -> Response:
    """Read the graph of the version with the states of its nodes, counted over all turns of loops. With `path`, what is
    inside a node with graphs, or in one of its turns."""
    return answer(await drawing.graph(session, id, attempt=attempt, path=path))
