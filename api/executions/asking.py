"""What requests for executions say: ids, filters, how long to wait."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Path, Query
from pydantic import AwareDatetime

from api.executions.shapes import LABEL_NAME, LABEL_TEXT, PRINTABLE, ExecutionStatus
from api.parameters import Whole
from api.problems import RequestInvalid
from store import error_words
from store.execution_search import Filters
from store.ids import ExecutionId

ID_PATTERN = "^ex_[0-9a-f]{32}$"
_MOST_WORDS = 10
_ID = Path(alias="execution", pattern=ID_PATTERN, description="The id of an execution.")


async def execution_id(id: Annotated[str, _ID]) -> ExecutionId:
    """The execution that an address names."""
    return ExecutionId(id)


async def filters(
    status: Annotated[list[ExecutionStatus], Query(default_factory=list, max_length=8, description="Any of them.")],
    label: Annotated[
        list[Annotated[str, Query(pattern=f"^{LABEL_NAME}:{LABEL_TEXT}$")]],
        Query(default_factory=list, max_length=10, description="`key:value`; of several, all must be there."),
    ],
    field: Annotated[
        list[Annotated[str, Query(pattern="^[^:]{1,100}:.{1,500}$")]],
        Query(
            default_factory=list,
            max_length=10,
            description="`name:value` of the workflow's `settings.search`; of several, all must be there.",
        ),
    ],
    workflow: Annotated[str | None, Query(pattern="^[a-z][a-z0-9_-]{0,62}$", description="A name or an id.")] = None,
    version: Annotated[Whole | None, Query(ge=1, lt=2**31, description="Of the workflow.")] = None,
    trigger: Annotated[str | None, Query(pattern="^[a-z_.]{1,63}$")] = None,
    started_after: AwareDatetime | None = None,
    started_before: AwareDatetime | None = None,
    closed_after: AwareDatetime | None = None,
    closed_before: AwareDatetime | None = None,
    error_code: Annotated[
        str | None,
        Query(pattern=r"^[A-Za-z0-9_.-]{1,200}$", description="A code; it stands for what follows it after a dot too."),
    ] = None,
    error: Annotated[
        str | None,
        Query(
            pattern=r"\w{2}",
            max_length=200,
            description="Words of the error's message or code, whole ones, ten at most; all must be there.",
        ),
    ] = None,
    parent: Annotated[
        str | None, Query(pattern=ID_PATTERN, description="The execution that started them, by its id.")
    ] = None,
    rerun_of: Annotated[
        str | None, Query(pattern=ID_PATTERN, description="The execution that they are reruns of, by its id.")
    ] = None,
) -> Filters:
    """What must hold of the executions in a list."""
    if version is not None and workflow is None:
        message = "A version is one of a workflow: name that too."
        raise RequestInvalid([{"code": "missing_field", "in": "query", "path": "/workflow", "message": message}])
    if error is not None and len(error_words.words(error)) > _MOST_WORDS:
        message = f"These are more than {_MOST_WORDS} words."
        raise RequestInvalid([{"code": "limit", "in": "query", "path": "/error", "message": message}])
    return Filters(
        workflow=workflow,
        version=version,
        status=status,
        trigger=trigger,
        label=[(key, value) for key, _, value in (each.partition(":") for each in label)],
        field=[(key, value) for key, _, value in (each.partition(":") for each in field)],
        started_after=started_after,
        started_before=started_before,
        closed_after=closed_after,
        closed_before=closed_before,
        error_code=error_code,
        error=error,
        parent=parent,
        rerun_of=rerun_of,
    )


Id = Annotated[ExecutionId, Depends(execution_id)]
Asked = Annotated[Filters, Depends(filters)]
Place = tuple[datetime, str]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=PRINTABLE,
        description="Repeated with the same key, a start answers with the execution that it started first.",
    ),
]
Wait = Annotated[
    Whole | None, Query(ge=0, le=60, description="Seconds to wait for the end: 200 if it came, 202 if it did not.")
]
NodePath = Annotated[str, Path(alias="path", pattern=r"^[^\x00-\x1f/]{1,1000}$", description="The path of a node run.")]
Since = Annotated[Whole, Query(ge=0, description="The `seq` of the last event that is known.")]
Attempt = Annotated[
    Whole | None, Query(ge=1, lt=2**31, description="One of the attempts at the execution; otherwise the newest.")
]
