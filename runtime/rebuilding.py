"""What the command that rebuilds asks of the process that does it, and what that answers: a line of JSON each."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, TypeAdapter

SHOWN = 20
"""Rows that differ which are told of one execution."""
AT_ONCE = 4
"""Executions that are replayed side by side."""

Outcome = Literal["same", "differs", "rebuilt", "forgotten", "unknown", "failed"]


class Asked(BaseModel):
    """What is to be rebuilt: some executions, or all."""

    executions: list[str] = []
    all: bool = False
    tenant: str | None = None
    workflow: str | None = Field(default=None, pattern=r'^[^"\\]+$')
    check: bool = False
    shown: int = Field(default=SHOWN, ge=0)
    at_once: int = Field(default=AT_ONCE, ge=1)


class Differs(BaseModel):
    """One row. Contents are not told."""

    table: str
    row: str
    kind: Literal["missing", "false", "other"]
    """It is missing; it should not be there; it says something else."""
    columns: list[str] = []


class Found(BaseModel):
    """What came of one execution."""

    kind: Literal["execution"] = "execution"
    execution: str
    tenant: str | None = None
    outcome: Outcome
    events: int = 0
    """Step events that were replayed."""
    differences: list[Differs] = []
    more: int = 0
    """How many there are besides those."""
    left: list[str] = []
    """Batches that Temporal does not know, or no longer: what is stored of them stays as it is."""
    message: str | None = None


class Total(BaseModel):
    """The last line, when all has been done."""

    kind: Literal["total"] = "total"
    check: bool
    outcomes: dict[Outcome, int]
    events: int
    seconds: float


class Trouble(BaseModel):
    """The last line, when it could not be done to the end. What was rebuilt before stays so."""

    kind: Literal["trouble"] = "trouble"
    code: Literal["unreachable", "failed"]
    """Whether the database or Temporal does not answer."""
    message: str


LINE: TypeAdapter[Found | Total | Trouble] = TypeAdapter(
    Annotated[Found | Total | Trouble, Field(discriminator="kind")]
)
