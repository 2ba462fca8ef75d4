"""What requests that steer executions say."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query

from api.bodies import BODY_PROBLEMS, INPUT, body, described
from api.executions.control_shapes import PATH, BreakpointIn, BulkIn, SignalIn, SkipIn, StepIn, VariablesIn
from api.executions.node_asking import PATH as NODE_PATH
from api.executions.shapes import NODE, PRINTABLE, ReasonIn
from api.parameters import Whole
from api.problems import responses

STEERED = {**BODY_PROBLEMS, **responses(404, 409)}
"""What can be answered to what is asked of an execution."""
REASON_BODY = described(ReasonIn, required=False)
STEP_BODY = described(StepIn, required=False)
BREAKPOINT_BODY = described(BreakpointIn, example={"node": "each.price", "condition": "item.total > 100"})
SKIP_BODY = described(SkipIn, example={"path": "each[2].price", "reason": "The bank is closed."})
VARIABLES_BODY = described(VariablesIn, example={"path": "each[2]", "values": {"rate": 2}})
SIGNAL_BODY = described(SignalIn, example={"name": "order.paid", "key": "A-17"})
BULK_BODY = described(BulkIn, example={"filter": {"workflow": "import"}, "reason": "The bank is closed."})

Why = Annotated[ReasonIn, Depends(body(ReasonIn, optional=True))]
Step = Annotated[StepIn, Depends(body(StepIn, optional=True))]
BreakpointSet = Annotated[BreakpointIn, Depends(body(BreakpointIn))]
Skipped = Annotated[SkipIn, Depends(body(SkipIn))]
Edited = Annotated[VariablesIn, Depends(body(VariablesIn, limits=INPUT))]
Bulk = Annotated[BulkIn, Depends(body(BulkIn, limits=INPUT))]
Signalled = Annotated[SignalIn, Depends(body(SignalIn, limits=INPUT))]
SteeringKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=PRINTABLE,
        description="Repeated with the same key, it is done once, and answered as it was.",
    ),
]
BreakpointNode = Annotated[str, Path(alias="node_id", pattern=NODE, description="The node of the breakpoint.")]
Graph = Annotated[
    str, Query(alias="path", pattern=PATH, description="Of a graph, as `each[2]`; empty: the document's own.")
]
MostNodes = Annotated[Whole, Query(alias="limit", ge=1, le=500, description="How many nodes at most.")]
Explained = Annotated[str, Query(alias="path", pattern=NODE_PATH, description="Of a node run, as `each[2].price`.")]
Turn = Annotated[
    Whole | None,
    Query(alias="turn", ge=0, le=10_000_000, description="Of a loop's condition, the turn; otherwise the last."),
]
