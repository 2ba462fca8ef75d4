"""The answers of the API, as far as the commands read them."""

from datetime import datetime

from pydantic import BaseModel, JsonValue

from cli.outcomes import Refused


class Flaw(BaseModel):
    """One thing to mend in what was sent."""

    code: str
    path: str
    message: str
    hint: str | None = None
    severity: str = "error"


class Problem(BaseModel):
    """Why the server refused."""

    code: str
    detail: str
    problems: list[Flaw] | None = None


class RefusedByProblem(Refused):
    """The server refused a request and said why."""

    def __init__(self, problem: Problem):
        self.problem = problem
        super().__init__(problem.detail + (f" ({problem.code})" if problem.code else ""))


class Part(BaseModel):
    """One thing that the API needs."""

    ok: bool
    hint: str | None = None


class Readiness(BaseModel):
    """Whether the API has all that it needs."""

    database: Part
    temporal: Part
    workers: Part


class CachedOutput(BaseModel):
    """A stored output in a list."""

    id: str
    type: str
    workflow: str | None
    node: str | None
    output_bytes: int
    expires_at: datetime
    hits: int


class CachedOutputs(BaseModel):
    """A page of them."""

    items: list[CachedOutput]


class Removed(BaseModel):
    """How many were taken away."""

    removed: int
    more: bool


class Workflow(BaseModel):
    """A workflow as lists show it."""

    name: str
    title: str | None = None
    revision: int
    version: int | None = None
    updated_at: datetime


class WorkflowPage(BaseModel):
    """Some workflows."""

    items: list[Workflow]
    next: str | None = None


class Review(BaseModel):
    """What is wrong with a document."""

    valid: bool
    problems: list[Flaw]


class Publication(BaseModel):
    """What publishing came to."""

    version: int
    created: bool
    problems: list[Flaw]


class Error(BaseModel):
    """Why something failed."""

    code: str
    message: str
    path: str | None = None


class Execution(BaseModel):
    """An execution."""

    id: str
    workflow: str
    version: int
    status: str
    attempt: int
    input: JsonValue = None
    output: JsonValue = None
    error: Error | None = None
    trigger: str | None = None
    started_at: datetime
    closed_at: datetime | None = None
    parent_execution: str | None = None
    parent_path: str | None = None


class ExecutionPage(BaseModel):
    """Some executions."""

    items: list[Execution]
    next: str | None = None


class Event(BaseModel):
    """One entry of the journal."""

    seq: int
    at: datetime
    type: str
    path: str
    attempt: int
    data: JsonValue = None


class EventPage(BaseModel):
    """Some events."""

    items: list[Event]
    next: str | None = None


class Message(BaseModel):
    """What the stream of an execution says."""

    kind: str
    items: list[Event] = []
    seq: int = 0


class EmittedEvent(BaseModel):
    """An event that was sent."""

    id: str
    at: datetime


class Vote(BaseModel):
    """What somebody has said to a task."""

    by: str
    verdict: str | None = None
    at: str


class Task(BaseModel):
    """Something that is asked of people, or where it stands after a decision."""

    path: str
    status: str
    title: str = ""
    description: str | None = None
    assignees: list[str] = []
    due: str | None = None
    by: str | None = None
    at: str | None = None
    votes: list[Vote] = []


class HeldAt(BaseModel):
    """Where the debugger holds an execution."""

    path: str
    why: str


class Steered(BaseModel):
    """How an execution stands that is steered."""

    paused: bool
    held: HeldAt | None = None


class NodeInside(BaseModel):
    """A node of a graph that runs."""

    path: str
    status: str


class GraphInside(BaseModel):
    """A graph that runs."""

    nodes: list[NodeInside]


class Inside(Steered):
    """Where an execution stands, graph by graph."""

    next: list[str]
    graphs: list[GraphInside]


class Value(BaseModel):
    """A variable, or a name that a graph binds."""

    name: str
    value: JsonValue = None
    bytes: int | None = None

    @property
    def written(self) -> str:
        """As JSON."""
        return self.model_dump_json(include={"value"})[len('{"value":') : -1]


class Scope(BaseModel):
    """What one graph declares and binds."""

    path: str
    values: list[Value]


class Scopes(BaseModel):
    """What is seen at one place."""

    scopes: list[Scope]


class NodeRun(BaseModel):
    """One time a node ran."""

    path: str
    type: str | None = None
    status: str
    attempt: int
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: Error | None = None


class Wait(BaseModel):
    """Something that an execution waits for."""

    path: str
    reason: str
    text: str


class WaitPage(BaseModel):
    """Why an execution does not move."""

    items: list[Wait]


class NodeRunPage(BaseModel):
    """Some node runs."""

    items: list[NodeRun]
    next: str | None = None


class Counts(BaseModel):
    """How many executions, and how they ended."""

    started: int
    closed: int
    by_status: dict[str, int]
    success_rate: float | None


class UsedWorkflow(Counts):
    """The executions of a workflow."""

    workflow: str


class FrequentCode(BaseModel):
    """Executions that ended with one error."""

    code: str
    count: int


class ErrorFamily(BaseModel):
    """Errors whose codes begin alike."""

    codes: list[FrequentCode]


class Stats(BaseModel):
    """What came of executions."""

    total: Counts
    workflows: list[UsedWorkflow]
    errors: list[ErrorFamily]


class CaseName(BaseModel):
    """A test that is kept with a workflow."""

    name: str


class Suite(BaseModel):
    """A page of them."""

    items: list[CaseName]
    next: str | None


class Wrong(BaseModel):
    """Why an execution failed, or an assertion could not be asked."""

    code: str
    message: str
    path: str | None = None


class Difference(BaseModel):
    """One place where two values differ."""

    path: str
    actual: JsonValue = None
    expected: JsonValue = None
    missing: bool = False
    unexpected: bool = False


class Asserted(BaseModel):
    """What came of one assertion."""

    expression: str
    passed: bool
    actual: JsonValue = None
    diff: list[Difference] = []
    error: Wrong | None = None


class Covered(BaseModel):
    """What an execution went through."""

    nodes: dict[str, bool] = {}
    edges: dict[str, bool] = {}


class Tested(BaseModel):
    """How a test came out, or what kept it from being run."""

    name: str | None
    passed: bool | None
    execution: str | None = None
    status: str | None = None
    output: JsonValue = None
    error: Wrong | None = None
    assertions: list[Asserted] = []
    coverage: Covered = Covered()
    unmocked: list[str] = []
    problems: list[Flaw] = []
